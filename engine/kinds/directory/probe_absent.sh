look_at_path
report_path
[ "$type" = directory ] || exit 0
if [ ! -r "$file" ] || [ ! -x "$file" ]; then fail "permission denied: $path cannot be read"; fi
for entry in "$file"/* "$file"/.[!.]* "$file"/..?*; do
  if [ -e "$entry" ] || [ -h "$entry" ]; then
    fact filled 1
    exit 0
  fi
done
