need_shadow useradd usermod userdel
find_entry passwd "$user"
there=$entry
if [ "$state" = absent ]; then
  [ -z "$there" ] || userdel ${remove_home:+--remove} -- "$user"
  exit 0
fi
set -- ${uid:+--uid "$uid"} ${home:+-d "$home"} ${shell:+--shell "$shell"}
[ -z "$comment" ] || set -- "$@" --comment "$comment"
if [ "$grouped" ] && [ "$there$groups" ]; then
  [ -z "$there" ] || [ -z "$append" ] || set -- "$@" --append
  set -- "$@" --groups "$groups"
fi
if [ "$there" ]; then
  [ -z "$group" ] || set -- "$@" --gid "$group"
  [ "$#" = 0 ] || usermod "$@" -- "$user"
  exit 0
fi
if [ -z "$group" ]; then
  # A group of that name may have been made before.
  find_entry group "$user"
  group=${entry%%:*}
fi
if [ "$group" ]; then set -- "$@" --gid "$group"; else set -- "$@" --user-group; fi
if [ "$system" ]; then set -- "$@" --system --no-create-home; else set -- "$@" --create-home; fi
useradd "$@" -- "$user"
