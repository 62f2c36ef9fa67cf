inspect_object "$noun" "$name" '{{.Name}}'
if [ "$found" ]; then
  # One that was made meanwhile is compared in the end. What holds data is removed only where that is declared.
  [ "$removes" ] || exit 0
  users_of "$noun" "$name"
  # shellcheck disable=SC2086  # names, one a line
  [ -z "$users" ] || fail "$noun $name is in use by" $users
  docker "$noun" rm -- "$name"
fi
[ "$state" = absent ] || docker "$noun" create "$@" -- "$name"
