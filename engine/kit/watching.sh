# The fact $2 in $part_facts, which holds lines `KEY VALUE`; the last one counts.
part_fact() {
  part_value=
  case "$newline$part_facts" in
    *"$newline$1 "*)
      part_value="$newline$part_facts"
      part_value=${part_value##*"$newline$1 "}
      part_value=${part_value%%"$newline"*}
      ;;
  esac
}
# Runs watch script $1 as a section of its own would be run, but with its facts printed to descriptor 3.
part_run() {
  set -eu
  fact() {
    printf '%s %s\n' "$1" "$2" >&3
  }
  part_text='' part_names='' part_words=''
  eval "part_text=\$part_${1}_text part_names=\$part_${1}_names part_words=\$part_${1}_words"
  for part_name in $part_names; do
    # What a look would hold is not there in a step.
    eval "$part_name=\${part_${1}_var_$part_name-}"
  done
  eval "set -- $part_words"
  eval "$part_text"
}
# What watch $1 reports: sets fingerprint and ctime.
part() {
  eval "part_other=\${part_${1}_other-}"
  if [ "$part_other" ]; then
    eval "part_facts=\$(as_user \"\$part_${1}_user\" \"\$part_${1}_whole\")"
  else
    part_facts=$(part_run "$1" 3>&1 >&2)
  fi
  part_fact fingerprint
  fingerprint=$part_value
  part_fact ctime
  ctime=$part_value
}
newline='
'
