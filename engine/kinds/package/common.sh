newline='
'
# Each manager has these functions; what they say in answer is the same for all, below.
#   NAME_index         sets `indexed` to when the index was last refreshed, in seconds; leaves it empty where there is none
#   NAME_installed     prints `NAME VERSION` for those of "$@" that are installed, with ` held` where it must stay so
#   NAME_unfinished    prints the packages that were begun and not finished
#   NAME_transaction   tries what "$@" asks for; prints what it would do, in words of its own, or fails with why not
#   NAME_lines         makes of that `+ NAME VERSION` and `- NAME`, a line for all that would be installed or removed
#   NAME_offered       prints the versions of $1 that the index has
#   NAME_word          sets `word` to how version $2 of $1 is asked for
#   NAME_refresh, NAME_change   do it
#   NAME_moment        sets `moment` to when one of "$@" last changed

find_manager() {
  manager=''
  if command -v apt-get >/dev/null 2>&1 && [ -s /var/lib/dpkg/status ]; then
    manager=apt
  else
    for program in dnf apk pacman; do
      if [ -z "$manager" ] && command -v "$program" >/dev/null 2>&1; then manager=$program; fi
    done
  fi
  [ "$manager" ] || fail "this host has none of apt, dnf, apk and pacman"
}

# The newest modification of the paths that are there: sets `indexed`.
newest() {
  for each; do
    [ -e "$each" ] || continue
    moment=$(stat -c %Y -- "$each")
    if [ -z "$indexed" ] || [ "$moment" -gt "$indexed" ]; then indexed=$moment; fi
  done
}

# The version of $1 in lines that begin with a name and a version.
version_of() {
  while read -r each version_there _; do
    [ "$each" != "$1" ] || printf '%s\n' "$version_there"
  done
}

# Sets `installed` to what is there of "$@", `needed` to the names of which something is to be done, and `asked` to those
# as the transaction names them.
find_needed() {
  installed=$("${manager}_installed" "$@")
  needed='' asked=''
  for name; do
    now=$(printf '%s\n' "$installed" | version_of "$name")
    case $state/$now in
      absent/) continue ;;
      present/?*) if [ -z "$version" ] || [ "$now" = "$version" ]; then continue; fi ;;
    esac
    needed="$needed $name"
    "${manager}_word" "$name" "$version"
    asked="$asked $word"
  done
}

# What the transaction would do: sets `lines`; or `why` it cannot be done.
try_transaction() {
  lines='' why='' status=0
  # shellcheck disable=SC2086  # names, which hold no blanks
  answer=$("${manager}_transaction" $asked 2>&1) || status=$?
  if [ "$status" = 0 ]; then
    lines=$(printf '%s\n' "$answer" | "${manager}_lines" | sort -u)
  else
    why=${answer:-exit status $status}
  fi
}
