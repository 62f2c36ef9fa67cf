if [ -z "$_engine_leader" ] && [ -z "${ENGINE_LED-}" ] && command -v setsid >/dev/null 2>&1; then
  # Only a process group of its own can be ended as a whole.
  {
    printf '#begin %s\n%s\n#end %s\n' "$_engine_nonce" "$p" "$_engine_nonce"
    cat
  } | ENGINE_LED=1 setsid sh -c "$1"
  exit
fi
unset p ENGINE_LED
# Before anything else runs that SIGTERM to the group must not end. A redirection of a whole group of commands would
# leave copies of what it replaces, open in all that is forked from there; `exec` does not.
trap '' TERM
trap : HUP INT QUIT PIPE USR1 USR2
exec 5>&1 7>&2
{
  exec 8>&1
  {
    exec 9>&1 >/dev/null 2>&1 5>&-
    _engine_run
  } | {
    exec >&5 2>/dev/null 5>&- 7>&- 8>&-
    _engine_relay
  }
} | {
  exec >&7 2>/dev/null 5>&- 7>&-
  _engine_relay
}
