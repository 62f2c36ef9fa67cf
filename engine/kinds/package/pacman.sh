# pacman: Arch. Its index has one version of each package.
pacman_index() {
  for list in /var/lib/pacman/sync/*.db; do
    [ ! -e "$list" ] || newest /var/lib/pacman/sync "$list"
  done
}
pacman_installed() {
  found=$(pacman -Q -- "$@" 2>&1) || :
  wrong=$(printf '%s\n' "$found" | sed -n '/was not found$/d; s/^error: //p')
  [ -z "$wrong" ] || fail "pacman: $wrong"
  held=$(pacman-conf IgnorePkg | tr '\n' ' ')
  printf '%s\n' "$found" | sed '/^error: /d' | while read -r name now; do
    case " $held " in *" $name "*) now="$now held" ;; esac
    [ -z "$name" ] || printf '%s %s\n' "$name" "$now"
  done
}
pacman_unfinished() { :; }
pacman_transaction() {
  if [ "$state" = absent ]; then
    pacman -R --print --print-format '- %n' --noconfirm -- "$@"
  else
    pacman -S --needed --print --print-format '+ %n %v' --noconfirm -- "$@"
  fi
}
pacman_lines() { sed -n 's/^[+-] .*/&/p'; }
pacman_offered() { LC_ALL=C pacman -Si -- "$1" | sed -n 's/^Version *: //p'; }
pacman_word() { word=$1; }
pacman_refresh() { pacman -Sy --noconfirm && touch /var/lib/pacman/sync; }
pacman_change() {
  if [ "$state" = absent ]; then set -- -R --noconfirm -- "$@"; else set -- -S --needed --noconfirm -- "$@"; fi
  pacman "$@"
}
pacman_moment() { for name; do latest /var/lib/pacman/local/"$name"-[0-9]*/desc; done; }
