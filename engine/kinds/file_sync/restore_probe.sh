# What is kept is root's, and what is there now may be for the owner of the directory to tell.
if [ -z "${_engine_owned-}" ]; then
  [ -d "${keep%/*}" ] || fail "what this run replaced is no longer kept on this host: ${keep%/*} is not there"
  index=0
  for name do
    file=$keep
    [ -z "$tree" ] || file=$keep/$name
    if [ -f "$file" ]; then
      file_digest
      describe_path "$file"
      fact "$index.kept" "$sum"
      fact "$index.kept_about" "$mode_now $uid_now:$gid_now"
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
whole=$type index=0
for name do
  if [ "$tree" ]; then
    file=./$name
    if [ "$whole" != directory ]; then type=$whole
    elif [ -h "$file" ]; then type='link'
    elif [ -f "$file" ]; then type='file'
    elif [ -e "$file" ]; then type=other
    else type=absent
    fi
  fi
  fact "$index.type" "$type"
  if [ "$type" = file ]; then
    file_digest
    describe_path "$file"
    fact "$index.sum" "$sum"
    fact "$index.about" "$mode_now $uid_now:$gid_now"
  fi
  index=$((index + 1))
done
