# `SIZE INODE CTIME` of the file that was checked, whoever wrote it, is noted by the program.
remember() {
  eval "$_engine_v"
  IFS= read -r identity || fail "it is not known whether $path was downloaded"
  case $identity in *[!0-9.\ ]* | '') fail "it is not known whether $path was downloaded" ;; esac
  (umask 077 && mkdir -p -- "${memory%/*}" && printf 'onetrip download 1\n%s %s\n' "$identity" "$want" >"$memory.new") &&
    mv -f -- "$memory.new" "$memory"
}
# Bytes that are there of it, into `have`.
measure() {
  have=0
  [ ! -e "$part" ] || have=$(wc -c <"$part")
  have=$((have))
}
anew() {
  rm -rf -- "$part"
  begun_anew=$((begun_anew + 1))
  [ "$begun_anew" -le 5 ]
}
# All that there is at $1 comes to `part`, and is right; fails with `problem`.
fetch() {
  ask "$1" || return 1
  begun_anew=0 idle=0
  while :; do
    measure
    whole=$have
    if [ "$have" -gt 0 ] && { [ -z "$want" ] || [ "$have" -gt "${total:-$have}" ]; }; then
      rm -rf -- "$part"
      have=0 whole=0
    fi
    room
    code=0
    if [ "$have" = 0 ] || [ "$have" != "$total" ]; then
      # `-C` appends to what is there; a server without ranges is refused by curl, which then writes nothing.
      resume=''
      [ "$have" = 0 ] || resume=1
      answer=$(request "$final" -f --speed-limit 1 --speed-time 30 ${resume:+-C "$have"} -o "$part") || code=$?
      status=${answer##*"$newline"@ }
      status=${status%% *}
    fi
    measure
    problem=''
    case $code:$status in
      0:200 | 0:206 | 0:416) ;;
      22:416 | 33:* | 36:*)
        # It has no ranges, or not that much.
        problem='does not give the rest of it'
        anew || return 1
        continue
        ;;
      23:*) fail "the new $path could not be written (no space left?); what was fetched is kept; the old one is as it was" ;;
      0:* | 22:*)
        problem="answered $status"
        [ "$code" != 0 ] || rm -rf -- "$part"
        return 1
        ;;
      16:* | 18:* | 28:* | 35:* | 52:* | 55:* | 56:* | 92:*)
        # It was cut off. As long as more comes each time, the rest is asked for.
        curl_words
        idle=$((idle + 1))
        [ "$have" -le "$whole" ] || idle=0
        [ "$want" ] || anew || return 1
        [ "$idle" -le 3 ] || return 1
        [ "$idle" = 0 ] || sleep 1
        continue
        ;;
      *)
        curl_words
        return 1
        ;;
    esac
    [ -e "$part" ] || true >"$part"
    check && return 0
    # What an earlier run left of it may be of another content.
    [ "$whole" -gt 0 ] || return 1
    anew || return 1
  done
}
# Whether `part` is right, or else `problem`.
check() {
  problem="gave $have bytes, and not $size"
  if [ "$size" ] && [ "$have" != "$size" ]; then
    rm -rf -- "$part"
    return 1
  fi
  [ "$want" ] || return 0
  found=$(sha256 <"$part")
  [ "$found" != "$want" ] || return 0
  problem="gave the sha256 $found, and not $want"
  rm -rf -- "$part"
  return 1
}
room() {
  [ "$total" ] || return 0
  free=$(df -Pk . | sed -n '$s/^.* \([0-9][0-9]*\)  *[0-9]*%.*$/\1/p')
  [ -z "$free" ] || [ "$(((total - have) / 1024))" -le "$free" ] ||
    fail "$path needs $((total - have)) more bytes, and $((free * 1024)) are free there; make room; the old one is as it was"
}
download() {
  umask 077
  patience=60 problems=''
  for url do
    ! fetch "$url" || return 0
    problems="$problems$newline  ${url%%\?*} $problem"
  done
  fail "$path could not be downloaded; the old one, if any, is as it was:$problems"
}

take=remember
look_at_path
right=''
if [ "$type" = file ]; then
  identify "$file"
  if [ -z "$want" ]; then
    [ "${identity%% *}" != "$size" ] || right=1
  elif [ -z "$size" ] || [ "${identity%% *}" = "$size" ]; then
    found=$(sha256 <"$file")
    [ "$found" != "$want" ] || right=1
  fi
fi
if [ "$right" ]; then
  crowded
  [ -z "$shared" ] || _engine_safe_entry || [ -z "$mode$owner$group" ] ||
    fail "others can write $above, so mode and owner of $path were left as they are"
  _engine_up=./
  give_owner "$file"
  [ -z "$mode" ] || chmod -- "$mode" "$file"
else
  prepare_file
  kept=./$part part=$new
  if [ "$_engine_up" = ./ ]; then
    # Nobody else can put anything there, so that what was fetched so far can wait under this name.
    part=$kept
    if [ -h "$part" ] || { [ -e "$part" ] && [ ! -f "$part" ]; }; then rm -rf -- "$part"; fi
  fi
  download "$@"
  new=$part
  settle_file
  file=./$_engine_name
fi
[ "$want" ] || exit 0
identify "$file"
# Where times are whole seconds, what comes later in this one would look the same.
case $moment in *.*[1-8]*) ;; *) sleep 1 ;; esac
if [ "${_engine_owned-}" ]; then
  printf '%s\n' "$identity" >&9
else
  printf '%s\n' "$identity" | remember
fi
