# The door to what is executed. A program finds its parts by absolute paths, so other than for a file it matters who owns
# the directories above: whoever can write one of them decides what runs. Constants and functions alone; POSIX sh.

# trust PATH...: from here on the script may run what is at these paths, or have it read by a program that does what it
# says. Where a user other than root can write something on the way to one, the script begins anew as that user; where
# several can, it refuses. Only root becomes anybody; what it did up to here must be safe to do twice.
trust() {
  _engine_self=$(id -u)
  [ "$_engine_self" = 0 ] || return 0
  _engine_writer=''
  for _engine_place; do
    _engine_t=$(_engine_way "$_engine_place")
    _engine_writers "$_engine_t"
  done
  [ "$_engine_writer" ] || return 0
  cd /
  # shellcheck disable=SC2086  # three words
  _engine_as_owner $_engine_writer
}

# Owner, group, owner's name and mode of all that is on the way to $1, links and what they lead to, a line each; where
# there is nothing there, of the directories that are.
_engine_way() {
  _engine_rest=$1/ _engine_real='' _engine_hops=0
  set -- /
  while [ -n "$_engine_rest" ]; do
    _engine_part=${_engine_rest%%/*} _engine_rest=${_engine_rest#*/}
    case $_engine_part in
      '' | .) continue ;;
      ..)
        _engine_real=${_engine_real%/*}
        continue
        ;;
    esac
    _engine_t=$_engine_real/$_engine_part
    if [ -h "$_engine_t" ]; then
      _engine_hops=$((_engine_hops + 1))
      [ "$_engine_hops" -le 40 ] || fail "too many symbolic links on the way to $_engine_place"
      # A name may end in line breaks, which a command substitution would cut off.
      _engine_part=$(readlink -- "$_engine_t" && printf x)
      _engine_rest=${_engine_part%?x}/$_engine_rest
      case $_engine_rest in /*) _engine_real='' ;; esac
    elif [ -e "$_engine_t" ]; then
      _engine_real=$_engine_t
    else
      break
    fi
    set -- "$@" "$_engine_t"
  done
  stat -c '%u %g %U %A' -- "$@" 2>/dev/null || stat -f '%u %g %Su %Sp' -- "$@"
}

# Who can write something of what `_engine_way` printed and is not root: _engine_writer, as number, group and name. In a
# sticky directory of root's what is there already is safe; group staff (50) of Debian is as good as root.
_engine_writers() {
  # shellcheck disable=SC2086  # words
  set -- $1
  while [ "$#" -gt 0 ]; do
    _engine_t="$1 $2 $3"
    case $1:$4:$2 in
      0:l* | 0:?????w??-?:0 | 0:?????w??-?:50) ;;
      0:?????????[tT]*) [ "$#" -gt 4 ] || _engine_t=anybody ;;
      0:????????w* | 0:?????w*) _engine_t=anybody ;;
    esac
    case $_engine_t in
      '0 '*) ;;
      "${_engine_writer:-$_engine_t}") _engine_writer=$_engine_t ;;
      *) _engine_writer=anybody ;;
    esac
    shift 4
  done
  [ "$_engine_writer" != anybody ] ||
    _engine_untrusted "several users can write $_engine_place or a directory above it; nothing of it was run"
}
