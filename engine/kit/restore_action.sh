# Arguments: name, mode and owner of each file as it was kept; of what was not there, mode and owner are empty.
kept() {
  if [ "$tree" ]; then tar -cf - -C "$keep" .; elif [ -f "$keep" ]; then cat -- "$keep"; fi
}
put_back() { # $1 mode, $2 owner, $3 where it is kept, empty: it is what `fed` prints
  if [ -z "$1" ]; then
    case $type in
      file) rm -f -- "$file" ;;
      absent) ;;
      *) fail "$path is in the way: it is no regular file ($type); nothing was changed" ;;
    esac
    return 0
  fi
  mode=$1 owner=${2%:*} group=${2#*:}
  [ -z "$3" ] || exec 6<"$3"
  prepare_file
  open_new
  if [ "$3" ]; then cat <&6 >&3 || write_failed; else sent_content >&3 || write_failed; fi
  settle_file
}
within() { # $1 name, $2 mode, $3 owner
  look_below "$1"
  # What was received lies in the tree, and this is somewhere below.
  back='' rest=/$_engine_real
  case $from:$rest in
    /* | *:/.) ;;
    *) while [ "$rest" ]; do rest=${rest%/*} back=../$back; done ;;
  esac
  put_back "$2" "$3" "$back$from/$1"
}

feed=kept
mode='' owner='' group='' dir_mode='' fresh=''
# What is put back counts as new, so that a rollback that fails half-way can be repeated: the oldest are removed.
[ "${_engine_owned-}" ] || touch -c -- "${keep%/*}"
if [ -z "$tree" ]; then
  look_at_path
  put_back "$2" "$3" ''
  exit 0
fi
look_inside
if [ "$type" = absent ]; then
  begin_directory ''
  finish_directory ''
  below "$_engine_missing"
elif [ "$type" != directory ]; then
  fail "$path is in the way: it is no directory ($type); nothing was changed"
fi
from=$keep
if [ "${_engine_owned-}" ]; then
  from=$(mktemp -d ./.engine-XXXXXXXXXX)
  trap 'rm -rf -- "$from"' EXIT
  tar -xf - -C "$from" <&4
fi
while [ "$#" -gt 0 ]; do
  (within "$1" "$2" "$3")
  shift 3
done
