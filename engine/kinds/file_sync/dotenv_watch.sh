look_at_path
sum=
if [ "$type" = file ]; then
  must_be_readable
  scan "$@"
  n=0
  for key do
    n=$((n + 1))
    eval "now=\$now_$n"
    one=$(printf '%s' "$now" | sha256)
    sum="$sum $key $one"
  done
fi
report_watched
