# Line 1, without its line break. Its digest is of the bytes as they are: a variable loses a NUL.
line_1() { head -n 1 | tr -d "$1"; }
inspect() {
  [ "$type" = file ] || return 0
  digest
  fact sum "$sum"
  describe
  [ "${size_now-0}" -gt 65536 ] || show text line_1 '\n\0'
}
digest() {
  must_be_readable
  sum=$(line_1 '\n' <"$file" | sha256)
}
fill() {
  open_new
  breaks=1
  if [ "$type" = file ] && [ -s "$file" ]; then breaks=$(wc -l <"$file"); fi
  if [ "$breaks" -eq 0 ]; then
    printf '%s' "$line" >&3 || write_failed
    return 0
  fi
  printf '%s\n' "$line" >&3 || write_failed
  [ "$type" = file ] || return 0
  from=2 first='' second=''
  # Behind a blank line 1 this value is the old line 1 pushed down, and no line of somebody else's.
  { IFS= read -r first && IFS= read -r second; } <"$file" || :
  [ -n "$first" ] || [ "$second" != "$line" ] || from=3
  tail -n "+$from" -- "$file" >&3 || write_failed
}
