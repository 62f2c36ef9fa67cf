pin "$path"
# Others' files are theirs to remove, and root's are safe to be removed by root alone where rm follows no link put in
# its way.
removable() {
  strangers=$(find "./$1" ! -user "$(id -u)" -print 2>/dev/null | head -n 1) || :
  [ "$strangers" ] || return 0
  version=$(rm --version 2>&1) || :
  case $(id -u):$version in
    0:*GNU* | 0:*uutils*) ;;
    *) fail "files in $path belong to somebody else than the directory above it; nothing was removed: remove it yourself" ;;
  esac
}
removable "$temp"
rm -rf -- "./$temp"
[ -e "./$name" ] || exit 0
[ ! -h "./$name" ] || fail "$path is a symbolic link; nothing was removed"
removable "$name"
# First out of sight: a removal that is cut off must not look like a checkout with files deleted.
mv -f -- "./$name" "./$temp"
rm -rf -- "./$temp"
