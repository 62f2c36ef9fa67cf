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
  # What is removed must be below directories of root's, or of whoever removes it.
  others=$(strangers -type d ! -user 0 ! -user "$_engine_self")
  fact foreign "$others"
fi
if [ "$backup" -gt 0 ] && ! backups; then fact no_backups 1; fi
