enter
fact type "$type"
commit=''
case $type in
  blocked | exposed) fact above "$above" ;;
  absent | empty | half | removing) where=/ ;;
  checkout)
    fact head "$head"
    find_url
    fact remote "$plain_url"
    ;;
esac
if [ "$state" = absent ]; then
  if [ "$type" = checkout ]; then
    losses
    fact lost "$lost"
  fi
  exit 0
fi
case $type in absent | empty | half | removing | checkout) ;; *) exit 0 ;; esac
if [ "$type" = checkout ]; then
  if cut_off; then
    fact cut 1
  else
    uncommitted
    fact dirty "$dirty"
  fi
  if [ "$short" ]; then
    commit=$(git_here rev-parse -q --verify "$revision^{commit}" 2>/dev/null) || commit=''
    case $commit in "$revision"*) ;; *) commit='' ;; esac
    fact commit "$commit"
  fi
fi
if [ "$network" ] && [ -z "$commit" ]; then
  if [ "$short" ]; then set --; fi
  listen git_far ls-remote -- "$url" "$@"
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
  found=$(git_here submodule status --recursive)
  fact submodules "$found"
fi
