"""The constant shell text of every program: what starts it, what sections may call, and how sections are run.

POSIX sh, as dash, bash, bash --posix and busybox sh understand it. Names that begin with `_engine_` belong to the
program; a section may use any other. File descriptors of the program: 9 frames, 8 the sections' output, 7 the
standard error it was started with.
"""

LAUNCHER = (
    'LC_ALL=C; export LC_ALL; IFS= read -r b; p=$(cat); n=${b#"#begin "}; '
    'case $n in "") exit 97;; esac; case $p in *"#end $n") unset b n; eval "$p";; *) exit 97;; esac'
)
"""What `sh -c` runs. It reads the whole program and runs it only if its end has arrived. Without line breaks and
without the characters ! ' \\ so that it survives being quoted for any login shell."""

STREAM_LAUNCHER = (
    "LC_ALL=C; export LC_ALL; s=${IFS#??}; IFS= read -r b; "
    'n=${b#"#begin "}; case $n in "") exit 97;; esac; p=; '
    'while IFS= read -r l; do case $l in "#end $n") unset b n l; eval "$p"; exit;; esac; p=$p$l$s; done; exit 97'
)
"""Like LAUNCHER, but reads no further than the program's last line: bulk content follows it on standard input.
`IFS` begins as space, tab, line break, so `s` is the line break that this text must not contain."""

SECTIONS = r"""
unset CDPATH ENV
[ -z "${BASH_VERSION-}" ] || shopt -s inherit_errexit 2>/dev/null

fact() {
  case $1 in '' | *[!A-Za-z0-9_.-]*) fail "fact: \`$1\` is no valid key" ;; esac
  # A marker is 256 bytes at most.
  [ "${#1}" -le 200 ] || fail "fact: a key of ${#1} characters is too long; 200 are allowed"
  if [ "${#2}" -lt 3800 ]; then
    # One write that fits the pipe's atomic size: a process left behind cannot write into the middle of it.
    printf '\n#%s fact %s %s\n%s\n#%s .\n' "$_engine_nonce" "$_engine_i" "$1" "$2" "$_engine_nonce" >&9
  else
    printf '\n#%s fact %s %s\n' "$_engine_nonce" "$_engine_i" "$1" >&9
    printf '%s' "$2" >&9
    printf '\n#%s .\n' "$_engine_nonce" >&9
  fi
}
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed on this host"; }
if command -v sha256sum >/dev/null 2>&1; then
  sha256() {
    _engine_hash=$(sha256sum) || return
    printf '%s\n' "${_engine_hash%% *}"
  }
elif command -v shasum >/dev/null 2>&1; then
  sha256() {
    _engine_hash=$(shasum -a 256) || return
    printf '%s\n' "${_engine_hash%% *}"
  }
else
  sha256() {
    need openssl
    _engine_hash=$(openssl dgst -sha256) || return
    printf '%s\n' "${_engine_hash##* }"
  }
fi
"""
"""What the scripts of plugins may call; see `engine.model.Script`."""

RUN = r"""
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
  _engine_mark done
  _engine_frame done
}

_engine_prepare() { :; }
_engine_finish() {
  _engine_stop_watchdog
  [ -z "$_engine_leader" ] || kill -s TERM 0
}
_engine_late= _engine_stop= _engine_dead= _engine_halted= _engine_dog= _engine_limit=
"""
"""How sections are run and what is reported of them."""

START = r"""
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
"""
"""Frames and the sections' output leave through relays, which outlive the connection: what writes to them when it is
cut is not ended by SIGPIPE. $1 is the launcher."""
