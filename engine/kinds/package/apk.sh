# apk: Alpine.
apk_index() { newest /var/cache/apk/APKINDEX.*.tar.gz /etc/apk/cache/APKINDEX.*.tar.gz; }
apk_installed() {
  found=$(apk --no-network list --installed -- "$@")
  for name; do
    printf '%s\n' "$found" | while read -r each _; do
      case $each in "$name"-[0-9]*) printf '%s %s\n' "$name" "${each#"$name"-}" ;; esac
    done
  done
}
apk_unfinished() { :; }
apk_transaction() {
  if [ "$state" = absent ]; then set -- del -- "$@"; else set -- add --upgrade -- "$@"; fi
  apk --no-network --no-progress --simulate "$@"
}
apk_lines() {
  sed -n 's/^([ 0-9/]*) Purging \([^ ]*\) .*/- \1/p
    s/^([ 0-9/]*) [A-Z][a-z]*ing \([^ ]*\) (\(.* -> \)\{0,1\}\([^ )]*\)).*/+ \1 \3/p'
}
apk_offered() { apk --no-network policy -- "$1" | sed -n 's/^  \([^ ]*\):$/\1/p'; }
apk_word() { word=$1${2:+=$2}; }
apk_refresh() { apk update; }
# A version that was not asked for by name is not pinned: that it is the one that was planned was seen just before.
apk_change() {
  # shellcheck disable=SC2086  # names, which hold no blanks
  set -- $asked
  if [ "$state" = absent ]; then set -- del -- "$@"; else set -- add --upgrade -- "$@"; fi
  apk --no-network --no-progress --wait "$((timeout / 10))" "$@"
}
apk_moment() { latest /lib/apk/db/installed; }
