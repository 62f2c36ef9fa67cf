"""The shell that observes a Compose service and decides what is due."""

from __future__ import annotations

from engine.kinds.compose_restart.client import COMPOSE_CLIENT
from engine.kinds.compose_restart.look import CONFIGURATION, INSPECT, SEE
from engine.kit.ledger import LEDGER
from engine.kit.watching import WATCHING

OBSERVE = r"""
# Everything that decides: after it, all variables named in the functions above are set, and for each watch N
# fingerprint_N, ctime_N and verdict_N, and stale to the names of those that are not current.
observe() {
  compose_enter
  if [ -n "$missing" ]; then
    if [ "$wanted" != running ]; then
      observe_left
    fi
    return 0
  fi
  compose_see
  stale='' late=''
  if [ "$wanted" != running ]; then
    return 0
  fi
  configuration_see
  if [ "$status" = absent ]; then
    return 0
  fi
  if [ "$ledger_failed" = "$identity" ] && [ "$status" = running ] && ! ready_now; then
    late=1
  fi
  sample
}
# Without its project a service cannot be stopped or removed as Compose would.
observe_left() {
  compose_engine
  found=$(containers --filter "label=com.docker.compose.service=$service" \
    --filter "label=com.docker.compose.project.working_dir=$project_dir")
  if [ -n "$found" ]; then
    found=${found%% *}
    fail "$missing, but service $service still has the container $found; remove it with: $engine rm -f $found"
  fi
}
# Looks at the content of every watch.
sample() {
  now=$(date +%s)
  stale='' doubtful=''
  sample_n=0 sample_name=''
  while [ "$sample_n" -lt "$watch_count" ]; do
    part "$sample_n"
    eval "sample_name=\$watch_$sample_n fingerprint_$sample_n=\$fingerprint ctime_$sample_n=\$ctime"
    verdict=current
    if [ "$status" = running ] || [ "$status" = paused ]; then
      judge "$sample_name" "$fingerprint" "$ctime"
    fi
    eval "verdict_$sample_n=\$verdict"
    case $verdict in
      current) ;;
      'may have changed') doubtful="$doubtful${doubtful:+, }$sample_name" ;;
      *) stale="$stale${stale:+, }$sample_name" ;;
    esac
    sample_n=$((sample_n + 1))
  done
  if [ -z "$stale" ]; then
    stale=$doubtful
  elif [ -n "$doubtful" ]; then
    sample_clear
  fi
}
# The mark says that one of several was about to change. Where it is known which did, the others did not.
sample_clear() {
  sample_n=0
  while [ "$sample_n" -lt "$watch_count" ]; do
    eval "verdict=\$verdict_$sample_n"
    if [ "$verdict" = 'may have changed' ]; then
      eval "verdict_$sample_n=current"
    fi
    sample_n=$((sample_n + 1))
  done
}
# What is to be done: sets due.
decide() {
  due=none
  case $wanted/$status in
    absent/absent | stopped/absent | stopped/exited | stopped/created | stopped/dead) ;;
    absent/*) due=remove ;;
    stopped/*) due=stop ;;
    running/absent) due=create ;;
    running/*)
      if [ "$config" != "$want" ] || [ "$image" != "$want_image" ]; then
        due=recreate
      elif [ "$status" = restarting ]; then
        due=restart
      elif [ "$status" != running ]; then
        due=start
      elif [ -n "$stale" ] || [ -n "$late" ]; then
        due=restart
      fi
      ;;
  esac
}
"""

READY_NOW = r"""
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
"""

TOOLS = WATCHING + COMPOSE_CLIENT + LEDGER + INSPECT

OBSERVING = TOOLS + CONFIGURATION + SEE + READY_NOW + OBSERVE

PROBE = (
    OBSERVING
    + r"""
observe
fact missing "$missing"
if [ -z "$missing" ]; then
  fact client "$client"
  fact gone "$gone"
  fact status "$status"
  fact ids "$id_list"
  if [ "$wanted" = running ]; then
    fact want "$want"
    if [ "$status" != absent ]; then
      fact config "$config"
      fact image "$image"
      fact want_image "$want_image"
      fact health "$health"
      fact late "$late"
      probe_n=0
      while [ "$probe_n" -lt "$watch_count" ]; do
        eval "verdict=\$verdict_$probe_n"
        fact "watch.$probe_n" "$verdict"
        probe_n=$((probe_n + 1))
      done
    fi
  fi
fi
"""
)
"""Facts: missing (why nothing can be seen yet), client, gone (the client that made the containers and is not there),
status, ids, want, config, image, want_image, health, late, and watch.N for each watch."""

MARK = (
    TOOLS
    + r"""
compose_enter
if [ -z "$missing" ]; then
  compose_find
  inspect_service
  if [ "$status" = running ] || [ "$status" = paused ] || [ "$status" = restarting ]; then
    ledger_read
    if [ "$ledger_dirty" != "$identity" ]; then
      ledger_dirty=$identity
      ledger_write
    fi
  fi
fi
"""
)
"""Notes in the ledger that the content which the running containers were started with is about to change."""
