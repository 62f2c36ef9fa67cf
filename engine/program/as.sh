_engine_user=$(id -un 2>/dev/null) || _engine_user=
# Its effective user, without a process where the host says so.
_engine_self=
if [ -n "$_engine_proc" ]; then
  while IFS='	 ' read -r _engine_n _engine_t _engine_self _engine_s; do
    [ "$_engine_n" != Uid: ] || break
    _engine_self=
  done </proc/self/status
fi 2>/dev/null
case $_engine_self in '' | *[!0-9]*) _engine_self=$(id -u) ;; esac
_engine_free=' ' _engine_charged=' ' _engine_refused_users=' ' _engine_needs_password=
_engine_line='
'
# Whether sudo lets us become user $1, and wants the password for it: _engine_needs_password. Says why not.
_engine_may() {
  _engine_needs_password=
  case $_engine_free in *" $1 "*) return 0 ;; esac
  case $_engine_charged in *" $1 "*) _engine_needs_password=1 && return 0 ;; esac
  case $_engine_refused_users in
    *" $1 "*)
      # Attempts are counted, and an account locked after some.
      printf '%s\n' "$_engine_user cannot become $1, as was said before" >&8
      return 1
      ;;
  esac
  _engine_s=0
  _engine_t=$(_engine_sudo "$1" -n ${_engine_password:+-k} </dev/null 2>&1) || _engine_s=$?
  if [ "$_engine_s" = 97 ]; then
    _engine_free="$_engine_free$1 "
    return 0
  fi
  _engine_n='set ansible_become_password, run with -K, or let it be done without a password: NOPASSWD, nopass'
  if [ -n "$_engine_password" ]; then
    _engine_s=0 _engine_n='with the password given'
    _engine_t=$(printf '%s\n' "$_engine_password" | _engine_sudo "$1" -k -S -p '' 2>&1) || _engine_s=$?
    if [ "$_engine_s" = 97 ]; then
      _engine_charged="$_engine_charged$1 " _engine_needs_password=1
      return 0
    fi
  fi
  _engine_refused_users="$_engine_refused_users$1 "
  [ -z "$_engine_password" ] || _engine_t=${_engine_t##*"$_engine_line"}
  printf '%s\n' "$_engine_user cannot become $1: ${_engine_t%%"$_engine_line"*} ($_engine_n)" >&8
  return 1
}
# The inner program of the script with the quoted values $1 and the quoted text $2, a step if $3 is set; $4 are
# assignments of its own.
_engine_inside() {
  printf '#begin %s\n' "$_engine_inner"
  printf '%s\n' "_engine_nonce=$_engine_inner _engine_i=$_engine_i _engine_seconds=${timeout:-60} _engine_stay=" \
    "_engine_password= _engine_steps=$3 _engine_inner=$_engine_inner _engine_host_user='$_engine_host_user' $4"
  if [ -n "$_engine_quoted_kit" ]; then
    printf '%s\n' "_engine_quoted_kit= _engine_kit=$_engine_quoted_kit" 'eval "$_engine_kit"'
  else
    printf '%s\n' '_engine_quoted_kit= _engine_kit=' "$_engine_kit"
  fi
  printf '%s\n' "_engine_v=$1" "_engine_x=$2" _engine_nest "#end $_engine_inner"
}
# As user $1: the script with the quoted values $2 and the quoted text $3, a step if $4 is set. In a subshell.
_engine_as() {
  # What sudo started is ended by a watchdog of its own, and waited for.
  trap : TERM
  {
    [ -z "$_engine_needs_password" ] || printf '%s\n' "$_engine_password"
    _engine_inside "$2" "$3" "$4" ''
  } |
    if [ -n "$_engine_needs_password" ]; then
      _engine_sudo "$1" -k -S -p ''
    else
      _engine_sudo "$1" -n
    fi
}
as_user() {
  case $1 in
    '') set -- "$_engine_host_user" "$2" ;;
    .) set -- "$_engine_user" "$2" ;;
  esac
  if [ "$1" = "$_engine_user" ]; then
    (
      exec 9>&1 >&2
      _engine_pinned=
      eval "eval $2"
    )
  else
    (
      set +e
      _engine_may "$1" && _engine_as "$1" "''" "$2" ''
    )
  fi
}
