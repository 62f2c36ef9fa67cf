# shellcheck disable=SC2154  # values arrive as variables
# Each argument is a name in the directory `path`; a file has but one, which does not matter.
for name do
  from=$path into=$keep
  if [ "$tree" ]; then
    from=$path/$name into=$keep/$name
    [ -d "${into%/*}" ] || mkdir -p -- "${into%/*}"
  fi
  if [ -e "$into" ] || [ -e "$into.absent" ] || [ -e "$into.directory" ]; then
    rm -f -- "$into" "$into.absent" "$into.directory"
  fi
  if [ -h "$from" ] || [ ! -e "$from" ]; then
    true >"$into.absent"
  elif [ -f "$from" ]; then
    cp -p -- "$from" "$into"
  else
    true >"$into.directory"
  fi
done
