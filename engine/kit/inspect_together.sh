# shellcheck disable=SC2086  # the lists are split, on purpose
# Of each small regular file that can be read: SHA256 MODE UID GID SIZE USER/GROUP; of what is not there: absent. Only
# where nobody but root and we can write the directory and those above it. Two processes for all. Where anything goes
# wrong on the way, nothing is said, and each probe looks for itself.
end='
'
me=${_engine_self:-$(id -u)}
set -f
IFS=$end
n=0 names='' places='' missing='' small='' lines='' bad=$end last=-
directories=/$end

# Each directory above a file once; links and what is no directory are not vouched for.
collect() {
  place=$1
  while [ "$place" ]; do
    case $end$directories$bad in *"$end$place$end"*) break ;; esac
    if [ -h "$place" ] || [ ! -d "$place" ]; then
      bad=$bad$place$end
    else
      directories=$directories$place$end
    fi
    place=${place%/*}
  done
}
# Whether nobody else can write $1 and what is above it; in a sticky directory a name is its owner's.
safe() {
  [ "$1" != "$last" ] || return "$said"
  last=$1 said=0 place=$1
  case $sticky in *"$end${place:-/}$end"*) said=1 ;; esac
  while :; do
    case $bad in *"$end${place:-/}$end"*) said=1 ;; esac
    [ "$place" ] || return "$said"
    place=${place%/*}
  done
}
judge() {
  sticky=$end
  for place in $directories; do
    about=${1#* }
    mode=${about%% *} about=${about#* }
    case ${about%% *} in 0 | "$me") ;; *) bad=$bad$place$end ;; esac
    case $mode in
      [1357]???) sticky=$sticky$place$end ;;
      *[2367]? | *[2367]) bad=$bad$place$end ;;
    esac
    shift
  done
  last=-
  for n in $places; do
    file=${1##* } about=${1#* }
    about=${about% *}
    if [ "${1%% *}" -le 262144 ] && safe "${file%/*}"; then
      small=$small$file$end lines=$lines$n\ $about$end
    fi
    shift
  done
  for line in $missing; do
    file=${line#* }
    if safe "${file%/*}"; then printf '%s\n' "${line%% *} absent"; fi
  done
}
tell() {
  for line in $lines; do
    printf '%s\n' "${line%% *} ${1%% *} ${line#* }"
    shift
  done
}

for file in "$@"; do
  n=$((n + 1))
  # Other names may be printed with escapes, or are split below.
  case $file in *[!A-Za-z0-9/._+@=,:-]*) continue ;; esac
  above=${file%/*}
  [ "$above" = "$last" ] || collect "$above"
  last=$above
  if [ -f "$file" ] && [ ! -h "$file" ] && [ -r "$file" ]; then
    names=$names$file$end places=$places$n$end
  elif [ ! -e "$file" ] && [ ! -h "$file" ] && [ -x "${above:-/}" ]; then
    missing=$missing$n\ $file$end
  fi
done
[ "$names$missing" ] || exit 0
stats=$(stat -c '%s %a %u %g %s %U/%G %n' -- $directories $names 2>/dev/null) || exit 0
judge $stats
[ "$small" ] || exit 0
sums=$(sha256sum -- $small 2>/dev/null) || exit 0
tell $sums
