look_at_path
sum=
[ "$type" != file ] || first_line
report_watched
