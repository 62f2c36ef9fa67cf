# After the service: what is at the path of its unit file.
if [ "$own_file" ] || [ "$wanted" = absent ]; then
  look_at_path
  fact file "$type"
  [ -z "${_engine_owned-}" ] || fact refused "$path is not in a directory of the user who acts; nothing was done there"
  [ "$type" != blocked ] || fact refused "$above is in the way: it is no directory"
  _engine_acts
  if [ "$type" = file ] && [ "$own_file" ]; then
    file_digest
    fact sum "$sum"
    describe_path "$file"
    case $mode_now in
      *[4567])
        if [ "$size_now" -le 65536 ]; then
          text=$(cat -- "$file" && printf x)
          fact text "${text%x}"
        fi
        ;;
    esac
  fi
fi
