# That it runs is noted before: a run that is cut off in it has done something, too.
note_run() {
  stamp_path
  moment=$(date +%s)
  (umask 077 && mkdir -p "$ran" && printf '%s %s\n' "$moment" "$$" >"$ran/.$stamp.new" &&
    mv -f "$ran/.$stamp.new" "$ran/$stamp") 2>/dev/null ||
    printf 'That it ran cannot be noted in %s: no service can restart on it.\n' "$ran"
}
# How it ended, in words.
ended() {
  case $1 in
    129 | 1[3-8]? | 19[012]) printf 'was ended by signal %s' "$(($1 - 128))" ;;
    *) printf 'ended with exit status %s' "$1" ;;
  esac
}

enter
ask "$@"
case $answer in
  done)
    fact changed no
    exit 0
    ;;
  unknown) fail "unless could not be asked (exit status $status), so nothing was run${why:+: $why}" ;;
esac
note_run
status=0
if [ "$fed" ]; then
  printf '%s' "$stdin" 2>/dev/null | (launch run "$@") || status=$?
else
  (launch run "$@") </dev/null || status=$?
fi
how=$(ended "$status")
[ "$status" = 0 ] || fail "the command $how"
ask "$@"
case $answer/$guard in
  done/*) ;;
  */unless) fail "the command succeeded, but after it unless $(ended "$status")${why:+ ($why)}: one of the two is wrong" ;;
  */creates) fail "the command succeeded, but after it $guard_path is not there: one of the two is wrong" ;;
  */removes) fail "the command succeeded, but after it $guard_path is still there: one of the two is wrong" ;;
esac
