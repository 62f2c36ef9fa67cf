newline='
'
# Goes to the directory, as whom it may be used there. Root runs nothing where somebody else can put something.
enter() {
  if [ -z "$cwd" ]; then
    cd "${HOME:-/}" 2>/dev/null || cd /
    return 0
  fi
  pin_shared "$cwd/-"
  me=$(id -u)
  if [ "$me" != 0 ] || [ -z "$shared" ]; then return 0; fi
  set -- "others than root can write $cwd, so nothing runs there as root: take that right from them, or name another cwd"
  [ "${phase-}" != apply ] || fail "$1"
  fact refused "$1"
  exit 0
}

# Replaces the subshell it is in by the guard, or by what is to run, as $1 says. After it come guard_words words, run_words
# words, and NAME VALUE for each variable of the environment: such a name may be one of ours, so none is used after that.
launch() {
  what=$1 count=$guard_words
  shift
  if [ "$what" = run ]; then
    shift "$guard_words"
    count=$run_words
  fi
  set -- "$@" --
  while [ "$count" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    count=$((count - 1))
  done
  [ "$what" = run ] || shift "$run_words"
  while [ "$1" != -- ]; do
    export "$1=$2"
    shift 2
  done
  shift
  exec "$@" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# Whether there is something to do: sets `answer` (done, due, unknown), and of a command `status` and `why`, the last line
# of what it said on standard error.
ask() {
  answer=due status='' why=''
  case $guard in
    creates) ! there "$guard_path" || answer='done' ;;
    removes) there "$guard_path" || answer='done' ;;
    unless) ask_command "$@" ;;
  esac
}
ask_command() {
  why=$({
    status=0
    (launch guard "$@") 2>&1 >/dev/null </dev/null || status=$?
    printf '\n%s' "$status"
  } | tail -c 4000)
  status=${why##*"$newline"} why=${why%"$newline"*}
  why=$(printf '%s\n' "$why" | sed -n '/[^[:space:]]/h; ${x;p;}')
  case $status in
    0) answer='done' ;;
    126 | 127 | 129 | 1[3-8]? | 19[012]) answer=unknown ;;
  esac
}
# Whether something is at $1. What may not be looked for is not absent.
there() {
  if [ -e "$1" ] || [ -h "$1" ]; then return 0; fi
  place=${1%/*}
  until [ -z "$place" ] || [ -d "$place" ]; do place=${place%/*}; done
  [ -x "${place:-/}" ] || fail "permission denied: $place cannot be searched, so nothing is known of $1"
  return 1
}

# Where the time of the last run is noted, for services that restart on it.
stamp_path() { ran=${HOME:-}/.local/state/engine/ran; }
