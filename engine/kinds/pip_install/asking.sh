newline='
'
# -B below: to look must not write compiled modules.
# Prints the request, of which "$@" holds a beginning and an end for each line.
pip_request() {
  while [ "$#" -gt 1 ]; do
    printf '%s%s\n' "$1" "$2"
    shift 2
  done
}
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
said_satisfied() {
  said_fact missing
  if [ -n "$value" ]; then
    fail "pip reported success, but this is still not satisfied: $value"
  fi
}
said_facts() {
  for said_key in absent missing count; do
    said_fact "$said_key"
    fact "$said_key" "$value"
  done
}
