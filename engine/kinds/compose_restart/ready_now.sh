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
