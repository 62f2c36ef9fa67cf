_engine_nest() {
  trap : TERM HUP INT QUIT PIPE
  # The owner of a directory needs none: root's watchdog watches over what root started.
  if [ -z "$_engine_stay$_engine_leader" ] && [ -z "${ENGINE_LED-}" ] && command -v setsid >/dev/null 2>&1; then
    # Only a process group of its own can be ended as a whole.
    printf '#begin %s\n%s\n#end %s\n' "$_engine_nonce" "$p" "$_engine_nonce" |
      ENGINE_LED=1 setsid sh -c "$_engine_launcher"
    exit
  fi
  unset p ENGINE_LED
  trap _engine_late=1 USR2
  # What is sent after the program is for its script.
  [ -z "${_engine_feed-}" ] || exec 4<&0
  exec 9>&1 8>&2 7>/dev/null </dev/null >/dev/null 2>&1
  [ -n "$_engine_stay" ] || cd "${HOME:-/}" || cd /
  _engine_look self
  _engine_main=$_engine_pid
  [ -n "$_engine_stay" ] || _engine_arm "$_engine_seconds"
  (
    eval "$_engine_v"
    _engine_home=${HOME-}
    if [ -n "$_engine_stay" ]; then eval "HOME=~$(id -un 2>/dev/null)"; fi
    set -eu
    eval "$_engine_x"
  ) >&8 2>&8 7>&-
  _engine_s=$?
  if [ -n "$_engine_late" ]; then
    [ "$_engine_s" != 0 ] || _engine_s=124
    _engine_frame "late $_engine_i"
    _engine_wait_watchdog
  fi
  if [ -n "$_engine_steps" ]; then
    _engine_arm 0
    _engine_clear
  fi
  _engine_stop_watchdog
  trap '' TERM
  [ -z "$_engine_leader" ] || kill -s TERM 0
  exit "$_engine_s"
}
