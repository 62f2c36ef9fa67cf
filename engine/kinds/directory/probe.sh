look_inside
report_path
known_owners
[ "$type" = directory ] || exit 0
describe_path .
fact about "$about"
[ "$recursive" ] || exit 0
# What `differing` finds, a line each, into `found`; a line break in a name shows as `?`.
names() {
  found=$({ differing "$@" -print0 && printf 'done'; } | tr '\n\000' '?\n')
  case $found in
    done) found='' ;;
    *"$_engine_line"done) found=${found%?done} ;;
    *) fail "not all that is in $path could be read" ;;
  esac
}
names all
[ "$found" ] || exit 0
all=$found found=''
# The first three, and how many there are.
below=$(printf '%s\n' "$all" | sed -n -e '1,3s|^\./||p' -e '$=')
fact below "$below"
[ "$shared" ] || names ours
# The first that is out of reach: in one list alone, or not its own to whoever acts.
stuck=$(printf '%s\n' "$found" "$found" "$all" | LC_ALL=C sort | uniq -u | sed -n 1p)
if [ -z "$stuck" ] && [ "$_engine_self" != 0 ]; then
  names all ! -user "$_engine_self"
  stuck=${found%%"$_engine_line"*}
fi
[ -z "$stuck" ] || fact stuck "${stuck#./}"
