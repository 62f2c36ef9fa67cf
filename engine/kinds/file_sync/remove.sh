# Only an rm that holds on to directories cannot be led out of one that somebody else can write.
remove_all() {
  case $_engine_self:$(rm --version 2>/dev/null || :) in
    0:*GNU* | 0:*uutils* | [1-9]*) ;;
    *)
      theirs=$(find "$file" -type d '(' ! -user 0 -o -perm -020 -o -perm -002 ')')
      [ -z "$theirs" ] || fail "others can write in $path, and rm of this host could be led out of it: install coreutils"
      ;;
  esac
  rm -rf -- "$file" || fail "user $_engine_self cannot remove all of $path"
}

look_at_path
case $type in
  absent) ;;
  directory)
    if [ "$delete" ]; then
      remove_all
    else
      rmdir -- "$file" || fail "$path is not empty; set delete: true to remove it with all it holds"
    fi
    ;;
  blocked) fail "$above is in the way: it is no directory" ;;
  *) rm -f -- "$file" ;;
esac
