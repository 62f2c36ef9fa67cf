# Nothing is to be there; a directory may hold something.
inspect() {
  [ "$type" = directory ] || return 0
  if [ ! -r "$file" ] || [ ! -x "$file" ]; then fail "permission denied: $path cannot be read"; fi
  for entry in "$file"/* "$file"/.[!.]* "$file"/..?*; do
    if [ -e "$entry" ] || [ -h "$entry" ]; then
      fact filled 1
      return 0
    fi
  done
}
digest() { :; }
