inspect_object "$noun" "$name" "$template"
[ "$found" ] || exit 0
fact found "$found"
users_of "$noun" "$name"
fact users "$users"
