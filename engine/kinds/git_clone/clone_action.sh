find_checkout
case $type in
  absent)
    become_owner "$above"
    as_owner mkdir -p -- "${file%/*}"
    ;;
  empty | half) become_owner "$file" ;;
  *) fail "$file is in the way ($type); nothing was changed" ;;
esac
if [ "$type" = half ] && at_work; then fail "another git is at work in $file; try again when it is done"; fi
into=${file%/*}/$temp fresh=1
# A run that was cut off may have left it.
rm -rf -- "$into"
mkdir -- "$into"
trap 'rm -rf -- "$into"' EXIT
trap 'exit 143' HUP INT TERM
[ -z "$as" ] || chown -- "$uid:$gid" "$into"
git_in "$into" init -q
git_in "$into" config "remote.$remote.url" "$url"
git_in "$into" config "remote.$remote.fetch" "+refs/heads/*:refs/remotes/$remote/*"
fetch_commit
must "the files could not be written; nothing is at $file" git_in "$into" checkout -q --detach "$commit"
git_in "$into" update-ref refs/engine/checkout "$commit"
update_submodules
case $type in
  half)
    rm -rf -- "$file/.git"
    rmdir -- "$file"
    ;;
  empty) rmdir -- "$file" ;;
esac
mv -f -- "$into" "$file"
trap - EXIT
