# Each argument is a name in the tree `path`; a file has but one, which does not matter. What root may not open by a name
# that others can change comes through a pipe, from the owner of the directory.
limit=4294967296

# Each name as a line on what is there, after which comes the content of a file.
pack() {
  whole=$type
  for name do
    type=$whole
    find_named "$name" ''
    case $type in
      file)
        describe_path "$file"
        printf '%s %s %s\n' "$mode_now" "$gid_now" "$size_now"
        head -c "$size_now" <"$file"
        ;;
      absent | blocked | link) printf 'nothing\n' ;;
      *) printf 'other\n' ;;
    esac
  done
}
# What was packed, by a user who can have written anything.
unpack() {
  eval "$_engine_v"
  head -c "$limit" >"$keep.stream"
  offset=1
  for name do
    line=$(tail -c "+$offset" -- "$keep.stream" | head -c 99 | head -n 1 | tr -d '\0')
    offset=$((offset + ${#line} + 1))
    find_copy "$name"
    case $line in
      nothing) true >"$copy.absent" ;;
      other) true >"$copy.directory" ;;
      *[!0-9\ ]* | *' '*' '*' '* | *'  '* | ' '* | *' ') fail "what is at $path could not be kept" ;;
      *' '*' '*)
        size=${line##* } line=${line% *}
        # Nobody gets more for it than a file of that user's.
        mode=${line%% *}
        while [ "${#mode}" -gt 3 ]; do mode=${mode#?}; done
        tail -c "+$offset" -- "$keep.stream" | head -c "$size" >"$copy"
        chown -- "$_engine_actor:${line#* }" "$copy"
        chmod -- "$mode" "$copy"
        offset=$((offset + size))
        ;;
      *) fail "what is at $path could not be kept" ;;
    esac
  done
  size=$(wc -c <"$keep.stream")
  rm -f -- "$keep.stream"
  [ "$size" -eq "$((offset - 1))" ] || fail "$path was changed while it was kept, or is too large for that; it is as it was"
}
# Where the copy of name $1 goes, into `copy`, with nothing there.
find_copy() {
  copy=$keep
  if [ "$tree" ]; then
    copy=$keep/$1
    [ -d "${copy%/*}" ] || mkdir -p -- "${copy%/*}"
  fi
  if [ -e "$copy" ] || [ -e "$copy.absent" ] || [ -e "$copy.directory" ]; then
    rm -f -- "$copy" "$copy.absent" "$copy.directory"
  fi
}
copy_one() {
  find_copy "$1"
  find_named "$1" "$careful"
  case $type in
    file)
      [ -z "$shared" ] || _engine_hold "$file"
      cp -p -- "$file" "$copy"
      ;;
    absent | blocked | link) true >"$copy.absent" ;;
    *) true >"$copy.directory" ;;
  esac
}

# Of what is not there nothing is read.
if [ -z "$tree" ] && [ ! -e "$path" ] && [ ! -h "$path" ] && [ -z "${_engine_owned-}" ]; then
  find_copy ''
  true >"$copy.absent"
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
  if [ "$tree" ]; then (copy_one "$name"); else copy_one "$name"; fi
done
