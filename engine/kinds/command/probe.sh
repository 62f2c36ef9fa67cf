# Reports whether somebody else than root can change the program $1 that root would run.
note_owner() {
  program=$(command -v -- "$1") || return 0
  case $program in */*) ;; *) return 0 ;; esac
  owner=$(stat -L -c '%u %U' -- "$program" 2>/dev/null) || owner=$(stat -L -f '%u %Su' -- "$program" 2>/dev/null) || return 0
  case $owner in '0 '*) ;; *) fact theirs "$program, which belongs to ${owner#* }" ;; esac
}

if [ "$guard" != unless ]; then
  ask "$@"
  fact guard "$answer"
  [ "$answer" != 'done' ] || exit 0
fi
enter
me=$(id -u)
if [ "$me" = 0 ]; then
  n=0
  for word; do
    case $n in 0 | "$guard_words") note_owner "$word" ;; esac
    n=$((n + 1))
  done
fi
[ "$guard" = unless ] || exit 0
if [ "$phase" = plan ] && [ -z "$asking" ]; then
  fact guard unasked
  exit 0
fi
ask "$@"
fact guard "$answer"
fact status "$status"
fact why "$why"
