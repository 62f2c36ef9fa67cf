if [ "$unpack" ] && [ -z "$absent" ]; then
  whole=$path path=$unpack
  look_at_path
  [ "$type" != blocked ] || fact refused "$above is in the way of $unpack: it is no directory"
  [ -z "$shared" ] || fact refused "others can write $above, so nothing is unpacked there: take that right from them"
  [ -z "$_engine_missing" ] || fact unpack_lacks "$_engine_missing"
  find_unpacked
  [ "$unpacked" = nothing ] || fact unpacked "$unpacked"
  [ -z "$stranger" ] || fact stranger "${stranger#./}"
  path=$whole
fi
look_at_path
report_path
[ "$absent" ] || known_owners
if [ "$absent" ] || [ "$type" = blocked ]; then exit 0; fi
if [ "$type" = file ]; then
  describe_path "$file"
  fact about "$about"
  if [ "$want" ]; then
    known_digest
    [ -z "$sum" ] || fact sum "$sum"
    [ "$sum" != "$want" ] || exit 0
  else
    [ "$size_now" != "$size" ] || exit 0
  fi
elif [ "$type" != absent ]; then
  exit 0
fi
[ "$phase" != verify ] || exit 0

free=$(df -Pk . | sed -n '$s/^.* \([0-9][0-9]*\)  *[0-9]*%.*$/\1/p')
[ -z "$free" ] || fact free "$((free * 1024))"
if [ -z "$shared" ] && [ -z "$_engine_missing" ] && [ "$want" ] && [ -f "./$part" ] && [ ! -h "./$part" ]; then
  have=$(wc -c <"./$part")
  fact part "$((have))"
fi
# What one of the sources says; what all say against it is the problem.
patience=6 problems=''
for url do
  if ask "$url"; then
    fact bytes "${total:-$size}"
    exit 0
  fi
  problems="$problems${problems:+; }${url%%\?*}: $problem"
done
fact problem "$problems"
