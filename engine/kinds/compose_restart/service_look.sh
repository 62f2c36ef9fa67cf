compose_enter
if [ -z "$missing" ]; then
  compose_see
  if [ "$status" != absent ]; then
    configuration_see
  fi
  echo
  for see_name in $see_names; do
    eval "see_value=\$$see_name"
    printf '%s=%s\n' "$see_name" "$see_value"
  done
  echo .
fi
