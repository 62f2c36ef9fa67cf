# What is put back counts as new, so that a rollback that fails half-way can be repeated: the oldest are removed.
touch -c -- "${keep%/*}"
for name do
  path=$root from=$keep
  if [ "$tree" ]; then path=$root/$name from=$keep/$name; fi
  follow=
  look
  if [ -f "$from" ]; then
    owner='' group='' mode='' backup=0 parents=1
    prepare
    open_new
    cat -- "$from" >"$new" || full
    describe "$from"
    chown -- "$uid_now:$gid_now" "$new" || fail "$file cannot be given to $uid_now:$gid_now; it is as it was"
    chmod -- "$mode_now" "$new"
    mv -f -- "$new" "$file"
    trap - EXIT
  else
    case $type in
      file) rm -f -- "$file" ;;
      absent) ;;
      *) fail "$file is in the way: it is no regular file ($type); nothing was changed" ;;
    esac
  fi
done
