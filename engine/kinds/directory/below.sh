# Runs find with $2 and what follows on all below `.` that has not the owner and modes declared. $1 is `all`; or `ours`:
# then no directory is entered in which somebody else could exchange a name meanwhile.
differing() {
  which=$1
  shift
  # shellcheck disable=SC2086  # words where something is declared, nothing where not
  set -- ! -name . '(' ! -name '*' ${owner:+-o ! -user "$owner"} ${group:+-o ! -group "$group"} \
    ${mode:+-o -type d ! -perm "$mode"} ${file_mode:+-o -type f ! -perm "$file_mode"} ')' "$@"
  if [ "$which" = ours ]; then
    set -- '(' -type d ! -name . '(' ! -user "$_engine_self" -o -perm -020 -o -perm -002 ')' -prune -o ! -name . ')' "$@"
  fi
  find . "$@"
}
