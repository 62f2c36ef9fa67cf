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
# The names under which a file is, if $1 is -f, or a directory, if it is -d, each ended by a NUL byte; with the tree's own.
names() {
  test=$1
  shift
  [ "$test" = -f ] || printf '.\0'
  for name do
    ! test "$test" "./$name" || [ -h "./$name" ] || printf '%s\0' "./$name"
  done
}
attributes() {
  names "$@" | stat_each '%a %u %g %s %U/%G' '%Mp%Lp %u %g %z %Su/%Sg'
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
backups() (
  _engine_marks ..
  crowded
  [ "$_engine_uid$shared" = "$_engine_self" ]
)
# Digests and kinds of all names, into `sums` and `kinds`.
survey() {
  need sha256sum
  kinds "$@"
  sums=''
  case $kinds in *f*) sums=$(names -f "$@" | xargs -0 sha256sum --) ;; esac
}
