need curl
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
