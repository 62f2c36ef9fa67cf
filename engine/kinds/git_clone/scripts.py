"""The shell texts of git-clone."""

from engine.kinds.file_sync.shell import LOOK, WATCH
from engine.kinds.git_clone.shell import GIT, PERFORM

PROBE = (
    LOOK
    + GIT
    + r"""
find_checkout
report
case $type in
  absent | empty | half | checkout) ;;
  *) exit 0 ;;
esac
where=/
case $type in
  absent) become_owner "$above" ;;
  empty) become_owner "$file" ;;
  checkout) where=$file ;;
esac
commit=''
if [ "$type" = checkout ]; then
  fact head "$head"
  find_url
  fact remote "$plain_url"
  if cut_off; then
    fact cut 1
  else
    uncommitted
    fact dirty "$dirty"
  fi
  if [ "$short" ]; then
    commit=$(git_in "$file" rev-parse -q --verify "$revision^{commit}" 2>/dev/null) || commit=''
    case $commit in "$revision"*) ;; *) commit='' ;; esac
    fact commit "$commit"
  fi
fi
if [ "$network" ] && [ -z "$commit" ]; then
  if [ "$short" ]; then set --; fi
  listen git_far "$where" ls-remote -- "$url" "$@"
  if [ "$status" -ne 0 ]; then
    fact unreachable 1
    fail "cannot reach repository $shown: ${said:-exit status $status}"
  fi
  fact refs "$answer"
fi
[ "$type" = checkout ] || exit 0
if [ "$head" ] && [ "$head" != "$revision" ]; then
  local_commits "$head"
  fact unknown "$unknown"
fi
if [ "$submodules" ]; then
  found=$(git_in "$file" submodule status --recursive)
  fact submodules "$found"
fi
"""
)

CLONE_ACTION = (
    LOOK
    + GIT
    + PERFORM
    + r"""
find_checkout
case $type in
  absent)
    become_owner "$above"
    as_owner mkdir -p -- "${file%/*}"
    ;;
  empty | half) become_owner "$file" ;;
  *) fail "$file is in the way ($type); nothing was changed" ;;
esac
if [ "$type" = half ] && at_work; then fail "another git is at work in $file; try again when it is done"; fi
into=${file%/*}/$temp fresh=1
# A run that was cut off may have left it.
rm -rf -- "$into"
mkdir -- "$into"
trap 'rm -rf -- "$into"' EXIT
trap 'exit 143' HUP INT TERM
[ -z "$as" ] || chown -- "$uid:$gid" "$into"
git_in "$into" init -q
git_in "$into" config "remote.$remote.url" "$url"
git_in "$into" config "remote.$remote.fetch" "+refs/heads/*:refs/remotes/$remote/*"
fetch_commit
must "the files could not be written; nothing is at $file" git_in "$into" checkout -q --detach "$commit"
git_in "$into" update-ref refs/engine/checkout "$commit"
update_submodules
case $type in
  half)
    rm -rf -- "$file/.git"
    rmdir -- "$file"
    ;;
  empty) rmdir -- "$file" ;;
esac
mv -f -- "$into" "$file"
trap - EXIT
"""
)

UPDATE_ACTION = (
    LOOK
    + GIT
    + PERFORM
    + r"""
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
"""
)

ABSENT_PROBE = (
    LOOK
    + GIT
    + r"""
# What would be lost with the checkout: changes, stashes, files that are not ignored, commits that are nowhere else.
losses() {
  uncommitted
  [ -z "$dirty" ] || lost="${lost}uncommitted changes, "
  ask "$file" rev-parse -q --verify refs/stash
  [ -z "$answer" ] || lost="${lost}a stash, "
  local_commits --branches ${head:+"$head"}
  [ -z "$unknown" ] || lost="${lost}commits that are nowhere else, "
  strangers=$(git_in "$file" ls-files --others --exclude-standard)
  [ -z "$strangers" ] || lost="${lost}files that are not in git, "
}
find_checkout
report
lost=''
if [ "$type" = checkout ]; then
  find_url
  fact remote "$plain_url"
  fact head "$head"
  if ! cut_off; then losses; fi
  fact lost "${lost%, }"
fi
if [ "$type" = absent ] && [ -e "${file%/*}/$temp" ]; then fact left 1; fi
"""
)

ABSENT_ACTION = (
    ABSENT_PROBE
    + r"""
gone=${file%/*}/$temp
rm -rf -- "$gone"
case $type in
  absent) exit 0 ;;
  empty) rmdir -- "$file" ;;
  half | checkout)
    [ -z "$lost" ] || [ "$on_dirty" = discard ] || fail "$file holds ${lost%, }; nothing was removed"
    # First out of sight: a removal that is cut off must not look like a checkout with files deleted.
    mv -f -- "$file" "$gone"
    rm -rf -- "$gone"
    ;;
  *) fail "$file is in the way ($type); nothing was removed" ;;
esac
"""
)

WATCHED = (
    LOOK
    + GIT
    + WATCH
    + r"""
# Directories from which a tracked file is missing, or what is left of them.
missing_dirs() {
  # shellcheck disable=SC2016  # run by another shell
  git_in "$file" ls-files -z --deleted | xargs -0 sh -c '
    for name do
      while :; do
        case $name in */*) name=${name%/*} ;; *) name=. ;; esac
        [ ! -d "./$name" ] || break
      done
      printf "%s\0" "./$name"
    done' sh
}
find_checkout
moment=''
what=$type
if [ "$type" = checkout ]; then
  find_url
  uncommitted
  changes=''
  [ -z "$dirty" ] || changes=$(git_in "$file" diff --binary --no-ext-diff --no-textconv HEAD | sha256)
  [ -z "$submodules" ] || changes=$changes$(git_in "$file" submodule status --recursive)
  what="$head $plain_url $changes"
  cd -- "$file" || fail "$file cannot be entered"
  # Where files are missing, stat says so and goes on with the others.
  latest=$({
    printf '%s\0' "$git_dir/HEAD"
    git_in "$file" ls-files -z
    missing_dirs
  } | { moments 2>/dev/null || :; } | sort -k1,1n -k3,3 | tail -n 1)
  split_moment "$latest"
fi
fingerprint=$(printf '%s\n' "$what" | sha256)
fact fingerprint "$fingerprint"
fact ctime "$moment"
"""
)
