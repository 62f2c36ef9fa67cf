# Where this user keeps the lock and the list of staging directories of this host: _engine_keep.
_engine_place() {
  if [ -z "${HOME-}" ]; then
    _engine_problem="HOME is not set on this host, so there is no place for its lock"
    return 1
  fi
  { IFS= read -r _engine_n </proc/sys/kernel/hostname; } 2>/dev/null || _engine_n=$(uname -n)
  _engine_keep=$HOME/.local/state/engine/$_engine_n
  { IFS= read -r _engine_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null ||
    _engine_boot=$(sysctl -n kern.boottime 2>/dev/null) || :
}
_engine_make_place() {
  _engine_place || return 1
  [ -d "$_engine_keep/staging" ] || (umask 077 && mkdir -p "$_engine_keep/staging") 2>/dev/null
  [ -d "$_engine_keep/staging" ] && [ -w "$_engine_keep" ] && return
  _engine_problem="$_engine_keep cannot be made or written, so there is no place for the host's lock"
  return 1
}

# This program's record, of which the lock becomes a second name: _engine_me.
_engine_write_record() {
  _engine_make_place || return 1
  _engine_look "$_engine_main"
  _engine_me=$_engine_keep/lock.$_engine_lock_id.$_engine_pid
  _engine_n="$_engine_pid $_engine_born"
  _engine_record="version 1
id $_engine_lock_id
who $_engine_who
since $_engine_since
boot $_engine_boot
proc $_engine_n"
  if [ -n "$_engine_leader" ] && _engine_look "$$"; then
    _engine_record="$_engine_record
group $_engine_pid $_engine_born"
    _engine_grouped=1
  fi
  (umask 077 && printf '%s\n' "$_engine_record" >"$_engine_me") && return
  rm -f "$_engine_me"
  _engine_problem="$_engine_me cannot be written, so the host cannot be locked: is the disk full?"
  return 1
}
# A step writes itself into the record before its first command: the program may be killed without it. Not where the
# record names the process group, which is there as long as the step is.
_engine_step() {
  if [ -n "$_engine_held" ] && [ -z "$_engine_grouped" ] && _engine_look self; then
    printf 'step %s %s\n' "$_engine_pid" "$_engine_born" >>"$_engine_me"
  fi
}

# Record $1 → _engine_id, _engine_holder. Fails where there is none. One without a version is of version 1.
_engine_read() {
  _engine_id= _engine_holder= _engine_on= _engine_pids= _engine_group= _engine_version=1
  {
    while IFS= read -r _engine_n; do
      case $_engine_n in
        "version "*) _engine_version=${_engine_n#* } ;;
        "id "*) _engine_id=${_engine_n#* } ;;
        "who "*) _engine_holder=${_engine_n#* } ;;
        "since "*) _engine_holder="$_engine_holder, since ${_engine_n#* }" ;;
        "boot "*) _engine_on=${_engine_n#* } ;;
        "group "*) _engine_group=${_engine_n#* } ;;
        "proc "* | "step "*)
          _engine_n=${_engine_n#* }
          [ -n "$_engine_pids" ] || _engine_holder="$_engine_holder (process ${_engine_n%% *})"
          _engine_pids="$_engine_pids ${_engine_n%% *}:${_engine_n#* }"
          ;;
      esac
    done <"$1"
  } 2>/dev/null || return 1
  [ "$_engine_version" = 1 ] ||
    _engine_holder="${_engine_holder:-somebody} (its record has version $_engine_version, this engine reads 1)"
}
# Whether anything of the record just read still runs. Of a record that cannot be read that is assumed.
_engine_runs() {
  [ "$_engine_version" = 1 ] || return 0
  [ "$_engine_on" = "$_engine_boot" ] || return 1
  for _engine_n in $_engine_pids; do
    _engine_look "${_engine_n%%:*}" && [ "$_engine_born" = "${_engine_n#*:}" ] && return
  done
  [ -n "$_engine_group" ] || return 1
  # The number of a process group is free again once all of it has gone.
  _engine_look "${_engine_group%% *}" && [ "$_engine_born" != "${_engine_group#* }" ] && return 1
  _engine_list
  for _engine_n in $_engine_rows; do
    [ "${_engine_n##*:}" = "${_engine_group%% *}" ] && return
  done
  return 1
}

# Removes the lock if it still is the one with the ID $1. Fails where others are at it.
_engine_remove_stale() {
  _engine_next=$1 _engine_chain=
  while :; do
    _engine_chain="$_engine_chain $_engine_next"
    ln "$_engine_me" "$_engine_keep/over.$_engine_next" 2>/dev/null && break
    _engine_read "$_engine_keep/over.$_engine_next" || return 1
    _engine_runs && return 1
    case "$_engine_chain " in *" $_engine_id "*) return 1 ;; esac
    _engine_next=$_engine_id
  done
  _engine_mine=1
  _engine_read "$_engine_keep/lock" && [ "$_engine_id" = "$1" ] && rm -f "$_engine_keep/lock" && _engine_mine=0
  for _engine_next in $_engine_chain; do rm -f "$_engine_keep/over.$_engine_next"; done
  return "$_engine_mine"
}

# Takes the lock. Fails, having said why, where that needed waiting, or did not succeed: then nothing is executed.
_engine_lock() {
  _engine_write_record || {
    _engine_tell error "$_engine_problem"
    return 1
  }
  for _engine_t in 1 2 3; do
    if _engine_problem=$(ln "$_engine_me" "$_engine_keep/lock" 2>&1); then
      _engine_held=1
      _engine_bury
      return 0
    fi
    if _engine_read "$_engine_keep/lock"; then
      _engine_queue
      return 1
    fi
  done
  _engine_tell error "the host cannot be locked: $_engine_problem"
  return 1
}
_engine_queue() {
  _engine_arm 0
  _engine_t=0
  while _engine_read "$_engine_keep/lock"; do
    if ! _engine_runs; then
      _engine_read "$_engine_keep/lock" || continue
      # What a killed program did may be newer than the plan this one was made from.
      ! _engine_remove_stale "$_engine_id" || break
    elif [ "$_engine_t" -ge "$((_engine_wait * 4))" ]; then
      _engine_tell busy "$_engine_holder"
      return
    fi
    _engine_connected || return
    [ -z "$_engine_stop" ] || {
      _engine_halt
      return
    }
    # Fractions of a second are not in POSIX.
    if sleep 0.25 2>/dev/null; then
      _engine_t=$((_engine_t + 1))
    else
      _engine_t=$((_engine_t + 4))
      sleep 1
    fi
  done
  _engine_frame waited
}
_engine_tell() { printf '\n#%s %s\n%s\n#%s .\n' "$_engine_nonce" "$1" "$2" "$_engine_nonce" >&9; }
# Records and claims of programs that were killed.
_engine_bury() {
  for _engine_f in "$_engine_keep"/lock.* "$_engine_keep"/over.*; do
    if [ "$_engine_f" = "$_engine_me" ] || ! _engine_read "$_engine_f"; then continue; fi
    if [ -n "$_engine_id" ]; then
      _engine_runs || rm -f "$_engine_f"
    else
      # Made, but nothing is in it: who was killed right there is known from the name alone.
      case ${_engine_f##*.} in
        '' | *[!0-9]*) ;;
        *) _engine_look "${_engine_f##*.}" || rm -f "$_engine_f" ;;
      esac
    fi
  done
}
_engine_release() {
  set --
  _engine_read "$_engine_keep/lock" && [ "$_engine_id" = "$_engine_lock_id" ] && set -- "$_engine_keep/lock"
  rm -f "$@" "$_engine_me"
}

# Staging directories: $1/files holds what was sent, $1/complete says that it is all there.
_engine_whole() { [ -e "${1%/files}/complete" ] || _engine_lost=1; }
_engine_unstage() {
  _engine_n=${1%/files}
  rm -rf "$_engine_n"
  rm -f "$_engine_keep/staging/${_engine_n##*/.engine-staging-}"
}
# The same for what another user was given: function $1 for user $2, the directory $3, and as text for him, whether it
# is whole, and its removal.
_engine_elsewhere() {
  case $1:$_engine_user in
    *:"$2") "$1" "$3" ;;
    _engine_whole:*) as_user "$2" "$4" >/dev/null 2>&1 || _engine_lost=1 ;;
    _engine_unstage:*) as_user "$2" "$5" >/dev/null 2>&1 ;;
  esac
}
_engine_own() { [ "$1" != "$_engine_dir/files" ] || _engine_ours=1; }
# Those of programs that never came. A program that comes yet, finds its own gone and plans again.
_engine_tidy() {
  for _engine_f in "$_engine_keep"/staging/*; do
    [ -e "$_engine_f" ] || continue
    _engine_dir=$(cat "$_engine_f" && echo .) _engine_ours=
    _engine_dir=${_engine_dir%?}
    _engine_staged _engine_own
    [ -z "$_engine_ours" ] || continue
    _engine_arm 0
    case $_engine_dir in
      /*"/.engine-staging-${_engine_f##*/}") rm -rf "$_engine_dir" ;;
    esac
    rm -f "$_engine_f"
  done
}

_engine_prepare() {
  # It shows that the program is there, where something can take its time.
  [ -z "$_engine_sent" ] || _engine_arm 0
  if [ "$_engine_wait" -ge 0 ]; then
    _engine_lock || return 1
    _engine_tidy
  fi
  _engine_staged _engine_whole
  [ -z "$_engine_lost" ] || _engine_frame waited
  [ -z "$_engine_lost" ]
}
_engine_finish() {
  _engine_arm 0
  _engine_clear
  _engine_place
  _engine_staged _engine_unstage
  [ -z "$_engine_me" ] || _engine_release
  _engine_stop_watchdog
}
_engine_held= _engine_me= _engine_lost= _engine_grouped=
