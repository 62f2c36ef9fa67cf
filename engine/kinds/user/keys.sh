# The key in line $1, into `blob`: the word that begins as keys do.
blob_of() {
  blob=''
  set -f
  # shellcheck disable=SC2086  # words
  set -- $1
  set +f
  for word; do
    case $word in AAAA*) blob=$word && return 0 ;; esac
  done
}
# Whether $1 is one of the rest.
is_one_of() {
  wanted=$1
  shift
  for each; do
    [ "$each" != "$wanted" ] || return 0
  done
  return 1
}
# Prints the file as it is to be: the lines declared, "$@", in place of those with the same keys, others as they are.
new_lines() {
  written=' '
  if [ "$type" = file ] && [ "$append" ]; then
    while IFS= read -r line || [ "$line" ]; do
      blob_of "$line"
      found=$blob
      for key; do
        blob_of "$key"
        [ -z "$found" ] || [ "$blob" != "$found" ] || line=$key
      done
      case $found:$written in ?*:*" $found "*) continue ;; esac
      written="$written$found "
      printf '%s\n' "$line"
    done <"$file"
  fi
  for key; do
    blob_of "$key"
    case $written in *" $blob "*) ;; *) printf '%s\n' "$key" ;; esac
    written="$written$blob "
  done
}
