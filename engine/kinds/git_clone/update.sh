# What a run that was cut off left locked. If nothing of ours was cut off, a lock belongs to somebody at work.
unlock() {
  nobody_at_work
  rm -f -- "$git_dir"/refs/engine/*.lock
  for name in index HEAD config packed-refs shallow; do rm -f -- "$git_dir/$name.lock"; done
}
IDENTITY='-c user.name=engine -c user.email=engine@localhost'
# git in the checkout and in its submodules, if these are managed.
in_each() {
  # shellcheck disable=SC2086  # several words
  git_here $IDENTITY "$@" || return
  # shellcheck disable=SC2086
  [ -z "$submodules" ] || git_here $IDENTITY submodule --quiet foreach --recursive git "$@"
}

enter
[ "$type" = checkout ] || fail "$path is no checkout any more ($type); plan again"
fresh=''
ask rev-parse -q --verify refs/engine/busy
busy=$answer
force=''
if cut_off; then force=-f; fi
[ -z "$busy$force" ] || unlock
if [ "$head" ]; then
  git_here update-ref refs/engine/busy "$head"
  trap 'git_here update-ref -d refs/engine/busy' EXIT
fi
find_url
if [ -z "$force" ]; then
  planned_as "$head" "$planned_head"
  planned_as "$plain_url" "$planned_remote"
fi
if [ "$plain_url" != "$url" ]; then
  git_here config "remote.$remote.url" "$url"
  git_here config --get "remote.$remote.fetch" >/dev/null ||
    git_here config "remote.$remote.fetch" "+refs/heads/*:refs/remotes/$remote/*"
fi
fetch_commit

if [ "$force" ]; then
  # What differs now is most likely half of a checkout. Whatever it is, it can be found again.
  # shellcheck disable=SC2086  # several words
  rescued=$(git_here $IDENTITY stash create 2>/dev/null) || rescued=''
  [ -z "$rescued" ] || git_here update-ref refs/engine/rescued "$rescued"
else
  uncommitted
  if [ "$dirty" ]; then
    [ "$on_dirty" = fail ] || planned_as "$dirty" "$planned_dirty"
    case $on_dirty in
      stash) must "the uncommitted changes could not be stashed" in_each stash push -q -m "before $commit" ;;
      discard) in_each reset -q --hard ;;
      *) fail "$path has uncommitted changes; they are as they were: $dirty" ;;
    esac
  fi
fi

if [ "$head" != "$commit" ] || [ "$force" ]; then
  unknown=''
  [ -z "$head" ] || local_commits "$head" "^$commit"
  if [ "$unknown" ]; then
    case $on_dirty in
      stash) git_here update-ref "refs/heads/kept-$head" "$head" ;;
      discard) ;;
      *) fail "$path has commits that are nowhere else; they are as they were: $unknown" ;;
    esac
  fi
  check_out $force
  if [ "$status" -ne 0 ]; then
    words=$said
    # Refused, it changed nothing.
    uncommitted
    said=$words
    [ -z "$force$dirty" ] || unfinished
    git_here update-ref -d refs/engine/unfinished
    fail "$commit could not be checked out; $path is as it was: $words"
  fi
fi
update_submodules
