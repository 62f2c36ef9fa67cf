look
case $type in
  file | directory) ;;
  absent)
    [ "$directory" ] || fail "there is nothing at $file, and nothing is declared that it should contain"
    above=${file%/*}
    if [ ! -d "${above:-/}" ]; then
      [ "$parents" ] || fail "directory $above does not exist; make it, or set parents: true"
    fi
    make_directory "$file" "$mode"
    exit 0
    ;;
  *) fail "$file is in the way ($type); nothing was changed" ;;
esac
[ -z "$directory" ] || [ "$type" = directory ] || fail "$file is in the way: it is no directory; nothing was changed"
give "$file"
[ -z "$mode" ] || chmod -- "$mode" "$file"
