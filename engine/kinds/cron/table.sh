mark="# onetrip: $entry_name"
newline='
'

# Sets `user` to nothing where that is who acts, who needs no option of root's for it; `nobody` where there is no such
# user, and `other` where only root may go on.
whose_table() {
  nobody='' other=''
  [ "$user" ] || return 0
  find_entry passwd "$user"
  entry_field 3
  me=$(id -u)
  if [ -z "$entry" ]; then nobody=1
  elif [ "$me" = "$value" ]; then user=''
  elif [ "$me" != 0 ]; then other=1
  fi
}
# crontab with "$@", of `user` where one is named.
crontab_of() {
  if [ "$user" ]; then crontab -u "$user" "$@"; else crontab "$@"; fi
}
# The crontab, into `table`, with an x at its end: it is empty only where crontab says that there is none.
read_table() {
  need crontab
  if table=$(crontab_of -l 2>&1 && printf x); then return 0; fi
  case $table in
    *'no crontab for '* | *"can't open "*'No such file or directory'*) table=x ;;
    *) fail "the crontab cannot be read: $table" ;;
  esac
}
# The entry that is to be there, into `line`.
make_line() {
  escaped=$job
  case $(crontab --help 2>&1 || :) in
    # Its daemon takes a % as it is.
    *BusyBox*) ;;
    *) escaped=$(printf '%s\n' "$job" | sed 's/%/\\%/g') ;;
  esac
  line="$schedule $escaped"
}
# Prints `table` with the entry, in its old place or else at the end, or without it where `state` is absent. With $1, it
# prints what stands behind the mark now instead.
new_table() {
  rest=${table%x} pending='' written=''
  [ "$state" = present ] || written=1
  while [ "$rest" ]; do
    each=${rest%%"$newline"*}
    case $rest in *"$newline"*) rest=${rest#*"$newline"} ;; *) rest='' ;; esac
    if [ "$each" = "$mark" ]; then
      [ "$written$1" ] || printf '%s\n%s\n' "$mark" "$line"
      pending=1 written=1
      continue
    fi
    # What follows the mark is the entry; where that was taken away, it is somebody else's.
    case $each in '' | '#'*) pending='' ;; esac
    case $pending$1 in '' | 1show) printf '%s\n' "$each" ;; esac
    pending=''
  done
  [ "$written$1" ] || printf '%s\n%s\n' "$mark" "$line"
}
