need curl
if [ "$phase" = plan ] && [ -z "$reading" ]; then
    fact asked no
    fact not_yet yes
    exit 0
fi
if [ -n "$ca" ]; then
    set -- "$@" --cacert "$ca"
fi
if [ "$phase" = plan ]; then
    patience=0
    within=${within:-5}
else
    patience=$((${timeout%%.*} - 1))
    within=${within:-30}
fi
start=$(date +%s)
now=$start
pause=0.2
retried=0
while :; do
    limit=$((start + patience - now))
    if [ "$phase" = plan ] || [ "$limit" -gt "$within" ]; then
        limit=$within
    fi
    if [ "$limit" -lt 1 ]; then
        limit=1
    fi
    again=0
    found=$(answer "$@") || again=$?
    now=$(date +%s)
    if [ "$now" -ge $((start + patience)) ]; then
        break
    elif [ "$again" = 75 ]; then
        awaited_ended
        if [ -n "$ended" ]; then
            break
        fi
        sleep "$pause" 2>/dev/null || sleep 1
        pause=0.5
    elif [ "$again" = 76 ] && [ "$retried" -lt "$retries" ]; then
        retried=$((retried + 1))
        sleep 1
    else
        break
    fi
done
if [ -n "$ended" ]; then
    fact ended "$ended"
fi
if [ "$again" = 75 ]; then
    fact not_yet yes
elif [ "$again" != 0 ] && [ "$again" != 76 ]; then
    fail "the request could not be made (status $again)"
fi
fact asked yes
fact answer "$found"
if [ "$retried" != 0 ]; then
    fact retried "$retried"
fi
if [ "$phase" = gate ] && [ "$again" != 0 ]; then
    exit 3
fi
