"""The constant shell text of every program. POSIX sh, as dash, bash, bash --posix and busybox sh understand it.

Names that begin with `_engine_` belong to the program; a section may use any other. File descriptors of the
program: 9 frames, 8 the sections' output, 7 the standard error it was started with.
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

FUNCTIONS = r"""
unset CDPATH ENV
[ -z "${BASH_VERSION-}" ] || shopt -s inherit_errexit 2>/dev/null

_engine_frame() { printf '\n#%s %s\n' "$_engine_nonce" "$1" >&9; }
_engine_mark() { printf '\n#%s %s\n' "$_engine_nonce" "$1" >&8; }

fact() {
  case $1 in '' | *[!A-Za-z0-9_.-]*) fail "fact: \`$1\` is no valid key" ;; esac
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

# PID as $1: _engine_ppid, _engine_pgrp, _engine_born (start time), _engine_state; fails where there is none.
# The name of a process may hold spaces and brackets, so its end is looked for from the right.
_engine_look() {
  _engine_born=
  { IFS= read -r _engine_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -f
  set -- "$1" ${_engine_stat##*") "}
  set +f
  _engine_pid=${_engine_stat%% *} _engine_state=$2 _engine_ppid=$3 _engine_pgrp=$4 _engine_born=${21}
}

# Where this user's lock and the list of staging directories are kept: _engine_state.
_engine_keep() {
  _engine_state=${HOME-}/.local/state/engine
  [ -n "${HOME-}" ] || {
    _engine_problem="HOME is not set on this host, so there is no place for the lock"
    return 1
  }
  [ -d "$_engine_state" ] && [ -w "$_engine_state" ] && return
  (umask 077 && mkdir -p "$_engine_state") 2>/dev/null && [ -w "$_engine_state" ] && return
  _engine_problem="$_engine_state cannot be made or written, so there is no place for the lock"
  return 1
}

_engine_relay() {
  trap '' TERM HUP INT QUIT
  cat
  # The other side is gone. What still writes here must neither die of it nor wait for it.
  exec cat >/dev/null
}

# Section $1, which is a step if $2 is 1, may take $3 seconds and needs the sections $4. Fails if it must not start.
_engine_begin() {
  _engine_i=$1
  for _engine_n in $4; do
    eval "_engine_s=\${_engine_s$_engine_n-}"
    [ "$_engine_s" = 0 ] || {
      _engine_frame "skip $1 $_engine_n"
      return 1
    }
  done
  _engine_frame "start $1"
}
_engine_end() {
  eval "_engine_s$_engine_i=$1"
  _engine_mark "end $_engine_i"
  _engine_frame "end $_engine_i $1 0"
}
_engine_run() {
  trap : TERM HUP INT QUIT PIPE
  _engine_look self
  _engine_mark hello
  _engine_frame "hello $_engine_pid $_engine_born"
  _engine_main
  _engine_mark done
  _engine_frame done
}
"""

START = r"""
trap : TERM HUP INT QUIT PIPE
{
  {
    trap : TERM HUP INT QUIT PIPE
    { _engine_run 9>&1 >/dev/null 2>&1 5>&-; } | _engine_relay >&5 2>/dev/null 7>&- 8>&-
  } 8>&1 | _engine_relay >&7 2>/dev/null 5>&-
} 5>&1 7>&2
"""
