# shellcheck disable=SC2030,SC2031  # what a subshell sets is for itself
# Makes directory $1 and goes there, and nowhere else, whoever can write where it is.
make() {
  place=${PWD%/}/$1
  mkdir -- "./$1"
  cd -P -- "./$1"
  strangers=$(find . -prune ! -user "$me")
  [ "$PWD$strangers" = "$place" ] || fail "$place was replaced by somebody else; nothing was done in it"
}
# A clone in this directory. From the moment that HEAD is there, the next apply goes on with it.
clone() {
  git_here init -q
  git_here config "remote.$remote.url" "$url"
  git_here config "remote.$remote.fetch" "+refs/heads/*:refs/remotes/$remote/*"
  fetch_commit
  git_here update-ref --no-deref HEAD "$commit"
  [ "$type" = absent ] || trap - EXIT
  check_out -f
}
# A clone for this directory where others can write it: made in a room, for under the name .git there may be something
# else a moment later. The repository comes out of it first, as one whose checkout was cut off.
clone_in_room() (
  type='absent'
  enter_new_room
  room=$PWD
  trap leave_room EXIT
  trap 'exit 143' HUP INT TERM
  mkdir checkout
  cd -P checkout
  clone
  [ "$status" -eq 0 ] || fail "the files could not be written; nothing is in $path: $said"
  update_submodules
  git_here update-ref refs/engine/unfinished "$commit"
  for entry in .git * .[!.]* ..?*; do
    if [ ! -e "./$entry" ] && [ ! -h "./$entry" ]; then continue; fi
    mv -f -T -- "./$entry" "../../$entry" || fail "$path/$entry is in the way; the next apply goes on with it"
  done
)
leave_room() {
  [ "$PWD" = "$room" ] || cd -P ..
  empty_room
  cd -P ..
  rmdir -- "$_engine_den" 2>/dev/null || :
}

enter
me=$(id -u)
fresh=1
trap 'exit 143' HUP INT TERM
case $type in
  absent)
    while [ "$rest" != "${rest#*/}" ]; do
      make "${rest%%/*}"
      rest=${rest#*/}
    done
    strangers=$(find "./$temp" -prune ! -user "$me" 2>/dev/null) || :
    if [ "$shared$strangers" ]; then
      # Anything may be there under a name that can be guessed, even what is root's: others may have moved it there.
      sweep_rooms
      temp=$(mktemp -d -u .engine-XXXXXXXXXX)
    else
      # A run that was cut off may have left it.
      rm -rf -- "./$temp"
    fi
    trap 'rmdir -- "./$temp" 2>/dev/null || :' EXIT
    (
      umask 077
      make "$temp"
      umask 022
      room_is_new || fail "$place was replaced by somebody else; nothing was done in it"
      # From inside: by its name it could be another one by now.
      trap empty_room EXIT
      trap 'exit 143' HUP INT TERM
      true >"$room_mark"
      clone
      [ "$status" -eq 0 ] || fail "the files could not be written; nothing is at $path: $said"
      update_submodules
      rm -f -- "$room_mark"
      chmod 755 .
      trap - EXIT
    )
    take_name "$temp" "$rest"
    trap - EXIT
    ;;
  empty | half | removing)
    [ "$type" = empty ] || nobody_at_work
    if [ "$type" = removing ]; then clear_out; fi
    if [ "$shared" ]; then
      clone_in_room
      git_here update-ref -d refs/engine/unfinished
    else
      rm -rf .git
      trap 'rm -rf .git' EXIT
      clone
      [ "$status" -eq 0 ] || unfinished
      update_submodules
    fi
    ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
