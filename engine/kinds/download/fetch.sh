# Asking servers for a file. Headers are for the host of the URL alone, so redirects are followed here, not by curl.
need curl
newline='
'
# Has curl get $1 with the headers, where `with` is set; all that may be secret is on its standard input.
request() {
  address=$1
  shift
  # A URL out of an answer may hold anything.
  address=$(printf '%s\n' "$address" | sed 's/[\\"]/\\&/g')
  {
    printf 'url = "%s"\n' "$address"
    [ -z "$with" ] || printf '%s\n' "$config"
  } | curl -q -g -K - -sS --proto '=http,https' --connect-timeout 20 -w '\n@ %{http_code} %{redirect_url}' "$@" 2>&1
}
# Scheme, host and port of $1, into `origin`.
origin_of() {
  origin=${1#*://}
  origin=${1%%://*}://${origin%%[/?#]*}
  origin=$(printf '%s\n' "$origin" | tr '[:upper:]' '[:lower:]')
}
# curl's own words in `answer`, in one line.
curl_words() {
  problem=$(printf '%s\n' "$answer" | sed -n 's/^curl: ([0-9]*) //p' | head -n 1)
  problem=${problem:-curl ended with status $code}
}
# What there is at $1: sets `final`, where redirects lead, `with`, whether the headers go there, and `total`, its size or
# nothing. Fails with `problem`, why there is nothing. It asks for one byte: a server that has no ranges is cut off.
ask() {
  final=$1 with=1 total='' hops=0
  while :; do
    code=0
    answer=$(request "$final" -r 0-0 -D - -o /dev/null --max-filesize 65536 --max-time "$patience") || code=$?
    status=${answer##*"$newline"@ }
    next=${status#* } status=${status%% *}
    case $status in
      301 | 302 | 303 | 307 | 308)
        hops=$((hops + 1))
        problem="too many redirects"
        [ "$hops" -le 10 ] || return 1
        problem="answered $status without saying where to"
        [ "$next" ] || return 1
        origin_of "$final"
        was=$origin
        origin_of "$next"
        [ "$origin" = "$was" ] || with=''
        final=$next
        ;;
      200 | 206 | 416) break ;;
      000 | '')
        curl_words
        return 1
        ;;
      *)
        problem="answered $status"
        return 1
        ;;
    esac
  done
  headers=$(printf '%s\n' "$answer" | tr -d '\r')
  case $status in
    200) total=$(printf '%s\n' "$headers" | sed -n 's/^[Cc]ontent-[Ll]ength: *\([0-9]*\)$/\1/p' | tail -n 1) ;;
    *) total=$(printf '%s\n' "$headers" | sed -n 's|^[Cc]ontent-[Rr]ange: *bytes.*/\([0-9]*\)$|\1|p' | tail -n 1) ;;
  esac
  problem="has $total bytes, and not $size"
  if [ "$size" ] && [ "$total" ] && [ "$size" != "$total" ]; then return 1; fi
}
