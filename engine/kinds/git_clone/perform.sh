# An action writes.
unset GIT_OPTIONAL_LOCKS

# Commit $1 is here.
have() { git_in "$into" cat-file -e "$1^{commit}" 2>/dev/null; }

# A process of git's at work in the directory, if the host tells.
at_work() {
  for process in /proc/[0-9]*; do
    { IFS= read -r name <"$process/comm"; } 2>/dev/null || continue
    case $name in git*) ;; *) continue ;; esac
    place=$(readlink "$process/cwd" 2>/dev/null) || continue
    case $place/ in "$file/"*) return 0 ;; esac
  done
  return 1
}

# Brings the commit wanted into the repository `into`; `fresh` if it is new.
fetch_commit() {
  if [ "$commit" ] && have "$commit"; then return 0; fi
  # A depth would cut off the history of a whole clone.
  shallow=$fresh
  [ "$fresh" ] || shallow=$(git_in "$into" rev-parse --is-shallow-repository)
  if [ "$depth" ] && [ "$shallow" != false ]; then
    # Not every server hands out a commit by its name; then by that of the branch or tag, then everything.
    for what in "$commit" "$ref"; do
      [ "$what" ] || continue
      git_far "$into" fetch -q --no-tags --depth "$depth" "$remote" "$what" || continue
      [ "$commit" ] && have "$commit" && return 0
    done
    shallow=$(git_in "$into" rev-parse --is-shallow-repository)
    [ "$shallow" = false ] || git_far "$into" fetch -q --unshallow "$remote" || :
  fi
  must "cannot reach repository $shown" git_far "$into" fetch -q "$remote"
  if [ -z "$commit" ]; then
    commit=$(git_in "$into" rev-parse -q --verify "$revision^{commit}") ||
      fail "$shown has no commit that begins with $revision, or several"
    return 0
  fi
  for what in "$ref" "$commit"; do
    have "$commit" || [ -z "$what" ] || git_far "$into" fetch -q "$remote" "$what" || :
  done
  have "$commit" || fail "$shown has no commit $commit"
}

update_submodules() {
  [ "$submodules" ] || return 0
  git_in "$into" submodule --quiet sync --recursive
  if [ "$depth" ]; then
    git_far "$into" submodule --quiet update --init --recursive --depth "$depth" && return 0
  fi
  must "the submodules could not be updated" git_far "$into" submodule --quiet update --init --recursive
}
