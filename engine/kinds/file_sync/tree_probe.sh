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
