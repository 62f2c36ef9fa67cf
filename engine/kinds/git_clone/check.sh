# Looks once more, as the owner, for what would be lost, and for what cannot be removed.
enter
case $type in
  absent | empty | half) ;;
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
if [ "$type" != absent ]; then
  me=$(id -u)
  strangers=$(find . -type d ! -user "$me" | head -n 1)
  [ -z "$strangers" ] || fail "$path holds a directory of somebody else ($strangers); nothing was removed"
fi
