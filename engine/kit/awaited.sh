# For a check that waits for an answer: whether what it waits for has ended. POSIX sh.
#
# awaited_ended sets `ended` to why a service that the check is behind does not run any more; empty where it runs, or
# nobody knows. It looks no more often than every 3 seconds.
: "${awaited_count:=0}"
awaited_last=0 ended=''
awaited_ended() {
  awaited_now=$(date +%s)
  if [ "$awaited_count" = 0 ] || [ "$((awaited_now - awaited_last))" -lt 3 ]; then
    return 0
  fi
  awaited_n=0
  while [ "$awaited_n" -lt "$awaited_count" ] && [ -z "$ended" ]; do
    eval "awaited_user=\$awaited_${awaited_n}_user awaited_script=\$awaited_${awaited_n}_script"
    ended=$(as_user "$awaited_user" "$awaited_script" 2>/dev/null) || ended=
    awaited_n=$((awaited_n + 1))
  done
  awaited_last=$(date +%s)
}
