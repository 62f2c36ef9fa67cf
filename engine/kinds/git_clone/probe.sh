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
