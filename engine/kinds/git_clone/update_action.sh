# What a run that was cut off left locked. If nothing of ours was cut off, a lock belongs to somebody at work.
unlock() {
  as_owner rm -f -- "$git_dir"/refs/engine/*.lock
  for name in index HEAD config packed-refs shallow; do
    [ ! -e "$git_dir/$name.lock" ] || as_owner rm -f -- "$git_dir/$name.lock"
  done
}
IDENTITY='-c user.name=engine -c user.email=engine@localhost'
# git in the checkout and in its submodules, if these are managed.
in_each() {
  # shellcheck disable=SC2086  # several words
  git_in "$into" $IDENTITY "$@" || return
  # shellcheck disable=SC2086
  [ -z "$submodules" ] || git_in "$into" $IDENTITY submodule --quiet foreach --recursive git "$@"
}

find_checkout
[ "$type" = checkout ] || fail "$file is no checkout any more ($type); plan again"
into=$file fresh=''
ask "$into" rev-parse -q --verify refs/engine/busy
busy=$answer
cut=''
if cut_off; then cut=1; fi
if [ "$busy$cut" ]; then
  if at_work; then fail "another git is at work in $file; try again when it is done"; fi
  unlock
fi
if [ "$head" ]; then
  git_in "$into" update-ref refs/engine/busy "$head"
  trap 'git_in "$into" update-ref -d refs/engine/busy' EXIT
fi
find_url
if [ "$plain_url" != "$url" ]; then
  git_in "$into" config "remote.$remote.url" "$url"
  git_in "$into" config --get "remote.$remote.fetch" >/dev/null ||
    git_in "$into" config "remote.$remote.fetch" "+refs/heads/*:refs/remotes/$remote/*"
fi
fetch_commit

if [ "$cut" ]; then
  # What differs now is most likely half of a checkout. Whatever it is, it can be found again.
  # shellcheck disable=SC2086  # several words
  rescued=$(git_in "$into" $IDENTITY stash create 2>/dev/null) || rescued=''
  [ -z "$rescued" ] || git_in "$into" update-ref refs/engine/rescued "$rescued"
else
  uncommitted
  if [ "$dirty" ]; then
    case $on_dirty in
      stash)
        must "the uncommitted changes could not be stashed" in_each stash push -q -m "before $commit"
        ;;
      discard) in_each reset -q --hard ;;
      *) fail "$file has uncommitted changes; they are as they were: $dirty" ;;
    esac
  fi
fi

if [ "$head" != "$commit" ] || [ "$cut" ]; then
  if [ "$head" ]; then
    local_commits "$head" "^$commit"
    if [ "$unknown" ]; then
      case $on_dirty in
        stash) git_in "$into" update-ref "refs/heads/kept-$head" "$head" ;;
        discard) ;;
        *) fail "$file has commits that are nowhere else; they are as they were: $unknown" ;;
      esac
    fi
  fi
  git_in "$into" update-ref refs/engine/unfinished "$commit"
  force=''
  [ -z "$cut" ] || force=-f
  listen git_in "$into" checkout -q $force --detach "$commit"
  if [ "$status" -ne 0 ]; then
    words=$said
    # Refused, it changed nothing; cut off, the next run goes on from here.
    uncommitted
    if [ -z "$cut$dirty" ]; then
      git_in "$into" update-ref -d refs/engine/unfinished
      fail "$commit could not be checked out; $file is as it was: $words"
    fi
    fail "$commit could not be checked out in full; the next apply goes on with it: $words"
  fi
  git_in "$into" update-ref refs/engine/checkout "$commit"
  git_in "$into" update-ref -d refs/engine/unfinished
fi
update_submodules
