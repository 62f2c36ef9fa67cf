# Runs "$@"; where it fails, says so in a sentence. What it prints goes to a file first, for what it starts may keep that open.
must() {
  log=$(mktemp)
  trap 'rm -f -- "$log"' EXIT
  status=0
  "$@" >"$log" 2>&1 || status=$?
  cat -- "$log"
  [ "$status" != 0 ] || return 0
  if grep -q -e 'Could not get lock' -e 'nable to lock' -e 'transaction lock' -e 'already locked' "$log" || [ "$status" = 200 ]; then
    holder=$(sed -n 's/.*held by process \([0-9]* ([^)]*)\).*/: process \1/p' "$log" | head -n 1)
    fail "another program holds the package database$holder; nothing was changed: apply again when it has ended"
  fi
  last=$(sed -n '/[^[:space:]]/h; ${x;p;}' "$log")
  fail "$manager failed with exit status $status: $last"
}

find_manager
[ -z "$fresh" ] || must "${manager}_refresh"
find_needed "$@"
if [ -z "$needed" ]; then
  fact changed no
  exit 0
fi
try_transaction
[ -z "$why" ] || printf '%s\n' "$why"
if [ -z "$fresh" ] && [ "$lines" != "$agreed" ]; then
  printf 'Planned:\n%s\nNow:\n%s\n' "$agreed" "$lines"
  fail "what would be done has changed since it was planned; nothing was done: plan again"
fi
case $state$newline$lines in absent*) ;; *"$newline- "*) fail "other packages would be removed for$needed; nothing was done" ;; esac
words=''
for name in $needed; do
  exact=$(printf '%s\n' "$lines" | sed -n 's/^+ //p' | version_of "$name")
  now=$(printf '%s\n' "$installed" | version_of "$name")
  case $state/$exact/$now in
    absent/* | latest//?*) ;;
    *//*) fail "$manager has no ${version:+version $version of }package $name in its index; nothing was installed" ;;
  esac
  [ -z "$version" ] || [ "$state" = absent ] || [ "$exact" = "$version" ] ||
    fail "$manager has no version $version of package $name in its index; nothing was installed"
  "${manager}_word" "$name" "${exact:-$now}"
  words="$words $word"
done
# shellcheck disable=SC2086  # names, which hold no blanks
must "${manager}_change" $words
