look_at_path
sum=
[ "$type" != file ] || file_digest
report_watched
