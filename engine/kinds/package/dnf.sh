# dnf: Fedora, RHEL and their kin. To ask it writes its log, and nothing else.
dnf_ask() { dnf -C --setopt=exit_on_lock=1 --setopt=clean_requirements_on_remove=0 "$@"; }
dnf_index() {
  for list in /var/cache/dnf/*/repodata/repomd.xml /var/cache/libdnf5/*/repodata/repomd.xml; do
    [ ! -e "$list" ] || newest /var/cache/dnf /var/cache/libdnf5 "$list"
  done
}
dnf_installed() {
  found=$(rpm -q --qf '%{NAME} %{EVR}\n' -- "$@" 2>&1) || case $found in *error:*) fail "rpm: $found" ;; esac
  printf '%s\n' "$found" | sed -n 's/^[^ ]* [^ ]*$/&/p'
}
dnf_unfinished() { :; }
# It ends with 1 where there is something to do, for nobody agreed to that, and where there is an error.
dnf_transaction() {
  if [ "$state" = absent ]; then set -- remove "$@"; else set -- --best install "$@"; fi
  dnf_ask --assumeno "$@" || case $? in 1) ;; *) return 1 ;; esac
}
dnf_lines() {
  sign='' row=''
  while IFS= read -r line; do
    case $line in
      ' '*' replacing '*)
        line=${line##* replacing }
        # shellcheck disable=SC2086  # words
        set -- $line
        printf -- '- %s\n' "${1%.*}"
        ;;
      ' '*)
        # A long name stands on a line of its own, before the rest.
        row="$row $line"
        # shellcheck disable=SC2086  # words
        set -- $row
        [ "$#" -ge 5 ] || continue
        row=''
        case $sign in + | -) printf '%s %s %s\n' "$sign" "$1" "${3#0:}" ;; esac
        ;;
      Installing* | Upgrading* | Downgrading*) sign=+ row='' ;;
      Removing*) sign=- row='' ;;
      *) sign='' row='' ;;
    esac
  done | sed 's/^\(- [^ ]*\) .*/\1/'
}
dnf_offered() { dnf_ask -q repoquery --qf '%{evr}\n' "$1" 2>/dev/null | sed -n '/./p' | sort -u; }
dnf_word() { word=$1${2:+-$2}; }
dnf_refresh() { dnf --setopt=exit_on_lock=1 makecache --refresh && touch /var/cache/dnf; }
dnf_change() {
  if [ "$state" = absent ]; then set -- remove "$@"; else set -- --best install "$@"; fi
  dnf_ask -y "$@"
}
dnf_moment() {
  # It tells seconds alone; what came later in that second is as new.
  moment=$(rpm -q --qf '%{INSTALLTIME}\n' -- "$@" | sed -n '/^[0-9]*$/p' | sort -n | tail -n 1)
  moment=${moment:+$moment.999999999}
}
