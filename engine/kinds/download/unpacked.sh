# What was unpacked into the directory `unpack`: in the ledger, the archive, a digest of what each file was like, and the
# names. What is there under another name is somebody else's.
# Names in the directory ./$1, and the digest of what they are like: `names` and `marks`.
list_unpacked() {
  names=$(cd -- "./$1" && find . ! -name . | LC_ALL=C sort)
  marks=$(cd -- "./$1" && find . ! -name . -exec env TZ=UTC stat -c '%s %f %z %n' -- {} + | LC_ALL=C sort | sha256)
}
# In the directory that $unpack, called `name` here, is in: what is there, into `unpacked`: the archive that it came from, `nothing` or `changed`; and
# `stranger`, what did not come from one.
find_unpacked() {
  recall
  unpacked='nothing' stranger=''
  if [ "$_engine_missing" ] || { [ ! -e "./$name" ] && [ ! -h "./$name" ]; }; then return 0; fi
  unpacked='changed'
  if [ -h "./$name" ] || [ ! -d "./$name" ]; then
    stranger=.
    return 0
  fi
  list_unpacked "$name"
  from=$(printf '%s\n' "$sent" | sed -n 3p)
  [ "$from" != "$archive $marks" ] || unpacked=$archive
  if [ "$unpacked" = changed ] && [ "$names" ]; then
    stranger=$({ printf '%s\n' "$sent" | sed 1,3d | sed p && printf '%s\n' "$names"; } | LC_ALL=C sort | uniq -u | sed -n 1p)
  fi
}
