# Users and groups of a host. Functions alone; POSIX sh.

# The line of `passwd` or `group` ($1) that has this name or number ($2), into `entry`; empty where there is none.
find_entry() {
  entry='' status=0
  if command -v getent >/dev/null 2>&1; then
    entry=$(getent "$1" "$2") || status=$?
    # 2: no such key.
    case $status in 0 | 2) ;; *) fail "getent $1 $2 failed with exit status $status" ;; esac
    return 0
  fi
  while IFS= read -r line; do
    value=${line#*:*:}
    if [ "${line%%:*}" = "$2" ] || [ "${value%%:*}" = "$2" ]; then
      entry=$line
      return 0
    fi
  done <"/etc/$1"
}
# Field $1 of `entry`, into `value`: 3 is the number.
entry_field() {
  value=$entry
  while [ "$1" -gt 1 ]; do
    value=${value#*:}
    set -- "$(($1 - 1))"
  done
  value=${value%%:*}
}
need_shadow() {
  for program; do
    command -v "$program" >/dev/null 2>&1 ||
      fail "$program is not installed on this host: install shadow (Alpine: shadow; Debian, Ubuntu: passwd; Fedora: shadow-utils)"
  done
}
