_engine_frame() { printf '\n#%s %s\n' "$_engine_nonce" "$1" >&9; }
_engine_mark() { printf '\n#%s %s\n' "$_engine_nonce" "$1" >&8; }

_engine_relay() {
  trap '' HUP INT QUIT
  cat
  # The other side is gone. What still writes here must neither die of it nor wait for it.
  exec cat >/dev/null
}

# Nothing is started over a connection that is cut, which is known by writing to it.
_engine_connected() {
  [ -z "$_engine_dead" ] || return 1
  { printf '\n#%s live\n' "$_engine_nonce" >&7; } 2>/dev/null && return
  _engine_dead=1
  _engine_halt
  return 1
}
_engine_halt() {
  [ -n "$_engine_halted" ] || _engine_frame stopped
  _engine_halted=1
}

# Section $1, which is a step if $2 is 1, may take $3 seconds and needs the sections $4. Fails if it must not start.
_engine_begin() {
  [ -z "$_engine_steps" ] || _engine_connected || return 1
  if [ "$2" = 1 ] && [ -n "$_engine_stop" ]; then
    _engine_halt
    return 1
  fi
  for _engine_n in $4; do
    eval "_engine_s=\${_engine_s$_engine_n-}"
    [ "$_engine_s" = 0 ] || {
      _engine_frame "skip $1 $_engine_n"
      return 1
    }
  done
  # Time ran out just as the section before had ended: its watchdog is about to end, and watches no other.
  [ -z "$_engine_late" ] || _engine_wait_watchdog
  _engine_i=$1 _engine_late=
  _engine_arm "$3"
  _engine_frame "start $1"
}
_engine_end() {
  _engine_s=$1
  if [ -n "$_engine_late" ]; then
    [ "$_engine_s" != 0 ] || _engine_s=124
    _engine_wait_watchdog
  fi
  eval "_engine_s$_engine_i=$_engine_s"
  _engine_mark "end $_engine_i"
  _engine_frame "end $_engine_i $_engine_s ${_engine_late:-0}"
}

# Quick sections, which may take $1 seconds together, report as one: all of them or none. Where none does, each is run
# by itself.
_engine_begin_quick() {
  _engine_reported=
  [ -z "$_engine_steps" ] || _engine_connected || return 1
  [ -z "$_engine_late" ] || _engine_wait_watchdog
  _engine_late= _engine_r=0
  _engine_arm "$1"
}
# What they reported is $_engine_t; they are those from $1 to $2.
_engine_end_quick() {
  # One write that fits the pipe's atomic size, and no section in it that ended early.
  [ "${#_engine_t}" -lt 3800 ] || return 0
  case $_engine_t in *"#$_engine_nonce end $2 0 0") ;; *) return 0 ;; esac
  printf '%s\n' "$_engine_t" >&9
  _engine_reported=1 _engine_n=$1
  while [ "$_engine_n" -le "$2" ]; do
    eval "_engine_s$_engine_n=0"
    _engine_mark "end $_engine_n"
    _engine_n=$((_engine_n + 1))
  done
}

_engine_run() {
  # A section that kills its process group, or a terminal, must not end the program; a broken pipe is to be noticed.
  trap : TERM HUP INT QUIT PIPE
  trap _engine_stop=1 USR1
  trap _engine_late=1 USR2
  _engine_look self
  _engine_main=$_engine_pid
  _engine_mark hello
  _engine_frame "hello $_engine_pid $_engine_born"
  if _engine_prepare; then _engine_sections; fi
  _engine_finish
  # shellcheck disable=SC1010  # a word
  _engine_mark done
  # shellcheck disable=SC1010  # a word
  _engine_frame done
}

_engine_prepare() { :; }
_engine_finish() {
  _engine_stop_watchdog
  [ -z "$_engine_leader" ] || kill -s TERM 0
}
_engine_late= _engine_stop= _engine_dead= _engine_halted= _engine_dog= _engine_limit=
