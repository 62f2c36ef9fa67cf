newline='
'
# Prints the request, of which "$@" holds a beginning and an end for each line.
pip_request() {
  while [ "$#" -gt 1 ]; do
    printf '%s%s\n' "$1" "$2"
    shift 2
  done
}
newline='
'
pip_lines=$(pip_request "$@")
# The lines `#KEY VALUE` of $said: sets value to that of $1.
said_fact() {
  value=
  case "$newline$said" in
    *"$newline#$1 "*)
      value="$newline$said"
      value=${value##*"$newline#$1 "}
      value=${value%%"$newline"*}
      ;;
  esac
}
said_facts() {
  for said_key in absent missing count fingerprint ctime; do
    said_fact "$said_key"
    fact "$said_key" "$value"
  done
}
# Asks by the command "$@" for what is still to be installed: sets lacking. Fails where there is no file of requirements.
pip_lacking() {
  said=$("$@" check)
  said_fact absent
  [ -z "$value" ] || fail "the requirements file $value is not $where; nothing was installed"
  said_fact missing
  lacking=$value
}
# Installs it by the same command, and looks again.
pip_install() {
  "$@" install
  pip_lacking "$@"
  [ -z "$lacking" ] || fail "pip reported success, but this is still not satisfied: $lacking"
}
