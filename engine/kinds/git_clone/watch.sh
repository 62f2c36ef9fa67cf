# Directories from which a tracked file is missing, or what is left of them.
missing_dirs() {
  # shellcheck disable=SC2016  # run by another shell
  git_here ls-files -z --deleted | xargs -0 sh -c '
    for name do
      while :; do
        case $name in */*) name=${name%/*} ;; *) name=. ;; esac
        [ ! -d "./$name" ] || break
      done
      printf "%s\0" "./$name"
    done' sh
}
enter
moment=''
what=$type
if [ "$type" = checkout ]; then
  find_url
  uncommitted
  changes=''
  [ -z "$dirty" ] || changes=$(git_here diff --binary --no-ext-diff --no-textconv HEAD | sha256)
  [ -z "$submodules" ] || changes=$changes$(git_here submodule status --recursive)
  what="$head $plain_url $changes"
  # Where files are missing, stat says so and goes on with the others.
  latest=$({
    printf '%s\0' "$git_dir/HEAD"
    git_here ls-files -z
    missing_dirs
  } | { moments 2>/dev/null || :; } | sort -k1,1n -k3,3 | tail -n 1)
  split_moment "$latest"
fi
fingerprint=$(printf '%s\n' "$what" | sha256)
fact fingerprint "$fingerprint"
fact ctime "$moment"
