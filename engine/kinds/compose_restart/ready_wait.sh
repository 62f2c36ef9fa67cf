ready_wait() {
  ready_left=$ready_timeout
  if [ "$((timeout - 10))" -lt "$ready_left" ]; then
    ready_left=$((timeout - 10))
  fi
  ready_until=$(($(date +%s) + ready_left))
  ready_restarts=$restarts
  ready_seen=
  while :; do
    inspect_service
    case $status in
      exited | dead) ready_fail "stopped soon after it was started" ;;
    esac
    if [ "$((restarts - ready_restarts))" -gt 2 ]; then
      ready_fail "stops again and again"
    fi
    if ready_now; then
      # A process that ends at once is told by a second look.
      if [ "$ready_seen" = "$identity" ] || [ -n "$ready_log" ] || [ "$health" = healthy ]; then
        return 0
      fi
      ready_seen=$identity
    fi
    if [ "$(date +%s)" -ge "$ready_until" ]; then
      if [ -n "$ready_log" ]; then
        ready_fail "did not log a line that matches $ready_log within $ready_left s"
      fi
      ready_fail "is $status, health $health, after $ready_left s"
    fi
    if [ -n "$ready_seen" ]; then
      sleep 1
    else
      sleep 0.3 2>/dev/null || sleep 1
    fi
  done
}
ready_fail() {
  ledger_failed=$identity
  ledger_write || true
  for id in $ids; do
    printf 'The last lines of the log of %s:\n' "$service"
    "$engine" logs --tail 20 "$id" 2>&1 || true
  done
  fail "service $service $1"
}
