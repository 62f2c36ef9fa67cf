# The one door through which scripts reach a path. Constants and functions alone; POSIX sh.
#
# A directory that somebody else can write is a trap for a program that names a path in it twice: a link put there in
# between leads it elsewhere. So a path is used in four moves: go to its directory; see that it is the one that was
# meant; from there on name `.` and what is in it, nothing else; and look at who owns `.`. Who owns the directories above
# matters no more: they can move the directory away, but not lead us elsewhere.

# pin PATH: from here on the script is in the directory of PATH, as whom it may safely be there, and `name` is the last
# part of PATH. Root acts as root in a directory that belongs to root, and as the owner in one that belongs to somebody
# else: then the script begins anew as that user, in that directory. Where the directory does not exist, a probe ends
# here with the fact `lacks`, and an action fails.
pin() {
  case $1 in
    /*) ;;
    *) fail "$1 is no absolute path" ;;
  esac
  while [ "$1" != "${1%/}" ]; do set -- "${1%/}"; done
  name=${1##*/}
  case $name in '' | . | ..) fail "$1 names no file or directory in a directory" ;; esac
  _engine_place=${1%/*}
  _engine_place=${_engine_place:-/}
  # The program that runs as the owner was started in the directory, and can be led nowhere.
  if [ "${_engine_stay-}" ]; then _engine_stay='' _engine_pinned=$_engine_place; fi
  [ "${_engine_pinned-}" != "$_engine_place" ] || return 0
  [ "${_engine_self-}" ] || _engine_self=$(id -u)
  _engine_resolve "$_engine_place"
  if [ ! -d "${_engine_real:-/}" ]; then
    _engine_lacking
  fi
  cd -P -- "${_engine_real:-/}" || fail "permission denied: ${_engine_real:-/} cannot be entered"
  [ "$PWD" = "${_engine_real:-/}" ] || fail "$_engine_place was moved while it was looked at; nothing was done in it"
  _engine_marks .
  _engine_trusted "$_engine_uid"
  if [ "$_engine_uid" != 0 ] && [ "$_engine_self" = 0 ]; then
    _engine_t=$(stat -c %U . 2>/dev/null) || _engine_t=$(stat -f %Su .)
    _engine_as_owner "$_engine_uid" "$_engine_gid" "$_engine_t"
  fi
  _engine_pinned=$_engine_place
}

# Owner, group and permission bits of $1, not of what it may link to: _engine_uid, _engine_gid, _engine_bits.
_engine_marks() {
  _engine_t=$(stat -c '%u %g %a' -- "$1" 2>/dev/null) || _engine_t=$(stat -f '%u %g %Mp%Lp' -- "$1")
  _engine_uid=${_engine_t%% *} _engine_t=${_engine_t#* }
  _engine_gid=${_engine_t%% *} _engine_bits=${_engine_t#* }
}

# The physical path of directory $1: _engine_real, empty for the root. Links are read by hand, and who made them is kept in
# _engine_makers: the owner of each, and of the directory it is in; `anybody` where others can write that.
_engine_resolve() {
  _engine_rest=$1/ _engine_real='' _engine_makers='' _engine_hops=0
  while [ -n "$_engine_rest" ]; do
    _engine_part=${_engine_rest%%/*} _engine_rest=${_engine_rest#*/}
    case $_engine_part in
      '' | .) ;;
      ..) _engine_real=${_engine_real%/*} ;;
      *)
        if [ -h "$_engine_real/$_engine_part" ]; then
          _engine_follow "$_engine_real/$_engine_part"
        else
          _engine_real=$_engine_real/$_engine_part
        fi
        ;;
    esac
  done
}
_engine_follow() {
  _engine_hops=$((_engine_hops + 1))
  [ "$_engine_hops" -le 40 ] || fail "too many symbolic links on the way to $_engine_place"
  _engine_marks "$1"
  _engine_maker=$_engine_uid
  _engine_marks "${_engine_real:-/}"
  case $_engine_bits in
    # Where only the owner of a link may remove it, its owner is all that matters.
    [1357]???) _engine_uid=$_engine_maker ;;
    *[2367]? | *[2367]) _engine_uid=anybody ;;
  esac
  _engine_makers="$_engine_makers $_engine_maker $_engine_uid"
  # A name may end in line breaks, which a command substitution would cut off.
  _engine_t=$(readlink -- "$1" && printf x)
  _engine_t=${_engine_t%?x}
  case $_engine_t in /*) _engine_real='' ;; esac
  _engine_rest=$_engine_t/$_engine_rest
}

# Links were followed only where root or user $1, who owns the directory, made them.
_engine_trusted() {
  for _engine_t in $_engine_makers; do
    case $_engine_t in
      0 | "$1") ;;
      *) _engine_untrusted "$_engine_place is reached through a symbolic link that others can change; nothing was done there" ;;
    esac
  done
}
_engine_untrusted() {
  [ "$phase" = apply ] || {
    fact refused "$1"
    exit 0
  }
  fail "$1"
}

_engine_lacking() {
  _engine_t=${_engine_real:-/}
  until [ -d "${_engine_t:-/}" ]; do
    if [ -e "$_engine_t" ] || [ -h "$_engine_t" ]; then _engine_untrusted "$_engine_t is in the way: it is no directory"; fi
    _engine_t=${_engine_t%/*}
  done
  [ -x "${_engine_t:-/}" ] || fail "permission denied: $_engine_t cannot be searched, so nothing is known of $_engine_place"
  [ "$phase" != apply ] || fail "directory $_engine_place does not exist"
  fact lacks "$_engine_place"
  exit 0
}

# Begins the section's script anew as user $1 of group $2, who is called $3, in this directory. What it did up to here must
# be safe to do twice.
_engine_as_owner() {
  [ -z "${_engine_pinned-}" ] || fail "a script can act as one user only, and $_engine_place belongs to another one"
  # shellcheck disable=SC2016
  case $_engine_v in
    *'${HOME'*) case ${HOME-} in *\'*) fail "HOME holds a quote: nothing can be done as another user" ;; esac ;;
  esac
  _engine_values=$(_engine_quoted "$_engine_v")
  _engine_script=$(_engine_quoted "$_engine_x")
  _engine_s=0
  _engine_inside "$_engine_values" "$_engine_script" '' "HOME='${HOME-}' _engine_stay=1" |
    _engine_drop "$1" "$2" "$3" >&9 || _engine_s=$?
  exit "$_engine_s"
}
# $1 as one shell word.
_engine_quoted() {
  printf "'"
  printf '%s\n' "$1" | sed "s/'/'\\\\''/g"
  printf "'"
}
# Runs the launcher as user $1, with the groups of the user called $3, or with group $2 alone where no name is known.
_engine_drop() {
  _engine_t=$(setpriv --version 2>/dev/null) || _engine_t=
  case $_engine_t:$3 in
    *util-linux*:UNKNOWN | *util-linux*:)
      exec setpriv --reuid="$1" --regid="$2" --clear-groups sh -c "$_engine_launcher"
      ;;
    *util-linux*)
      _engine_t=$(id -g -- "$3")
      exec setpriv --reuid="$1" --regid="$_engine_t" --init-groups sh -c "$_engine_launcher"
      ;;
    *:UNKNOWN | *:) fail "$_engine_place belongs to user $1, who has no name here; install setpriv (util-linux), or give it to root" ;;
  esac
  need su
  exec su -s /bin/sh -c "$_engine_launcher" "$3"
}
