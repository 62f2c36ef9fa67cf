look_inside
report_path
known_owners
[ "$type" = directory ] || exit 0
survey "$@"
fact kinds "$kinds"
fact sums "$sums"
case $kinds in
  *f*)
    about=$(attributes -f "$@")
    fact about "$about"
    ;;
esac
about=$(attributes -d "$@")
fact directories "$about"
if [ "$delete" ]; then
  others=$(strangers ! -type d)
  fact others "$others"
  others=$(strangers -type d)
  fact other_directories "$others"
  # What root removes must be below root's own directories.
  others=''
  [ "$_engine_self" != 0 ] || others=$(strangers -type d ! -user 0)
  fact foreign "$others"
fi
if [ "$backup" -gt 0 ] && ! backups; then fact no_backups 1; fi
