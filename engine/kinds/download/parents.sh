look_at_path
[ "$type" != directory ] || exit 0
[ "$type" = absent ] || fail "$path is in the way ($type); nothing was changed"
begin_directory ''
finish_directory ''
