# shellcheck disable=SC2030,SC2031  # what is by itself changes no more than itself
# Each group of arguments is: a verb, a directory (empty or with a slash at its end), a mode, an owner, how many names in
# that directory follow, and the names. A verb is called with each name as `./DIRECTORY/NAME`: the script is in the tree.
# Where others can write in it, or what was sent is not on its file system, `crowd` is set, and each name is seen to in
# its own directory, by itself: `alone`.

# Directories on the way: none may be a link, for what is behind it is not ours.
way() {
  for name do
    [ ! -h "$name" ] || fail "$path/${name#./} is in the way: it is a symbolic link; nothing was changed"
    [ -d "$name" ] || [ ! -e "$name" ] ||
      fail "$path/${name#./} is in the way: it is no directory; nothing was changed"
  done
  [ -z "$fresh" ] || return 0
  # Where somebody else can put a link, each name is seen to by itself.
  for name do
    shift
    [ ! -d "$name" ] || set -- "$@" "$name"
  done
  [ "$#" -gt 0 ] || return 0
  _engine_lines=$(stat -c '%a %u %g' -- "$@" 2>/dev/null) || _engine_lines=$(stat -f '%Mp%Lp %u %g' -- "$@")
  for name do
    _engine_next_row
    case $_engine_uid in
      0 | "$_engine_self") ;;
      *) fail "$path/${name#./} belongs to user $_engine_uid, and $path to another one; nothing was changed" ;;
    esac
    case $_engine_bits in *[2367]? | *[2367]) crowd=shared ;; esac
  done
}
make() {
  for name do
    [ ! -d "$name" ] || continue
    if [ "$crowd" ]; then
      alone "$name" make_directory
      continue
    fi
    _engine_leftover "./$temp"
    mkdir "./$temp"
    mark_all "./$temp"
    mv -f -- "./$temp" "$name"
  done
}
put() {
  for name do
    [ ! -d "$name" ] || [ -h "$name" ] || fail "$path/${name#./} is in the way: it is a directory"
    [ ! -h "$name" ] || fail "$path/${name#./} is in the way: it is a symbolic link"
  done
  back_up "$@"
  for name do
    [ -z "$crowd" ] || alone "$name" receive 6<"$staging/$name"
    shift
    set -- "$@" "$staging/$name"
  done
  [ -z "$crowd" ] || return 0
  mark_all "$@"
  mv -f -- "$@" "./$into"
}
# Directories are given away last, the innermost first: whoever is given one can put a link in it.
give() {
  for name do
    if [ "$fresh" ]; then
      [ "$name" = ./. ] || mark_all "$name"
    elif [ -z "$crowd" ] && [ -O "$name" ]; then
      mark_all "$name"
    else
      (
        below "${name#./}"
        mark_all .
      )
    fi
  done
}
adjust() {
  if [ -z "$crowd${_engine_owned-}" ]; then
    mark_all "$@"
    return
  fi
  for name do
    if [ -z "$crowd" ] && [ -O "$name" ]; then
      mark_all "$name"
    elif [ -d "$name" ]; then
      (
        below "${name#./}"
        mark_all .
      )
    else
      alone "$name" renew
    fi
  done
}
drop() {
  back_up "$@"
  if [ -z "$crowd" ]; then
    rm -f -- "$@"
    return
  fi
  for name do alone "$name" remove; done
}
# Empty directories, the deepest first.
clear_out() {
  for name do
    if [ ! -d "$name" ]; then
      continue
    elif [ "$crowd" ]; then
      alone "$name" remove_directory
    else
      rmdir -- "$name" || fail "$path/${name#./} is not empty, so it was left"
    fi
  done
}

mark_all() { # the files given take `new_mode` and `new_owner`
  [ -z "$new_owner" ] || chown -h -- "$new_owner" "$@" || fail "files in $path cannot be given to $new_owner"
  [ -z "$new_mode" ] || chmod -- "$new_mode" "$@"
}
# What a run replaces is kept beside the tree.
back_up() {
  [ "$backup" -gt 0 ] || return 0
  [ "$crowd" != shared ] || fail "others can write in $path: no backup of it can be made safely; leave it out"
  for name do
    [ -f "$name" ] || continue
    mkdir -p -- "$kept/$into"
    ln -f -- "$name" "$kept/$into" 2>/dev/null || cp -p -- "$name" "$kept/$into"
  done
}
shift_tree() {
  if [ ! -d "$1" ] || [ -h "$1" ]; then return 0; fi
  rm -rf -- "$2"
  mv -f -- "$1" "$2"
}

# Does $2 in the directory of $1, which is below the tree: as after `look`.
alone() (
  look_below "${1#./}"
  [ -z "$_engine_missing" ] || fail "$above is gone; plan again"
  owner=${new_owner%%:*} group='' mode=$new_mode fresh=$new_mode backup=0
  case $new_owner in *:*) group=${new_owner#*:} ;; esac
  "$2"
)
make_directory() {
  begin_directory ''
  finish_directory "$new_mode"
}
receive() {
  prepare_file
  open_new
  cat <&6 >&3 || write_failed
  settle_file
}
renew() {
  exec 6<"$file"
  receive
}
remove() { rm -f -- "$file"; }
remove_directory() { rmdir -- "$file" || fail "$path is not empty, so it was left"; }

sent() { tar -cf - -C "$staging" .; }
# Unpacks what comes by the pipe. Where others can write, that is in a room; it is reached through a descriptor, for under
# its name there may be something else by now.
unpack() {
  crowded
  if [ -z "$shared" ]; then
    den=$(mktemp -d ./.engine-XXXXXXXXXX)
    staging=$den
    tar -xf - -C "$den" <&4
    return 0
  fi
  enter_new_room
  command exec 5<.
  den=$_engine_den staging=/dev/fd/5
  _engine_t=$(stat -L -c '%d:%i' $staging 2>/dev/null) || _engine_t=''
  _engine_n=$(stat -c '%d:%i' .) || _engine_n='-'
  [ "$_engine_t" = "$_engine_n" ] || fail "$path cannot be written safely: others can write $above, and this host has no /dev/fd"
  tar -xf - <&4
  cd -P ..
}
leave() {
  trap - EXIT
  if [ "$fresh" ]; then tidy_up; fi
  if [ "$staging" = /dev/fd/5 ]; then
    (
      cd -P -- "$staging"
      empty_room
      cd -P ..
      rmdir -- "$den" 2>/dev/null || :
    ) || :
  elif [ "$den" ]; then
    rm -rf -- "$den"
  fi
}

[ -z "$staging" ] || feed=sent
fresh='' den='' crowd=''
look_inside
if [ "$staging" ] && [ "${_engine_owned-}" ]; then
  trap leave EXIT
  unpack
fi
case $type in
  absent)
    begin_directory 700
    fresh=1
    trap leave EXIT
    case $staging in ./*) staging=$_engine_back/$_engine_up$den ;; esac
    ;;
  directory)
    _engine_up=./ kept=../${PWD##*/}.bak
    crowded
    if [ "$shared" ]; then crowd=shared; elif [ -z "$beside$den" ]; then crowd=copy; fi
    if [ "$backup" -gt 0 ]; then
      backups || fail "the directory of $path belongs to others: no backup of $path can be made safely beside it; leave it out"
      [ "$backup" -gt 1 ] || rm -rf -- "$kept"
      rotate "$kept" shift_tree
      mkdir -m 700 -- "$kept"
    fi
    ;;
  blocked) fail "$above is in the way: it is no directory; nothing was changed" ;;
  *) fail "$path is in the way: it is no directory ($type); nothing was changed" ;;
esac
while [ "$#" -gt 0 ]; do
  into=$2 new_mode=$3 new_owner=$4 n=5 call=''
  while [ "$n" -lt $(($5 + 5)) ]; do
    n=$((n + 1))
    call="$call \"./\$2\${$n}\""
  done
  # Only numbers of arguments are evaluated, never what they hold.
  eval "\"\$1\" $call"
  shift "$n"
done
if [ "$fresh" ]; then
  [ "$dir_mode" ] || dir_mode=u=rwx,go=rx
  finish_directory "$dir_mode"
  fresh=''
fi
leave
