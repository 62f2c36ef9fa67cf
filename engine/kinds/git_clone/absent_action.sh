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
