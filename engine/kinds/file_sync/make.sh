umask 022

give() { # owner and group of $1, which exists
  [ -z "$owner$group" ] || chown -- "$owner${group:+:$group}" "$1" ||
    fail "$1 cannot be given to $owner${group:+:$group}"
}

# Makes directory $1 of mode $2 (or the usual one) and those above it. It appears complete, under its name.
make_directory() {
  [ ! -d "${1:-/}" ] || return 0
  make_directory "${1%/*}" "$dir_mode"
  leftover "${1%/*}/$temp"
  mkdir -- "${1%/*}/$temp" || fail "directory $1 cannot be made"
  give "${1%/*}/$temp"
  [ -z "$2" ] || chmod -- "$2" "${1%/*}/$temp"
  mv -f -- "${1%/*}/$temp" "$1"
}

prepare() {
  case $type in
    absent | file) ;;
    blocked) fail "$above is in the way: it is no directory; nothing was changed" ;;
    *) fail "$file is in the way: it is no regular file ($type); nothing was changed" ;;
  esac
  above=${file%/*}
  if [ ! -d "${above:-/}" ]; then
    [ "$parents" ] || fail "directory $above does not exist; make it, or set parents: true"
    make_directory "$above" "$dir_mode"
  fi
  new=$above/$temp
  trap 'rm -f -- "$new"' EXIT
  trap 'exit 143' HUP INT TERM
}

# What a run that was cut off left under our own name. Directories of that name hold nothing.
leftover() {
  if [ ! -e "$1" ] && [ ! -h "$1" ]; then return 0; fi
  [ -h "$1" ] || [ ! -d "$1" ] || rmdir -- "$1"
  rm -f -- "$1"
}

# Makes `new`, empty, ours, readable for nobody else. Never opens what another put there.
open_new() {
  leftover "$new"
  umask 077
  set -C
  true >"$new" || fail "no file can be made in ${above:-/}; $file is as it was"
  set +C
  umask 022
}
full() { fail "the new $file could not be written in full (no space left?); the old one is as it was"; }

# `new` takes the mode and owner declared, or else those of the file it replaces, and then its place.
settle() {
  if [ "$type" = file ]; then
    describe "$file"
    chown -- "${owner:-$uid_now}:${group:-$gid_now}" "$new" ||
      fail "the new $file cannot be given to ${owner:-$uid_now}:${group:-$gid_now}; the old one is as it was"
    chmod -- "${mode:-$mode_now}" "$new"
    keep
  else
    give "$new"
    chmod -- "${mode:-$fresh}" "$new"
  fi
  mv -f -- "$new" "$file"
  trap - EXIT
}

# Keeps the content about to be replaced, as many times as `backup` says: .bak, .bak.2, .bak.3, ...
keep() {
  [ "$backup" -gt 0 ] || return 0
  # Cut off after this and run again, the same content must not push out an older one.
  if cmp -s -- "$file" "$file.bak"; then return 0; fi
  while [ "$backup" -gt 1 ]; do
    older=$file.bak.$backup
    backup=$((backup - 1))
    newer=$file.bak.$backup
    [ "$backup" -gt 1 ] || newer=$file.bak
    [ ! -e "$newer" ] || mv -f -- "$newer" "$older"
  done
  rm -f -- "$file.bak"
  ln -- "$file" "$file.bak" 2>/dev/null || cp -p -- "$file" "$file.bak"
}
