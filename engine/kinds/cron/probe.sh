whose_table
[ -z "$nobody" ] || fact nobody 1
[ -z "$other" ] || fact refused "only root changes the crontab of $user: set become: true, or become: $user"
if [ "$nobody$other" ]; then exit 0; fi
read_table
make_line
fact line "$line"
case $newline$table in *"$newline$mark$newline"*) ;; *) exit 0 ;; esac
entry=$(new_table show)
fact entry "$entry"
