need_shadow groupadd groupmod groupdel
find_entry group "$name"
entry_field 3
number=$value
if [ "$state" = absent ]; then
  [ -z "$number" ] || groupdel -- "$name"
elif [ -z "$number" ]; then
  groupadd ${gid:+--gid "$gid"} ${system:+--system} -- "$name"
elif [ "$gid" ] && [ "$gid" != "$number" ]; then
  groupmod --gid "$gid" -- "$name"
fi
