# Looks once more, as the owner, for what would be lost.
enter
case $type in
  absent | empty | half) ;;
  checkout)
    losses
    [ -z "$lost" ] || [ "$on_dirty" = discard ] || fail "$path holds $lost; nothing was removed"
    ;;
  *) fail "$path is in the way ($type); nothing was removed" ;;
esac
