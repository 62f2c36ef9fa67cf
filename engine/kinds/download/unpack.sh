# The program notes what was unpacked, as whoever unpacked it says.
noted() {
  eval "$_engine_v"
  (umask 077 && { echo 'onetrip unpacked 1' && cat; } >"$memory.unpacked.new") &&
    mv -f -- "$memory.unpacked.new" "$memory.unpacked"
}
take=noted
pin "$unpack"
find_unpacked
[ -z "$stranger" ] || fail "$unpack holds what was not unpacked there: ${stranger#./}; nothing was changed"
[ -f "$path" ] || fail "$path is not there"
command exec 6<"$path" || fail "permission denied: $path cannot be read"
same_archive() {
  identify /dev/fd/6
  case $want:$known in
    ":"*) [ "${identity%% *}" = "$size" ] ;;
    *":$identity $want") true ;;
    *) false ;;
  esac || fail "$path is not what was downloaded; $unpack is as it was"
}
same_archive
rm -rf -- "./$temp" "./$temp.old"
mkdir -m 700 -- "./$temp"
trap 'rm -rf -- "./$temp"' EXIT
trap 'exit 143' HUP INT TERM
umask 022
# What it is, its first bytes say. Not every tar finds that out, and none of them does without a name.
program='cat'
magic=$(od -A n -t x1 -N 4 </dev/fd/6 | tr -d ' \n')
case $magic in
  504b*) program='unzip' ;;
  1f8b*) program=gzip ;;
  425a68*) program=bzip2 ;;
  fd377a58) program=xz ;;
  28b52ffd) program=zstd ;;
esac
need "$program"
# Files belong to who unpacks, whatever the archive says.
case $program in
  unzip) unzip -q -o /dev/fd/6 -d "./$temp" >/dev/null ;;
  cat) tar -x -o -f - -C "./$temp" </dev/fd/6 ;;
  *) "$program" -dc </dev/fd/6 | tar -x -o -f - -C "./$temp" ;;
esac || fail "$path could not be unpacked; $unpack is as it was"
same_archive
[ -z "$owner$group" ] || chown -R -h -- "$owner${group:+:$group}" "./$temp"
chmod 755 "./$temp"
[ "$unpacked" = nothing ] || mv -f -- "./$name" "./$temp.old"
mv -f -- "./$temp" "./$name"
rm -rf -- "./$temp.old"
list_unpacked "$name"
if [ "${_engine_owned-}" ]; then
  printf '%s\n' "$archive $marks" "$names" >&9
else
  printf '%s\n' "$archive $marks" "$names" | noted
fi
