# apt: Debian, Ubuntu. What only looks builds its caches in memory.
apt_ask() {
  program=$1
  shift
  "$program" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Log::Planner= "$@"
}
apt_index() {
  for list in /var/lib/apt/lists/*_Packages*; do
    if [ -e "$list" ] || [ -h "$list" ]; then
      newest /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp
    fi
    return 0
  done
}
apt_installed() {
  status=0
  found=$(dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n' -- "$@" 2>/dev/null) || status=$?
  [ "$status" -le 1 ] || fail "dpkg-query failed with exit status $status"
  printf '%s\n' "$found" | sed -n 's/^\([^ ]* [^ ]*\) hi *$/\1 held/p; s/^\([^ ]* [^ ]*\) [^h]i *$/\1/p'
}
apt_unfinished() { dpkg-query -W -f '${db:Status-Abbrev}/${Package}\n' | sed -n 's:^.[HUFWt][^/]*/::p'; }
apt_transaction() {
  if [ "$state" = absent ]; then set -- remove -- "$@"; else set -- install -- "$@"; fi
  apt_ask apt-get -q -y --allow-downgrades --allow-change-held-packages -s "$@"
}
apt_lines() {
  sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\).*/+ \1 \3/p; s/^Remv \([^ ]*\) .*/- \1/p'
}
apt_offered() { apt_ask apt-cache madison -- "$1" | sed -n 's/^[^|]*| *\([^ |]*\) *|.*/\1/p'; }
apt_word() { word=$1${2:+=$2}; }
apt_refresh() { apt-get -q -o APT::Update::Error-Mode=any update && touch /var/lib/apt/lists; }
apt_change() {
  if [ "$state" = absent ]; then set -- remove -- "$@"; else set -- --no-remove install -- "$@"; fi
  DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
  export DEBIAN_FRONTEND APT_LISTCHANGES_FRONTEND NEEDRESTART_SUSPEND
  apt-get -q -y --allow-downgrades -o "DPkg::Lock::Timeout=$((timeout / 10))" -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold "$@"
}
apt_moment() {
  for name; do
    for list in "/var/lib/dpkg/info/$name.list" "/var/lib/dpkg/info/$name":*.list; do
      [ ! -f "$list" ] || latest "$list"
    done
  done
}
