# Each argument is a name in the tree `path`; a file has but one. What is kept is root's, and what is there now may be for
# the owner of the directory to tell.
report_file() { # $1 and $2: how the facts are called
  file_digest
  describe_path "$file"
  fact "$1" "$sum"
  fact "$2" "$mode_now $uid_now:$gid_now"
}
report_named() {
  find_named "$2" 1
  fact "$1.type" "$type"
  [ "$type" = file ] || return 0
  if [ "$shared" ] && [ "$file" != /dev/fd/5 ]; then _engine_hold "$file"; fi
  report_file "$1.sum" "$1.about"
}
if [ -z "${_engine_owned-}" ]; then
  [ -d "${keep%/*}" ] || fail "what this run replaced is no longer kept on this host: ${keep%/*} is not there"
  index=0
  for name do
    file=$keep${tree:+/$name}
    if [ -f "$file" ]; then
      report_file "$index.kept" "$index.kept_about"
    elif [ -f "$file.directory" ]; then
      fail "$path was a directory, and only files are put back; set its mode and owner by hand"
    elif [ ! -f "$file.absent" ]; then
      fail "what this run replaced of $path is no longer kept on this host"
    fi
    index=$((index + 1))
  done
fi
if [ "$tree" ]; then look_inside; else look_at_path; fi
report_path
index=0
for name do
  (report_named "$index" "$name")
  index=$((index + 1))
done
