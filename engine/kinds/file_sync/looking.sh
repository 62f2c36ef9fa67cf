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
