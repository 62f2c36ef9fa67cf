look_at_path
prepare_file
open_new
breaks=1
if [ "$type" = file ] && [ -s "$file" ]; then breaks=$(wc -l <"$file"); fi
if [ "$breaks" -eq 0 ]; then
  printf '%s' "$line" >&3 || write_failed
else
  printf '%s\n' "$line" >&3 || write_failed
  from=2 first='' second=''
  if [ "$type" != absent ]; then
    # Behind a blank line 1 this value is the old line 1 pushed down, and no line of somebody else's.
    { IFS= read -r first && IFS= read -r second; } <"$file" || :
    [ -n "$first" ] || [ "$second" != "$line" ] || from=3
    tail -n "+$from" -- "$file" >&3 || write_failed
  fi
fi
settle_file
