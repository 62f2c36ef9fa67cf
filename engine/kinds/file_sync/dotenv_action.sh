look_at_path
prepare_file
open_new
keys=$(($# / 2))

# Where the entry's `name` is one of the keys to write: puts the new one in its place. Only the last entry of a key
# counts, so only that stays.
replaced() {
  n=0
  while [ "$n" -lt "$keys" ]; do
    n=$((n + 1))
    if [ "$1" = "$name" ]; then
      eval "left=\$((count_$n - 1)); count_$n=\$left"
      [ "$left" -gt 0 ] || printf "%s%s='%s'%s%s" "$before" "$name" "$2" "$after" "${ended:+$line_break}" >&3 || write_failed
      return 0
    fi
    shift 2
  done
  return 1
}

# The keys alone, out of keys and values in turn.
count() {
  n=0
  while [ "$n" -lt "$keys" ]; do
    n=$((n + 1))
    key=$1
    shift 2
    set -- "$@" "$key"
  done
  scan "$@"
}

last=1
if [ "$type" = file ]; then
  count "$@"
  [ -z "$unclosed" ] || fail "line $unclosed of $path opens a quote that is never closed; nothing was changed"
  number=0
  while next_entry; do
    last=$ended
    [ -n "$name" ] && replaced "$@" && continue
    printf '%s%s' "$entry" "${ended:+$line_break}" >&3 || write_failed
  done <"$file"
  count "$@"
fi
n=0
while [ "$#" -gt 0 ]; do
  n=$((n + 1))
  eval "there=\${count_$n:-0}"
  if [ "$there" -eq 0 ]; then
    [ -n "$last" ] || printf '\n' >&3 || write_failed
    last=1
    printf "%s='%s'\n" "$1" "$2" >&3 || write_failed
  fi
  shift 2
done
settle_file
