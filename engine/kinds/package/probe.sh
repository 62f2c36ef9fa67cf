find_manager
find_needed "$@"
me=$(id -u)
indexed=''
"${manager}_index"
age=''
if [ "$indexed" ]; then
  present=$(date +%s)
  age=$((present - indexed))
fi
fact manager "$manager"
fact installed "$installed"
fact needed "$needed"
fact user "$me"
fact age "$age"
[ "$needed" ] || exit 0
unfinished=$("${manager}_unfinished")
fact unfinished "$unfinished"
# In the end it is as old as it was when something was done.
if [ "$state" != absent ]; then
  [ "$phase" != verify ] || refresh=0
  if [ -z "$age" ] || { [ "$refresh" -gt 0 ] && [ "$age" -gt "$refresh" ]; }; then
    fact stale 1
    exit 0
  fi
fi
try_transaction
fact lines "$lines"
if [ "$why" ] || { [ -z "$lines" ] && [ "$state" = present ]; }; then
  fact why "$why"
  n=0
  for name; do
    offered=$("${manager}_offered" "$name") || offered=''
    fact "offered.$n" "$offered"
    n=$((n + 1))
  done
fi
