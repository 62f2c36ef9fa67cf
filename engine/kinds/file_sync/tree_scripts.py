"""The shell texts of file-sync for a tree: the names of its files and directories come as arguments, relative to it.

The files come first (`files` says how many), then the directories. What was found is reported in the order of the
arguments, without names, so that no name can be mistaken for something else.
"""

from engine.kinds.file_sync.shell import LOOK, MAKE, WATCH

SURVEY = r"""
# What stands under each name, into `kinds`: f file, d directory, l link, o other, - nothing.
kinds() {
  kinds=''
  for name do
    if [ -h "./$name" ]; then kinds=${kinds}l
    elif [ -f "./$name" ]; then kinds=${kinds}f
    elif [ -d "./$name" ]; then
      [ -x "./$name" ] || fail "permission denied: $file/$name cannot be searched"
      kinds=${kinds}d
    elif [ -e "./$name" ]; then kinds=${kinds}o
    else kinds=${kinds}-
    fi
  done
}

# The names under which a file stands, each ended by a NUL byte.
regular() {
  n=0
  for name do
    n=$((n + 1))
    [ "$n" -le "$files" ] || return 0
    [ ! -f "./$name" ] || [ -h "./$name" ] || printf '%s\0' "./$name"
  done
}

# The same for directories, the tree's own first.
directories() {
  printf '.\0'
  n=0
  for name do
    n=$((n + 1))
    [ "$n" -gt "$files" ] || continue
    [ ! -d "./$name" ] || [ -h "./$name" ] || printf '%s\0' "./$name"
  done
}

digests() {
  case $kinds in
    *f*) regular "$@" | xargs -0 sha256sum -- ;;
  esac
}

attributes() { # $1: how to list the names
  list=$1
  shift
  if stat -c %a . >/dev/null 2>&1; then
    "$list" "$@" | xargs -0 stat -c '%a %u %g %s %U/%G' --
  else
    "$list" "$@" | xargs -0 stat -f '%Mp%Lp %u %g %z %Su/%Sg' --
  fi
}

# All there is of one type, one a line; a line break within a name comes as the byte 1.
strangers() {
  found=$({ find . "$@" -print0 || printf '\001failed\000'; } | tr '\n\000' '\001\n')
  case $found in
    *"$(printf '\001failed')") fail "$file cannot be searched" ;;
  esac
  printf '%s\n' "$found"
}
"""

TREE_PROBE = (
    LOOK
    + SURVEY
    + r"""
look
report
known_owners
[ "$type" = directory ] || exit 0
need sha256sum
cd -- "$file" || fail "$file cannot be entered"
kinds "$@"
fact kinds "$kinds"
sums=$(digests "$@")
fact sums "$sums"
case $kinds in
  *f*)
    about=$(attributes regular "$@")
    fact about "$about"
    ;;
esac
if [ "$dir_mode$owner$group" ]; then
  about=$(attributes directories "$@")
  fact directories "$about"
fi
if [ "$delete" ]; then
  others=$(strangers ! -type d)
  fact others "$others"
  others=$(strangers -type d)
  fact other_directories "$others"
fi
"""
)

TREE_ACTION = (
    LOOK
    + MAKE
    + r"""
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
"""
)

TREE_WATCH = (
    LOOK
    + SURVEY
    + WATCH
    + r"""
watched_names() {
  regular "$@"
  # What was deleted is told by the directory it was in. Where nothing is deleted, others may write there.
  [ -z "$delete" ] || directories "$@"
}

look
sum='' latest=''
if [ "$type" = directory ]; then
  need sha256sum
  cd -- "$file" || fail "$file cannot be entered"
  kinds "$@"
  sums=$(digests "$@")
  case $kinds$delete in
    *f* | *1) latest=$(watched_names "$@" | moments | sort -k1,1n -k3,3 | tail -n 1) ;;
  esac
  marks='' fields=1
  [ -z "$owner$group" ] || fields=1-3
  case $kinds in
    *f*) marks=$(attributes regular "$@" | cut -d ' ' -f "$fields") ;;
  esac
  [ -z "$delete" ] || marks=$marks$(strangers ! -type d)
  sum=$(printf '%s\n' "$kinds" "$sums" "$marks" | sha256)
  mode='' owner='' group=''
fi
watched
[ -z "$latest" ] || { split_moment "$latest"; fact ctime "$moment"; }
"""
)
