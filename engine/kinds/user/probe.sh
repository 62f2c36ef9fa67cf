report_account() {
  for part in 3:uid 5:comment 6:home 7:shell; do
    entry_field "${part%%:*}"
    fact "${part#*:}" "$value"
  done
  entry_field 6
  place=$value
  entry_field 3
  found_uid=$value
  primary=$(id -gn -- "$user")
  fact group "$primary"
  further=$(id -Gn -- "$user")
  # The primary one is named first.
  case $further in *' '*) fact groups "${further#* }" ;; *) fact groups '' ;; esac
}
report_keys() {
  declared='' others=0
  if [ "$type" = file ]; then
    must_be_readable
    for key; do
      if grep -qxF -e "$key" <"$file"; then declared=${declared}1; else declared=${declared}0; fi
    done
    while IFS= read -r line || [ "$line" ]; do
      is_one_of "$line" "$@" || others=$((others + 1))
    done <"$file"
  fi
  fact keys "$declared"
  fact others "$others"
}

me=$(id -u)
[ "${_engine_owned-}" ] || fact me "$me"
find_entry passwd "$user"
found_uid=''
place=''
[ -z "$entry" ] || report_account
if [ "$state" = present ]; then
  missing=''
  for each in $groups; do
    find_entry group "$each"
    [ "$entry" ] || missing="$missing $each"
  done
  [ -z "$missing" ] || fact no_groups "$missing"
  if [ "$group" ]; then
    find_entry group "$group"
    [ "$entry" ] || fact no_group 1
  fi
  [ -z "$shell" ] || [ -x "$shell" ] || fact no_shell 1
  if [ "$uid" ] && [ "$uid" != "$found_uid" ]; then
    find_entry passwd "$uid"
    [ -z "$entry" ] || fact taken "${entry%%:*}"
  fi
  if [ "$place" ] && [ "$keyed" ]; then
    path=${home:-$place}/.ssh/authorized_keys
    look_at_path
    [ "$type" = file ] || [ "$type" = absent ] || fact refused "$path is in the way: it is not a file; it was left as it is: move it away"
    report_path
    report_keys "$@"
  fi
fi
