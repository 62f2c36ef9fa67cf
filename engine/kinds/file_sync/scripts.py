"""The shell texts of file-sync for one file or directory. Constants; see `file_shell` for what they share."""

from engine.kinds.file_sync.shell import LOOK, LOOKING, MAKE, SEEN, WATCH

# --- the whole content ---------------------------------------------------------------------------------------------

WHOLE_PROBE = (
    SEEN
    + LOOKING
    + r"""
look
report
known_owners
[ "$type" = file ] || exit 0
digest
fact sum "$sum"
if [ "$sum" = "$want" ] || [ -z "$want" ] || [ "$phase" = verify ]; then
  [ -z "$mode$owner$group" ] || describe "$file"
else
  describe "$file"
  case $mode_now in
    *[4567])
      # Text for a diff: everyone on the host may read it. The digest tells whether it came through unharmed.
      if [ "$size_now" -le 65536 ]; then
        text=$(cat -- "$file" && printf x)
        fact text "${text%x}"
      fi
      ;;
  esac
fi
fact about "${about-}"
"""
)

WHOLE_ACTION = (
    LOOK
    + MAKE
    + r"""
look
prepare
open_new
printf '%s' "$content" >>"$new" || full
settle
"""
)

STAGED_ACTION = (
    LOOK
    + MAKE
    + r"""
look
prepare
new=$staging/content
found=$(sha256 <"$new")
[ "$found" = "$want" ] ||
  fail "what arrived is not what was declared; did the source change meanwhile? $file is as it was"
settle
"""
)

WHOLE_WATCH = (
    LOOK
    + WATCH
    + r"""
look
sum=
[ "$type" != file ] || digest
watched
"""
)

# --- the first line ------------------------------------------------------------------------------------------------

FIRST_LINE = r"""
# The SHA-256 of line 1 without its line break, into `sum`. Of the bytes as they are: a variable loses a NUL.
first_line() {
  [ -r "$file" ] || fail "permission denied: $file cannot be read"
  sum=$(head -n 1 <"$file" | tr -d '\n' | sha256)
}
"""

FIRST_LINE_PROBE = (
    LOOK
    + FIRST_LINE
    + r"""
look
report
known_owners
[ "$type" = file ] || exit 0
first_line
fact sum "$sum"
[ -z "$mode$owner$group$public" ] || describe "$file"
fact about "${about-}"
# Of a line that is declared to be no secret, the text, where everyone on the host may read it.
case $public/${mode_now-} in
  1/*[4567])
    if [ "$size_now" -le 65536 ]; then
      text=$(head -n 1 <"$file" | tr -d '\n\0' && printf x)
      fact text "${text%x}"
    fi
    ;;
esac
"""
)

FIRST_LINE_ACTION = (
    LOOK
    + MAKE
    + r"""
look
prepare
open_new
breaks=1
[ ! -s "$file" ] || breaks=$(wc -l <"$file")
if [ "$breaks" -eq 0 ]; then
  printf '%s' "$line" >>"$new" || full
else
  printf '%s\n' "$line" >>"$new" || full
  from=2 first='' second=''
  if [ "$type" != absent ]; then
    # Behind a blank line 1 this value is the old line 1 pushed down, and no line of somebody else's.
    { IFS= read -r first && IFS= read -r second; } <"$file" || :
    [ -n "$first" ] || [ "$second" != "$line" ] || from=3
    tail -n "+$from" -- "$file" >>"$new" || full
  fi
fi
settle
"""
)

FIRST_LINE_WATCH = (
    LOOK
    + FIRST_LINE
    + WATCH
    + r"""
look
sum=
[ "$type" != file ] || first_line
watched
"""
)

# --- mode and owner only, directories, absence ---------------------------------------------------------------------

PLAIN_PROBE = (
    LOOK
    + r"""
look
report
known_owners
case $type in
  file | directory) [ -z "$mode$owner$group" ] || describe "$file" ;;
esac
fact about "${about-}"
"""
)

PLAIN_ACTION = (
    LOOK
    + MAKE
    + r"""
look
case $type in
  file | directory) ;;
  absent)
    [ "$directory" ] || fail "there is nothing at $file, and nothing is declared that it should contain"
    above=${file%/*}
    if [ ! -d "${above:-/}" ]; then
      [ "$parents" ] || fail "directory $above does not exist; make it, or set parents: true"
    fi
    make_directory "$file" "$mode"
    exit 0
    ;;
  *) fail "$file is in the way ($type); nothing was changed" ;;
esac
[ -z "$directory" ] || [ "$type" = directory ] || fail "$file is in the way: it is no directory; nothing was changed"
give "$file"
[ -z "$mode" ] || chmod -- "$mode" "$file"
"""
)

PLAIN_WATCH = (
    LOOK
    + WATCH
    + r"""
look
sum=
watched
"""
)

ABSENT_PROBE = (
    LOOK
    + r"""
look
fact type "$type"
[ "$type" = directory ] || exit 0
if [ ! -r "$file" ] || [ ! -x "$file" ]; then fail "permission denied: $file cannot be read"; fi
for entry in "$file"/* "$file"/.[!.]* "$file"/..?*; do
  if [ -e "$entry" ] || [ -h "$entry" ]; then
    fact filled 1
    exit 0
  fi
done
"""
)

ABSENT_ACTION = (
    LOOK
    + r"""
look
case $type in
  absent) ;;
  directory)
    if [ "$delete" ]; then
      rm -rf -- "$file"
    else
      rmdir -- "$file" || fail "$file is not empty; set delete: true to remove it with all it holds"
    fi
    ;;
  blocked) fail "$above is in the way: it is no directory" ;;
  *) rm -f -- "$file" ;;
esac
"""
)
