# shellcheck disable=SC2030,SC2031  # what is by itself changes no more than itself
# Each group of arguments is: a verb, a directory (empty or with a slash at its end), a mode, an owner, how many names
# follow, and the names. Names are relative to the tree, in which the script is. Where others can write in it, or what was
# sent is not on its file system, each name is seen to in its own directory, by itself: `crowd`.

# Directories on the way: none may be a link, for what is behind it is not ours.
way() {
  shift 3
  for name do
    [ ! -h "./$name" ] || fail "$path/$name is in the way: it is a symbolic link; nothing was changed"
    [ -d "./$name" ] || [ ! -e "./$name" ] ||
      fail "$path/$name is in the way: it is no directory; nothing was changed"
  done
  if [ "$_engine_self" != 0 ] || [ "$fresh" ]; then return 0; fi
  # Root goes only where nobody else can put a link.
  for name do
    shift
    [ ! -d "./$name" ] || set -- "$@" "./$name"
  done
  [ "$#" -gt 0 ] || return 0
  _engine_lines=$(stat -c '%a %u %g' -- "$@" 2>/dev/null) || _engine_lines=$(stat -f '%Mp%Lp %u %g' -- "$@")
  for name do
    _engine_next_row
    [ "$_engine_uid" = 0 ] || fail "$path/${name#./} belongs to user $_engine_uid, and $path to root; nothing was changed"
    case $_engine_bits in *[2367]? | *[2367]) crowd=shared ;; esac
  done
}

mark_all() { # the files given take `new_mode` and `new_owner`
  [ -z "$new_owner" ] || chown -h -- "$new_owner" "$@" || fail "files in $path cannot be given to $new_owner"
  [ -z "$new_mode" ] || chmod -- "$new_mode" "$@"
}

make() {
  new_mode=$2 new_owner=$3
  shift 3
  for name do
    [ ! -d "./$name" ] || continue
    if [ "$crowd" ]; then
      (
        alone_in "$name"
        begin_directory ''
        finish_directory "$new_mode"
      )
      continue
    fi
    _engine_leftover "./$temp"
    mkdir "./$temp"
    mark_all "./$temp"
    mv -f -- "./$temp" "./$name"
  done
}

within() { # calls verb $2 with the names, each with $1 before it
  prefix=$1 verb=$2
  shift 2
  for name do
    shift
    set -- "$@" "$prefix$name"
  done
  "$verb" "$@"
}

clear_way() {
  for name do
    [ ! -d "$name" ] || [ -h "$name" ] || fail "$path/${name#./} is in the way: it is a directory"
    [ ! -h "$name" ] || fail "$path/${name#./} is in the way: it is a symbolic link"
  done
}

put() {
  into=./$1 new_mode=$2 new_owner=$3
  shift 3
  within "$into" clear_way "$@"
  within "$into" keep_all "$@"
  if [ "$crowd" ]; then
    within "${into#./}" put_each "$@"
  else
    within "$staging/${into#./}" put_staged "$@"
  fi
}
put_staged() {
  mark_all "$@"
  mv -f -- "$@" "$into"
}

adjust() {
  into=./$1 new_mode=$2 new_owner=$3
  shift 3
  if [ "$crowd" ] || [ "${_engine_owned-}" ]; then
    within "${into#./}" adjust_each "$@"
  else
    within "$into" mark_all "$@"
  fi
}

drop() {
  into=./$1
  shift 3
  within "$into" keep_all "$@"
  within "${into#./}" drop_each "$@"
}
drop_each() {
  if [ -z "$crowd" ]; then
    rm -f -- "$@"
    return
  fi
  for name do
    (
      alone_in "$name"
      rm -f -- "$file"
    )
  done
}

# Empty directories, the deepest first.
clear_out() {
  shift 3
  for name do
    [ -d "./$name" ] || continue
    if [ "$crowd" ]; then
      (
        alone_in "$name"
        rmdir -- "$file" || fail "$path is not empty, so it was left"
      )
    else
      rmdir -- "./$name" || fail "$path/$name is not empty, so it was left"
    fi
  done
}

# --- each by itself --------------------------------------------------------------------------------------------------

# In the directory of $1, which is below the tree: as after `look`.
alone_in() {
  look_below "$1"
  [ -z "$_engine_missing" ] || fail "$above is gone; plan again"
  owner=${new_owner%%:*} group='' mode=$new_mode fresh=$new_mode backup=0
  case $new_owner in *:*) group=${new_owner#*:} ;; esac
}
put_each() {
  for each do
    (
      exec 6<"$staging/$each"
      alone_in "$each"
      prepare_file
      open_new
      cat <&6 >&3 || write_failed
      settle_file
    )
  done
}
adjust_each() {
  for each do
    if [ -z "$crowd" ] && [ -O "./$each" ]; then
      mark_all "./$each"
    elif [ -d "./$each" ]; then
      (
        below "$each"
        mark_all .
      )
    else
      (
        alone_in "$each"
        prepare_file
        open_new
        cat <"$file" >&3 || write_failed
        settle_file
      )
    fi
  done
}

# --- previous contents -----------------------------------------------------------------------------------------------

keep_all() {
  [ "$backup" -gt 0 ] || return 0
  [ "$crowd" != shared ] || fail "others can write in $path: no backup of it can be made safely; leave it out"
  for name do
    [ -f "$name" ] || continue
    mkdir -p -- "$kept/$into"
    ln -f -- "$name" "$kept/$into" 2>/dev/null || cp -p -- "$name" "$kept/$into"
  done
}

rotate() {
  left=$backup
  while [ "$left" -gt 0 ]; do
    older=$kept.$left
    left=$((left - 1))
    newer=$kept.$left
    [ "$left" -gt 1 ] || newer=$kept
    if [ "$left" -eq 0 ]; then
      [ "$backup" -gt 1 ] || rm -rf -- "$kept"
      mkdir -m 700 -- "$kept"
    elif [ -d "$newer" ] && [ ! -h "$newer" ]; then
      rm -rf -- "$older"
      mv -f -- "$newer" "$older"
    fi
  done
}

# --- from the beginning ----------------------------------------------------------------------------------------------

sent() { tar -cf - -C "$staging" .; }
leave() {
  trap - EXIT
  if [ "$fresh" ]; then tidy_up; fi
  [ -z "$den" ] || rm -rf -- "$den"
}

[ -z "$staging" ] || feed=sent
fresh='' den='' crowd=''
look_inside
if [ "$staging" ] && [ "${_engine_owned-}" ]; then
  # What was sent comes by the pipe.
  den=$(mktemp -d ./.engine-XXXXXXXXXX)
  trap leave EXIT
  tar -xf - -C "$den" <&4
  staging=$den
fi
case $type in
  absent)
    begin_directory 700
    fresh=1
    trap leave EXIT
    case $den in ./*) staging=$_engine_back/$_engine_up$den ;; esac
    ;;
  directory)
    _engine_up=./ kept=../${PWD##*/}.bak
    crowded
    if [ "$shared" ]; then crowd=shared; elif [ -z "$beside$den" ]; then crowd=copy; fi
    if [ "$backup" -gt 0 ]; then
      backups || fail "the directory of $path belongs to others: no backup of $path can be made safely beside it; leave it out"
      rotate
    fi
    ;;
  blocked) fail "$above is in the way: it is no directory; nothing was changed" ;;
  *) fail "$path is in the way: it is no directory ($type); nothing was changed" ;;
esac
while [ "$#" -gt 0 ]; do
  n=5
  call=''
  while [ "$n" -lt $(($5 + 5)) ]; do
    n=$((n + 1))
    call="$call \"\${$n}\""
  done
  # Only numbers of arguments are evaluated, never what they hold.
  eval "\"\$1\" \"\$2\" \"\$3\" \"\$4\" $call"
  shift "$n"
done
if [ "$fresh" ]; then
  [ "$dir_mode" ] || dir_mode=u=rwx,go=rx
  finish_directory "$dir_mode"
  fresh=''
fi
leave
