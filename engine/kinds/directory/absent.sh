look_at_path
case $type in
  absent) ;;
  directory) rmdir -- "$file" || fail "$path could not be removed; is it empty?" ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
