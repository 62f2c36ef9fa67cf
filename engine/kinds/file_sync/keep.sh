# Each argument is a name in the tree `path`; a file has but one, which does not matter. What root may not open by a name
# that others can change comes through a pipe, from the owner of the directory.
limit=4294967296

# Sets `from`, what is at name $1, and `kind`: file, nothing, or other.
found() {
  from=$file kind=other
  [ -z "$tree" ] || from=./$1
  if [ "$type" = blocked ] || { [ "$tree" ] && [ "$type" != directory ]; } || [ ! -e "$from" ] || [ -h "$from" ]; then
    kind=nothing
  elif [ -f "$from" ]; then
    kind='file'
  fi
}
# A line for each name, and then the contents of the files, one after the other.
pack() {
  sizes=''
  for name do
    found "$name"
    if [ "$kind" = file ]; then
      describe_path "$from"
      kind="$mode_now $gid_now $size_now"
      sizes="$sizes $size_now"
    fi
    printf '%s\n' "$kind"
  done
  for name do
    found "$name"
    [ "$kind" = file ] || continue
    sizes=${sizes# }
    head -c "${sizes%% *}" <"$from"
    case $sizes in *' '*) sizes=${sizes#* } ;; *) sizes='' ;; esac
  done
}
# What was packed, by a user who can have written anything.
unpack() {
  eval "$_engine_v"
  head -c "$limit" >"$keep.stream"
  exec 5<"$keep.stream"
  offset=1
  for name do
    IFS= read -r line <&5 || fail "what is at $path could not be kept"
    offset=$((offset + ${#line} + 1))
  done
  exec 5<"$keep.stream"
  for name do
    IFS= read -r line <&5
    place "$name"
    case $line in
      nothing) true >"$into.absent" ;;
      other) true >"$into.directory" ;;
      *[!0-9\ ]* | *' '*' '*' '* | *'  '* | ' '* | *' ') fail "what is at $path could not be kept" ;;
      *' '*' '*)
        size=${line##* } line=${line% *}
        # Nobody gets more for it than a file of that user's.
        mode=${line%% *}
        while [ "${#mode}" -gt 3 ]; do mode=${mode#?}; done
        tail -c "+$offset" -- "$keep.stream" | head -c "$size" >"$into"
        chown -- "$_engine_actor:${line#* }" "$into"
        chmod -- "$mode" "$into"
        offset=$((offset + size))
        ;;
      *) fail "what is at $path could not be kept" ;;
    esac
  done
  size=$(wc -c <"$keep.stream")
  rm -f -- "$keep.stream"
  [ "$size" -eq "$((offset - 1))" ] || fail "$path was changed while it was kept, or is too large for that; it is as it was"
}
# Where the copy of name $1 goes, into `into`, with nothing there.
place() {
  into=$keep
  if [ "$tree" ]; then
    into=$keep/$1
    [ -d "${into%/*}" ] || mkdir -p -- "${into%/*}"
  fi
  if [ -e "$into" ] || [ -e "$into.absent" ] || [ -e "$into.directory" ]; then
    rm -f -- "$into" "$into.absent" "$into.directory"
  fi
}
keep_one() {
  place "$1"
  if [ "$careful" ] && [ "$tree" ] && [ "$type" = directory ]; then
    look_below "$1"
    if [ "$_engine_missing" ]; then
      true >"$into.absent"
      return 0
    fi
    set -- "$name"
    type='directory'
  fi
  found "$1"
  case $kind in
    nothing) true >"$into.absent" ;;
    other) true >"$into.directory" ;;
    file)
      [ -z "$shared" ] || [ "$from" = /dev/fd/5 ] || _engine_hold "$from"
      [ -z "$shared" ] || from=/dev/fd/5
      cp -p -- "$from" "$into"
      ;;
  esac
}

# Of what is not there nothing is read.
if [ -z "$tree" ] && [ ! -e "$path" ] && [ ! -h "$path" ] && [ -z "${_engine_owned-}" ]; then
  place content
  true >"$into.absent"
  exit 0
fi
take=unpack
if [ "$tree" ]; then look_inside; else look_at_path; fi
if [ "${_engine_owned-}" ]; then
  pack "$@" >&9
  exit 0
fi
[ -z "$careful" ] || [ "$type" = blocked ] || [ "$_engine_missing" ] || crowded
for name do
  if [ "$careful" ] && [ "$tree" ]; then (keep_one "$name"); else keep_one "$name"; fi
done
