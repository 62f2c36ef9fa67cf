look_at_path
case $type in
  file | directory) ;;
  absent)
    [ "$directory" ] || fail "there is nothing at $path, and nothing is declared that it should contain"
    begin_directory ''
    finish_directory "$mode"
    exit 0
    ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
[ -z "$directory" ] || [ "$type" = directory ] || fail "$path is in the way: it is no directory; nothing was changed"
crowded
# What others can put something else in place of, or is not ours to give away, is made anew.
if [ "$type" = file ] && { [ "$shared" ] || { [ "$_engine_self" != 0 ] && [ ! -O "$file" ]; }; }; then
  must_be_readable
  backup=0
  prepare_file
  open_new
  cat -- "$file" >&3 || write_failed
  settle_file
  exit 0
fi
[ -z "$shared" ] || _engine_safe_entry || fail "others can write $above, so $path was left as it is"
_engine_up=./
give_owner "$file"
[ -z "$mode" ] || chmod -- "$mode" "$file"
