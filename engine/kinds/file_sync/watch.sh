look_at_path
sum=
[ "$type" != file ] || digest "$@"
report_watched
