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
  trap - EXIT
  check_out -f
}
# $1 becomes $2, which nobody can put a directory or a link to one at.
rename() {
  said=$(mv --help 2>&1) || :
  case $said in
    *-T*) mv -fT -- "./$1" "./$2" ;;
    *)
      if [ -e "./$2" ] || [ -h "./$2" ]; then fail "$path is in the way; nothing was changed"; fi
      mv -f -- "./$1" "./$2"
      ;;
  esac
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
    # A run that was cut off may have left it; in a directory of everybody's it may be anybody's.
    strangers=$(find "./$temp" -prune ! -user "$me" 2>/dev/null) || :
    [ -z "$strangers" ] || temp=$(mktemp -d -u "$temp.XXXXXXXX")
    rm -rf -- "./$temp"
    trap 'rm -rf -- "./$temp"' EXIT
    (
      umask 077
      make "$temp"
      umask 022
      clone
      [ "$status" -eq 0 ] || fail "the files could not be written; nothing is at $path: $said"
      update_submodules
      chmod 755 .
    )
    rename "$temp" "$rest"
    trap - EXIT
    ;;
  empty | half)
    [ "$type" = empty ] || nobody_at_work
    rm -rf .git
    trap 'rm -rf .git' EXIT
    clone
    [ "$status" -eq 0 ] || unfinished
    update_submodules
    ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
