# As whom the checkout belongs to: whoever else removed it could be led elsewhere. First what would be lost is looked for
# once more, and what cannot be removed.
enter
case $type in
  absent) exit 0 ;;
  empty | half | removing) ;;
  checkout)
    find_url
    planned_as "$head" "$planned_head"
    planned_as "$plain_url" "$planned_remote"
    losses
    [ -z "$lost" ] || planned_as "$lost" "$planned_lost"
    [ -z "$lost" ] || [ "$on_dirty" = discard ] || fail "$path holds $lost; nothing was removed"
    ;;
  *) fail "$path is in the way ($type); nothing was removed" ;;
esac
me=$(id -u)
strangers=$(find . -type d ! -user "$me" | head -n 1)
[ -z "$strangers" ] || fail "$path holds a directory of somebody else ($strangers); nothing was removed"
clear_out
