# Each group of arguments is: a verb, a directory (empty or with a slash at its end), a mode, an owner, how many names
# follow, and the names.

# Directories on the way: none may be a link, for what is behind it is not ours.
way() {
  shift 3
  for name do
    [ ! -h "./$name" ] || fail "$file/$name is in the way: it is a symbolic link; nothing was changed"
    [ -d "./$name" ] || [ ! -e "./$name" ] ||
      fail "$file/$name is in the way: it is no directory; nothing was changed"
  done
}

mark_all() { # the files given take `new_mode` and `new_owner`
  [ -z "$new_owner" ] || chown -- "$new_owner" "$@" || fail "files in $file cannot be given to $new_owner"
  [ -z "$new_mode" ] || chmod -- "$new_mode" "$@"
}

make() {
  new_mode=$2 new_owner=$3
  shift 3
  for name do
    [ ! -d "./$name" ] || continue
    leftover "./$temp"
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
    [ ! -d "$name" ] || [ -h "$name" ] || fail "$file/${name#./} is in the way: it is a directory"
    [ ! -h "$name" ] || fail "$file/${name#./} is in the way: it is a symbolic link"
  done
}

put() {
  into=./$1 new_mode=$2 new_owner=$3
  shift 3
  within "$into" clear_way "$@"
  within "$into" keep_all "$@"
  within "$staging/${into#./}" put_staged "$@"
}
put_staged() {
  mark_all "$@"
  mv -f -- "$@" "$into"
}

adjust() {
  into=./$1 new_mode=$2 new_owner=$3
  shift 3
  within "$into" mark_all "$@"
}

drop() {
  into=./$1
  shift 3
  within "$into" keep_all "$@"
  within "$into" remove_all "$@"
}
remove_all() { rm -f -- "$@"; }

# Empty directories, the deepest first.
clear_out() {
  shift 3
  for name do
    [ ! -d "./$name" ] || rmdir -- "./$name" || fail "$file/$name is not empty, so it was left"
  done
}

keep_all() {
  [ "$backup" -gt 0 ] || return 0
  for name do
    [ -f "$name" ] || continue
    mkdir -p -- "$file.bak/$into"
    ln -f -- "$name" "$file.bak/$into" 2>/dev/null || cp -p -- "$name" "$file.bak/$into"
  done
}

rotate() {
  left=$backup
  while [ "$left" -gt 0 ]; do
    older=$file.bak.$left
    left=$((left - 1))
    newer=$file.bak.$left
    [ "$left" -gt 1 ] || newer=$file.bak
    if [ "$left" -eq 0 ]; then
      [ "$backup" -gt 1 ] || rm -rf -- "$file.bak"
      mkdir -m 700 -- "$file.bak"
    elif [ -d "$newer" ]; then
      rm -rf -- "$older"
      mv -f -- "$newer" "$older"
    fi
  done
}

look
case $type in
  absent)
    above=${file%/*}
    if [ ! -d "${above:-/}" ]; then
      [ "$parents" ] || fail "directory $above does not exist; make it, or set parents: true"
    fi
    make_directory "$file" "$dir_mode"
    ;;
  directory) [ "$backup" -eq 0 ] || rotate ;;
  blocked) fail "$above is in the way: it is no directory; nothing was changed" ;;
  *) fail "$file is in the way: it is no directory ($type); nothing was changed" ;;
esac
cd -- "$file" || fail "$file cannot be entered"
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
