_engine_report() {
  [ -z "$2" ] || printf '\n#%s fact 0 %s\n%s\n#%s .\n' "$_engine_nonce" "$1" "$2" "$_engine_nonce"
}
printf '\n#%s start 0\n' "$_engine_nonce"
# Nothing that is asked may read what follows on standard input.
{
  _engine_v=$(uname -s) || _engine_v=
  _engine_report os "$_engine_v"
  _engine_v=$(uname -m) || _engine_v=
  _engine_report arch "$_engine_v"
  # A container may run under a number that no user has.
  _engine_v=$(id -un) || _engine_v=$(id -u) || _engine_v=
  _engine_report user "$_engine_v"
  _engine_report home "${HOME-}"
  _engine_v=$(uname -n) || _engine_v=
  _engine_report hostname "$_engine_v"
} </dev/null 2>/dev/null
printf '\n#%s end 0 0 0\n' "$_engine_nonce"
printf '\n#%s end 0\n' "$_engine_nonce" >&2
unset -f _engine_report
unset _engine_v _engine_nonce s
