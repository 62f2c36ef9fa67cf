# One request with curl. Nothing touches the disk and nothing but constants is in curl's arguments, which show in `ps`: its
# options, the credential among them, come on standard input, a body to send on descriptor 5. POSIX sh.
#
# `answer` prints the answer's body, a line break and the byte 036, then headers, curl's complaint and, on the last line,
# its exit code: held back until the body is through, so that the two do not mix. The words after it are further options.
# Status 0: one of the statuses that are expected; 75: there is no answer yet; 76: any other. It takes the variables
#   config    curl's configuration, as curl.py makes it     body   what to send
#   statuses  those expected, with blanks between          keep   how many bytes of the answer's body
#   reading   whether the method changes nothing           limit  seconds
nl='
'
request() {
  printf '%s' "$body" | {
    exec 5<&0
    printf '%s\n' "$config" | curl -q --noproxy '*' -K - -sS -D /dev/fd/3 -o - --max-time "$limit" "$@" 2>&3
  }
}
answer() {
  exec 4>&1
  rest=$( {
    {
      code=0
      request "$@" || code=$?
      printf '\n%s' "$code" >&3
    } | {
      head -c "$keep"
      cat >/dev/null
    } | tr -d '\000' >&4
  } 3>&1)
  printf '\n\036%s' "$rest"
  exec 4>&-
  code=${rest##*"$nl"}
  if [ -z "$reading" ] && [ "$code" != 0 ]; then
    # Asked once: again only where nobody can have heard it.
    case $rest in
      *HTTP/*) exit 76 ;;
    esac
    case $code in
      7 | 35) ;;
      *) exit 76 ;;
    esac
  fi
  case $code:$rest in
    0:*) ;;
    7:* | 18:* | 28:* | 52:* | 55:* | 56:*) exit 75 ;;
    35:*reset* | 35:*SYSCALL*) exit 75 ;;
    *) exit 76 ;;
  esac
  status=$nl$rest
  status=${status##*"$nl"HTTP/}
  status=${status#* }
  status=${status%%[!0-9]*}
  case " $statuses " in
    *" $status "*) exit 0 ;;
  esac
  case $reading$status in
    1502 | 1503 | 1504) exit 75 ;;
  esac
  exit 76
}
