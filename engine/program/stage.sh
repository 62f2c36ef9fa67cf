need tar

# Makes directory $1 where it is missing. A symbolic link on the way must belong to root or to us: through anybody
# else's, our files could be led wherever he likes.
parents() {
  rest=${1#/} at=
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    case $part in
      '' | .) continue ;;
      ..) fail "$1: a path may not hold .." ;;
    esac
    at=$at/$part
    if [ -L "$at" ]; then
      owner=$(ls -ldn "$at")
      set -f
      # shellcheck disable=SC2086  # it is to be split
      set -- "$1" $owner
      set +f
      me=$(id -u)
      case $4 in
        0 | "$me") ;;
        *) fail "$at: is a symbolic link that belongs to another user (number $4), so nothing is put behind it" ;;
      esac
      [ -d "$at" ] || fail "$at: is a symbolic link that leads to no directory"
    elif [ -e "$at" ]; then
      [ -d "$at" ] || fail "$at: is in the way: not a directory"
    else
      mkdir "$at"
    fi
  done
}
tidy() {
  [ -n "$complete" ] && return
  cd /
  taken=
  while [ "$i" -ge 0 ]; do
    eval "dir=\${dir$i-}"
    [ -z "$root" ] || [ -d "$dir" ] || taken=1
    [ -z "$dir" ] || rm -rf "$dir"
    rm -f "$_engine_keep/staging/$id.$i"
    [ -z "$root" ] || fact "$i" "$dir/files"
    i=$((i - 1))
  done
  # Another program that holds the host's lock took them for those of one that never came. The one that wants these
  # files finds them gone, as if it had waited for that lock, and the host is planned again.
  [ -z "$taken" ] || exit 0
}

complete= root= i=-1
_engine_make_place || fail "$_engine_problem"
trap tidy EXIT
for directory; do
  i=$((i + 1))
  parents "$directory"
  dir=${directory%/}/.engine-staging-$id.$i
  printf '%s' "$dir" >"$_engine_keep/staging/$id.$i"
  mkdir -m 700 "$dir"
  eval "dir$i=\$dir"
done
eval "root=\$dir$largest"
cd "$root" || exit
tar -xpomf - || fail "the files could not be unpacked in $root"
{ IFS= read -r last <end; } 2>/dev/null || last=
[ "$last" = "$id" ] || fail "the files arrived incomplete and were thrown away"
rm end
n=$i
while [ "$n" -ge 0 ]; do
  eval "dir=\$dir$n"
  if [ -d "$n" ]; then mv "$n" "$dir/files"; else mkdir "$dir/files"; fi
  : >"$dir/complete"
  fact "$n" "$dir/files"
  n=$((n - 1))
done
complete=1
