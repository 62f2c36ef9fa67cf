look_at_path
case $type in
  file) rm -f -- "$file" ;;
  absent | blocked) ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
rm -f -- "./$part"
