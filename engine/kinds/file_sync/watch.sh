# The newest moment at which $1 changed, into `moment`. Where a host tells no fractions, the end of that second.
changed_at() {
  moment=$(stat -c '%Z %z' -- "$1" 2>/dev/null) || moment=$(stat -f '%Fc' -- "$1")
  split_moment "$moment"
}
split_moment() {
  moment=$1
  case $moment in
    *.*)
      fraction=${moment#*.}
      fraction=${fraction%% *}
      ;;
    *) fraction=999999999 ;;
  esac
  moment=${moment%% *}
  moment=${moment%%.*}.$fraction
}

# When each of the files named on standard input, with NUL bytes after the names, changed.
moments() {
  if stat -c %Z / >/dev/null 2>&1; then xargs -0 stat -c '%Z %z' --; else xargs -0 stat -f '%Fc' --; fi
}

# Reports what is watched: the content's digest in `sum`, and mode, owner and group as far as they are managed.
watched() {
  marks=$type
  moment=
  case $type in
    file | directory)
      describe "$file"
      changed_at "$file"
      [ -z "$mode" ] || marks="$marks mode $mode_now"
      [ -z "$owner" ] || marks="$marks owner $uid_now"
      [ -z "$group" ] || marks="$marks group $gid_now"
      ;;
  esac
  fingerprint=$(printf '%s\n%s\n' "$marks" "$sum" | sha256)
  fact fingerprint "$fingerprint"
  fact ctime "$moment"
}
