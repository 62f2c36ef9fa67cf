look_inside
sum='' latest=''
if [ "$type" = directory ]; then
  survey "$@"
  # What was deleted is told by the directory it was in. Where nothing is deleted, others may write there.
  case $kinds$delete in
    *f* | *1)
      latest=$({
        names -f "$@"
        [ -z "$delete" ] || names -d "$@"
      } | moments | sort -k1,1n -k3,3 | tail -n 1)
      ;;
  esac
  marks='' fields=1
  [ -z "$owner$group" ] || fields=1-3
  case $kinds in
    *f*) marks=$(attributes -f "$@" | cut -d ' ' -f "$fields") ;;
  esac
  [ -z "$delete" ] || marks=$marks$(strangers ! -type d)
  sum=$(printf '%s\n' "$kinds" "$sums" "$marks" | sha256)
  mode='' owner='' group=''
fi
report_watched
[ -z "$latest" ] || { split_moment "$latest"; fact ctime "$moment"; }
