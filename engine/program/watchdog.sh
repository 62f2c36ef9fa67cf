_engine_leader=
_engine_look self && [ "$_engine_pid" = "$_engine_pgrp" ] && _engine_leader=1

# Everything that sections have started and that still runs, in _engine_found: what descends from the program's shell
# or from what was found before, and what is left in the process group without descending from the program.
_engine_strays() {
  _engine_list
  _engine_below "$_engine_main $_engine_found" "$_engine_dog"
  _engine_found=
  _engine_seen=$_engine_tree
  for _engine_n in $_engine_rows; do
    case $_engine_seen in *":${_engine_n%%:*}:"*) _engine_find "${_engine_n%%:*}" ;; esac
  done
  # Where a section has killed the shell that started all this, its own helpers would pass for left.
  if [ -z "$_engine_leader" ] || ! _engine_look "$$"; then return 0; fi
  _engine_below "$$ $_engine_dog $_engine_main $_engine_found" ''
  for _engine_n in $_engine_rows; do
    [ "${_engine_n##*:}" = "$$" ] || continue
    case $_engine_tree in *":${_engine_n%%:*}:"*) ;; *) _engine_find "${_engine_n%%:*}" ;; esac
  done
}
# Those that made the list are in it, too, but have ended.
_engine_find() {
  case $1 in "$_engine_main" | "$_engine_dog" | "$$" | "$PPID") return 0 ;; esac
  ! kill -s 0 "$1" || _engine_found="$_engine_found $1"
}
_engine_signal() {
  # Nothing of a section contains what started the program; a list that does is wrong.
  case " $_engine_rows" in *" $PPID:"*) _engine_below "$_engine_found" '' ;; *) _engine_tree=: ;; esac
  case $_engine_tree in *":$PPID:"*) return 0 ;; esac
  for _engine_n in $_engine_found; do kill -s "$1" "$_engine_n"; done
  [ "$1" = KILL ] || [ -z "$_engine_leader" ] || kill -s "$1" 0
}
# Ends all that sections have left: first it is asked to, after three seconds it must.
_engine_clear() {
  _engine_found=
  _engine_strays
  _engine_signal TERM
  [ -n "$_engine_found" ] || return 0
  for _engine_t in 0.1 0.2 0.7 1 1 must must must must; do
    # Fractions are not in POSIX, and then refused, as `must` is.
    sleep "$_engine_t" 2>/dev/null || sleep 0.1 2>/dev/null || sleep 1
    _engine_strays
    [ -n "$_engine_found" ] || return 0
    # On a busy host with many processes this takes a while, too.
    _engine_frame beat &
    [ "$_engine_t" != must ] || _engine_signal KILL
  done
}

# One watchdog for the whole program, which counts seconds. SIGCONT tells it that a new section has started, SIGALRM
# that it is no longer needed: the program traps neither, so they do what they should (nothing; end it) even where
# they arrive before it has set its own traps.
_engine_arm() {
  [ "$_engine_limit" = "$1" ] && [ -n "$_engine_dog" ] && kill -s CONT "$_engine_dog" && return
  _engine_stop_watchdog
  _engine_limit=$1
  {
    exec </dev/null 8>&- 7>&-
    _engine_watch
  } &
  _engine_dog=$!
}
_engine_stop_watchdog() {
  [ -z "$_engine_dog" ] || kill -s ALRM "$_engine_dog"
  _engine_dog=
}
_engine_watch() {
  trap '_engine_left=$_engine_limit' CONT
  trap 'kill -s KILL "${!-}"; exit 0' ALRM
  trap '' TERM HUP INT QUIT PIPE USR1 USR2
  _engine_left=$_engine_limit _engine_beat=0
  _engine_look self
  _engine_dog=$_engine_pid
  while :; do
    sleep 1 9>&- &
    while wait "$!"; [ "$?" -gt 128 ]; do kill -s 0 "$!" || break; done
    kill -s 0 "$_engine_main" || {
      # The program was killed. Its running step goes on, and may take its time, but no more than that.
      exec 9>/dev/null
      _engine_look "$$" || exit 0
    }
    _engine_left=$((_engine_left - 1)) _engine_beat=$((_engine_beat + 1))
    if [ "$_engine_beat" -ge 10 ]; then
      _engine_beat=0
      # In a process of its own: the frames may be held up, and time must not be.
      _engine_frame beat &
    fi
    if [ "$_engine_limit" -gt 0 ] && [ "$_engine_left" -lt 0 ]; then
      kill -s USR2 "$_engine_main"
      _engine_clear
      exit 0
    fi
  done
}
# What is left of a section that took too long is the watchdog's to end; it ends itself with that.
_engine_wait_watchdog() {
  [ -n "$_engine_dog" ] || return 0
  while kill -s 0 "$_engine_dog"; do
    wait "$_engine_dog"
    # Its number may already be somebody else's.
    [ "$?" != 127 ] || break
  done
  _engine_dog=
}
