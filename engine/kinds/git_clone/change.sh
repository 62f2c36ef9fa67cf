# Commit $1 is here.
have() { git_here cat-file -e "$1^{commit}" 2>/dev/null; }

# Fails where a process of git's is at work in the directory, if the host tells.
nobody_at_work() {
  for process in /proc/[0-9]*; do
    { IFS= read -r name <"$process/comm"; } 2>/dev/null || continue
    case $name in git*) ;; *) continue ;; esac
    place=$(readlink "$process/cwd" 2>/dev/null) || continue
    case $place/ in "$PWD/"*) fail "another git is at work in $path; try again when it is done" ;; esac
  done
}

# Brings the commit wanted into the repository; `fresh` if it is new.
fetch_commit() {
  if [ "$commit" ] && have "$commit"; then return 0; fi
  # A depth would cut off the history of a whole clone.
  partial=$fresh
  [ "$fresh" ] || partial=$(git_here rev-parse --is-shallow-repository)
  if [ "$depth" ] && [ "$partial" != false ]; then
    # Not every server hands out a commit by its name; then by that of the branch or tag, then everything.
    for what in "$commit" "$ref"; do
      [ "$what" ] || continue
      git_far fetch -q --no-tags --depth "$depth" "$remote" "$what" || continue
      [ "$commit" ] && have "$commit" && return 0
    done
    partial=$(git_here rev-parse --is-shallow-repository)
    [ "$partial" = false ] || git_far fetch -q --unshallow "$remote" || :
  fi
  must "cannot reach repository $shown" git_far fetch -q "$remote"
  if [ -z "$commit" ]; then
    commit=$(git_here rev-parse -q --verify "$revision^{commit}") ||
      fail "$shown has no commit that begins with $revision, or several"
    return 0
  fi
  for what in "$ref" "$commit"; do
    have "$commit" || [ -z "$what" ] || git_far fetch -q "$remote" "$what" || :
  done
  have "$commit" || fail "$shown has no commit $commit"
}

# Puts the files of the commit in place of those that are there; `status` and `said` tell how that ended.
check_out() {
  git_here update-ref refs/engine/unfinished "$commit"
  listen git_here checkout -q "$@" --detach "$commit"
  [ "$status" -eq 0 ] || return 0
  git_here update-ref refs/engine/checkout "$commit"
  git_here update-ref -d refs/engine/unfinished
}
unfinished() { fail "$commit could not be checked out in full; the next apply goes on with it: $said"; }

update_submodules() {
  [ "$submodules" ] || return 0
  git_here submodule --quiet sync --recursive
  if [ "$depth" ]; then
    git_far submodule --quiet update --init --recursive --depth "$depth" && return 0
  fi
  must "the submodules could not be updated" git_far submodule --quiet update --init --recursive
}
