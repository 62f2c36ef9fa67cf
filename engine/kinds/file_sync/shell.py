"""The shell functions that the texts of file-sync share. Constants, POSIX sh; values arrive as variables.

Every script sees `path`, `follow`, and says with `look` what stands there:
  file   the path worked on: `path`, or what it links to where `follow` is set
  type   file, directory, link, other, absent, or blocked (something that is no directory stands above it)
  above  the nearest directory above it that exists
An action writes to `new`, a sibling with a name of its own, and renames it: whoever is cut off leaves at most that
sibling, which the next run removes. No value is ever an argument of a process.
"""

GLANCE = r"""
# shellcheck disable=SC2086  # the lists are split, on purpose
# Of each small regular file that can be read: SHA256 MODE UID GID SIZE USER/GROUP. Two processes for all. Where
# anything goes wrong on the way, nothing is said, and each probe looks for itself.
end='
'
n=0 names='' places='' small='' lines=''
for file in "$@"; do
  n=$((n + 1))
  # Other names may be printed with escapes, or are split below.
  case $file in *[!A-Za-z0-9/._+@=,:-]*) continue ;; esac
  if [ -f "$file" ] && [ ! -h "$file" ] && [ -r "$file" ]; then
    names=$names$file$end places=$places$n$end
  fi
done
[ "$names" ] || exit 0
set -f
IFS=$end
pick() {
  for n in $places; do
    about=${1#* }
    about=${about% *}
    if [ "${1%% *}" -le 262144 ]; then
      small=$small${1##* }$end lines=$lines$n\ $about$end
    fi
    shift
  done
}
tell() {
  for line in $lines; do
    printf '%s\n' "${line%% *} ${1%% *} ${line#* }"
    shift
  done
}
stats=$(stat -c '%s %a %u %g %s %U/%G %n' -- $names 2>/dev/null) || exit 0
pick $stats
[ "$small" ] || exit 0
sums=$(sha256sum -- $small 2>/dev/null) || exit 0
tell $sums
"""

SEEN = r"""
# shellcheck disable=SC2154,SC2034  # values arrive as variables; not every script uses all that the functions set
# What a glance at all files of the host has found, if it has.
seen=${seen-}
"""

UNSEEN = r"""
# shellcheck disable=SC2154,SC2034
seen=''
"""

LOOKING = r"""
look() {
  file=$path
  if [ "$seen" ]; then
    type='file' above=${file%/*} sum=${seen%% *} about=${seen#* }
    above=${above:-/}
    return
  fi
  if [ -h "$path" ] && [ "$follow" ]; then
    # A name may end in line breaks, which a command substitution would cut off.
    file=$(readlink -f -- "$path" && printf x) || fail "$path is a symbolic link that leads nowhere"
    file=${file%?x}
  fi
  above=${file%/*}
  if [ -h "$file" ]; then type='link'
  elif [ -f "$file" ]; then type='file'
  elif [ -d "$file" ]; then type='directory'
  elif [ -e "$file" ]; then type='other'
  else nothing
  fi
  above=${above:-/}
}

# Nothing is seen there. That is only known to be so where the directories above can be searched.
nothing() {
  type='absent'
  until [ -d "${above:-/}" ]; do
    if [ -e "$above" ] || [ -h "$above" ]; then
      type='blocked'
      return
    fi
    above=${above%/*}
  done
  [ -x "${above:-/}" ] || fail "permission denied: $above cannot be searched, so nothing is known of $file"
}

report() {
  fact type "$type"
  case $type$follow in
    file | directory) ;;
    *) fact above "$above" ;;
  esac
  [ "$type" != absent ] || [ -d "${file%/*}/" ] || fact lacks "${file%/*}"
}

# Fails where the owner or group declared does not exist here. Not asked where the file has it already.
known_owners() {
  [ "$owner$group" ] || return 0
  rest=${seen##* }
  case $owner in
    *[!0-9]*)
      [ "${rest%%/*}" = "$owner" ] || [ "$owner" = root ] || id -u -- "$owner" >/dev/null 2>&1 || nobody user "$owner"
      ;;
  esac
  case $group in
    *[!0-9]*) [ "${rest#*/}" = "$group" ] || group_there || nobody group "$group" ;;
  esac
}
group_there() {
  if command -v getent >/dev/null 2>&1; then
    getent group -- "$group" >/dev/null
    return
  fi
  while IFS=: read -r name rest; do
    [ "$name" != "$group" ] || return 0
  done </etc/group
  return 1
}
nobody() {
  fact nobody 1
  fail "there is no $1 $2 on this host, so $path cannot be given to it; make it first, or correct the name"
}

# The SHA-256 of `file`, into `sum`. One fork where the host has sha256sum.
digest() {
  [ -z "$seen" ] || return 0
  [ -r "$file" ] || fail "permission denied: $file cannot be read"
  sum=$(sha256sum <"$file" 2>/dev/null) || sum=$(sha256 <"$file")
  sum=${sum%% *}
}

# Mode, owner, group, size and names of $1, into `about` and its parts.
describe() {
  if [ -z "$seen" ]; then
    about=$(stat -c '%a %u %g %s %U/%G' -- "$1" 2>/dev/null) || about=$(stat -f '%Mp%Lp %u %g %z %Su/%Sg' -- "$1")
  fi
  rest=$about
  mode_now=${rest%% *}
  rest=${rest#* }
  uid_now=${rest%% *}
  rest=${rest#* }
  gid_now=${rest%% *}
  rest=${rest#* }
  size_now=${rest%% *}
}
"""

LOOK = UNSEEN + LOOKING

MAKE = r"""
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
"""

WATCH = r"""
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
"""
