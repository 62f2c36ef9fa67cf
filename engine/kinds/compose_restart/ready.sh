# Whether the service is ready now. Without a log line to wait for and without a healthcheck, running is enough.
ready_now() {
  if [ "$status" != running ]; then
    return 1
  fi
  if [ -n "$ready_log" ]; then
    ready_rest=$ended,
    for id in $ids; do
      ready_since=${ready_rest%%,*}
      ready_rest=${ready_rest#*,}
      ready_logged || return 1
    done
  elif [ -n "$ready_health" ]; then
    case $health in
      healthy | none) ;;
      *) return 1 ;;
    esac
  fi
}
# What the container's present run has logged. Docker notes a start after the first lines, so lines count from the
# end of the run before it.
ready_logged() {
  case $ready_since in
    0001-*) set -- ;;
    *) set -- --since "$ready_since" ;;
  esac
  "$engine" logs "$@" "$id" 2>&1 | grep -E -q -e "$ready_log"
}
# Waits until it is, or fails with the last lines of its log.
service_wait() {
  ready_left=$ready_timeout
  ready_most=$((timeout - ${idle_timeout:-0} - 10))
  if [ "$ready_most" -lt "$ready_left" ]; then
    ready_left=$ready_most
  fi
  ready_until=$(($(date +%s) + ready_left))
  ready_restarts=$restarts
  ready_seen='' ready_again=''
  while :; do
    inspect_service
    case $status in
      exited | dead)
        service_ending
        ready_fail "$ending"
        ;;
      restarting)
        service_ending
        ready_again=": it $ending"
        ;;
    esac
    if [ "$((restarts - ready_restarts))" -gt 2 ]; then
      ready_fail "stops again and again$ready_again"
    fi
    if ready_now; then
      # A process that ends at once is told by a second look.
      if [ -n "$ready_log" ] || [ "$health" = healthy ]; then
        seen_ready=1
        return 0
      fi
      [ "$ready_seen" != "$identity" ] || return 0
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
