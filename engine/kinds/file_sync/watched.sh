look
sum=
if [ "$type" = file ]; then
  [ -r "$file" ] || fail "permission denied: $file cannot be read"
  scan "$@"
  n=0
  for key do
    n=$((n + 1))
    eval "now=\$now_$n"
    one=$(printf '%s' "$now" | sha256)
    sum="$sum $key $one"
  done
fi
watched
