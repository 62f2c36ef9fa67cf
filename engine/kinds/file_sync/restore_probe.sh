index=0
[ -d "${keep%/*}" ] || fail "what this run replaced is no longer kept on this host: ${keep%/*} is not there"
for name do
  path=$root kept=$keep
  if [ "$tree" ]; then path=$root/$name kept=$keep/$name; fi
  follow=
  look
  fact "$index.type" "$type"
  if [ "$type" = file ]; then
    digest
    describe "$file"
    fact "$index.sum" "$sum"
    fact "$index.about" "$mode_now $uid_now:$gid_now"
  fi
  file=$kept
  if [ -f "$file" ]; then
    digest
    describe "$file"
    fact "$index.kept" "$sum"
    fact "$index.kept_about" "$mode_now $uid_now:$gid_now"
  elif [ -f "$file.directory" ]; then
    fail "$path was a directory, and only files are put back; set its mode and owner by hand"
  elif [ ! -f "$file.absent" ]; then
    fail "what this run replaced of $path is no longer kept on this host"
  fi
  index=$((index + 1))
done
