look_at_path
sum=
report_watched
