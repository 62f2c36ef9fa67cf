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
