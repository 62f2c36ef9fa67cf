look
case $type in
  absent) ;;
  directory)
    if [ "$delete" ]; then
      rm -rf -- "$file"
    else
      rmdir -- "$file" || fail "$file is not empty; set delete: true to remove it with all it holds"
    fi
    ;;
  blocked) fail "$above is in the way: it is no directory" ;;
  *) rm -f -- "$file" ;;
esac
