me=$(id -u)
fact me "$me"
find_entry group "$name"
found=''
if [ "$entry" ]; then
  entry_field 3
  found=$value
  fact gid "$found"
fi
if [ "$gid" ] && [ "$gid" != "$found" ]; then
  find_entry group "$gid"
  [ -z "$entry" ] || fact taken "${entry%%:*}"
fi
if [ "$state" = absent ] && [ "$found" ]; then
  users=''
  while IFS=: read -r user _ _ primary _; do
    [ "$primary" != "$found" ] || users="$users $user"
  done </etc/passwd
  fact primary "$users"
fi
