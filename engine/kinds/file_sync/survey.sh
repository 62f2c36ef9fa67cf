# What is under each name, into `kinds`: f file, d directory, l link, o other, - nothing.
kinds() {
  kinds=''
  for name do
    if [ -h "./$name" ]; then kinds=${kinds}l
    elif [ -f "./$name" ]; then
      file=./$name
      must_be_readable
      kinds=${kinds}f
    elif [ -d "./$name" ]; then
      [ -x "./$name" ] || fail "permission denied: $path/$name cannot be searched"
      kinds=${kinds}d
    elif [ -e "./$name" ]; then kinds=${kinds}o
    else kinds=${kinds}-
    fi
  done
}

# The names under which a file is, each ended by a NUL byte.
regular() {
  n=0
  for name do
    n=$((n + 1))
    [ "$n" -le "$files" ] || return 0
    [ ! -f "./$name" ] || [ -h "./$name" ] || printf '%s\0' "./$name"
  done
}

# The same for directories, the tree's own first.
directories() {
  printf '.\0'
  n=0
  for name do
    n=$((n + 1))
    [ "$n" -gt "$files" ] || continue
    [ ! -d "./$name" ] || [ -h "./$name" ] || printf '%s\0' "./$name"
  done
}

digests() {
  case $kinds in
    *f*) regular "$@" | xargs -0 sha256sum -- ;;
  esac
}

attributes() { # $1: how to list the names
  list=$1
  shift
  if stat -c %a . >/dev/null 2>&1; then
    "$list" "$@" | xargs -0 stat -c '%a %u %g %s %U/%G' --
  else
    "$list" "$@" | xargs -0 stat -f '%Mp%Lp %u %g %z %Su/%Sg' --
  fi
}

# All there is of one type, one a line; a line break within a name comes as the byte 1.
strangers() {
  # What was sent for the very change that is planned is none.
  found=$({ find . -path './.engine-staging-*' -prune -o "$@" -print0 || printf '\001failed\000'; } | tr '\n\000' '\001\n')
  case $found in
    *"$(printf '\001failed')") fail "$path cannot be searched" ;;
  esac
  printf '%s\n' "$found"
}

# Whether backups can be made beside the tree, in the directory above it.
backups() {
  set -- "$_engine_uid" "$_engine_gid" "$_engine_bits" "$shared"
  _engine_marks ..
  crowded
  [ "$_engine_uid$shared" = "$_engine_self" ] || shared=1
  _engine_uid=$1 _engine_gid=$2 _engine_bits=$3
  set -- "$4" "$shared"
  shared=$1
  [ -z "$2" ]
}
