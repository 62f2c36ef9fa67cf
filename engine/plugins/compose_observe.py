"""The shell that observes a Compose service and decides what is due."""

from __future__ import annotations

from engine.plugins.compose_client import COMPOSE_CLIENT
from engine.plugins.ledger import LEDGER
from engine.plugins.watching import WATCHING

INSPECT = r"""
inspect_format='{{.ID}} {{.State.Status}} {{json .State.StartedAt}} {{json .State.FinishedAt}}'
inspect_format=$inspect_format' {{with .State.Health}}{{or .Status "none"}}{{else}}none{{end}} {{.RestartCount}}'
inspect_format=$inspect_format' {{.Image}} {{.Config.Image}}'
inspect_format=$inspect_format' {{or (index .Config.Labels "com.docker.compose.config-hash") "-"}}'
inspect_format=$inspect_format' {{or (index .Config.Labels "io.podman.compose.config-hash") "-"}}'
inspect_format=$inspect_format' {{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}} {{.HostConfig.PidMode}}'
inspect_format=$inspect_format' {{range .HostConfig.VolumesFrom}}container:{{.}} {{end}}'

# Looks at the containers $ids: sets status (of the first that does not run, else running; absent), identity and its
# parts id_list and starts, ended (when each last stopped), health, restarts, image, image_name, hash and references.
inspect_service() {
  status=absent id_list='' starts='' ended='' health='' restarts=0 image='' image_name='' hash='' references=''
  if [ -n "$ids" ]; then
    # shellcheck disable=SC2086
    inspected=$("$engine" inspect --type container --format "$inspect_format" $ids)
    status=running
    inspect_rest=$inspected$newline
    while [ -n "$inspect_rest" ]; do
      inspect_line=${inspect_rest%%"$newline"*}
      inspect_rest=${inspect_rest#*"$newline"}
      if [ -n "$inspect_line" ]; then
        # shellcheck disable=SC2086
        inspect_one $inspect_line
      fi
    done
  fi
  identity="$id_list $starts"
}
inspect_one() {
  id_list=$id_list${id_list:+,}$1
  if [ "$2" != running ]; then
    status=$2
  fi
  inspect_time=${3#\"}
  starts=$starts${starts:+,}${inspect_time%\"}
  inspect_time=${4#\"}
  ended=$ended${ended:+,}${inspect_time%\"}
  case $health/$5 in
    unhealthy/*) ;;
    */unhealthy | */starting) health=$5 ;;
    /*) health=$5 ;;
  esac
  restarts=$((restarts + $6))
  inspect_same image "$7"
  inspect_same image_name "$8"
  inspect_hash=$9
  shift 9
  if [ "$inspect_hash" = - ]; then
    inspect_hash=$1
  fi
  inspect_same hash "$inspect_hash"
  shift
  inspect_refer "$@"
}
# $1 is the name of a variable that holds what every container has, or `differ`.
inspect_same() {
  eval "inspect_old=\$$1"
  if [ -n "$inspect_old" ] && [ "$inspect_old" != "$2" ]; then
    eval "$1=differ"
  else
    eval "$1=\$2"
  fi
}
# Other containers whose network, IPC, PID namespace or volumes are used.
inspect_refer() {
  while [ "$#" -gt 0 ]; do
    case $1 in
      container:*)
        references="$references ${1#container:}"
        ;;
    esac
    shift
  done
}
"""

CONFIGURATION = r"""
# The hash of the service's configuration as the client computes it: sets want and config. config is want where the
# containers have it, or where Compose leaves them as they are although their hash is another.
configuration() {
  want=$(config_hash) || fail "$client cannot tell the configuration of service $service in $PWD"
  config=$hash
  if [ "$want" = "$hash" ]; then
    return 0
  fi
  if [ "$client_major" != 1 ] && [ "$engine" = docker ]; then
    # Its `config --hash` leaves values from env_file out, which `up` hashes; in the resolved text they are in place.
    resolved=$(compose config) || fail "$client cannot tell the configuration of service $service in $PWD"
    want=$(printf '%s\n' "$resolved" | compose -p "$project" --project-directory . -f - config --hash "$service") ||
      fail "$client cannot tell the configuration of service $service in $PWD"
    want=${want##* }
  fi
  if [ "$want" != "$hash" ] && [ "$ledger_accepted" = "$id_list $want" ] && references_there; then
    config=$want
  fi
}
config_hash() {
  case $client_major in
    1) config_line=$(compose config --hash="$service") || return 1 ;;
    *) config_line=$(compose config --hash "$service") || return 1 ;;
  esac
  config_line=${config_line##* }
  case $config_line in
    '' | *[!0-9a-f]*) return 1 ;;
  esac
  printf '%s\n' "$config_line"
}
references_there() {
  for reference in $references; do
    if ! "$engine" inspect --type container --format . "${reference%%:*}" >/dev/null 2>&1; then
      return 1
    fi
  done
}
# The image that the containers' image name stands for now: sets want_image; where it is not there, theirs.
images() {
  want_image=$("$engine" image inspect --format '{{.Id}}' "$image_name" 2>/dev/null) || want_image=$image
}
"""

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
  compose_find
  inspect_service
  ledger_read
  stale='' late=''
  if [ "$wanted" != running ]; then
    return 0
  fi
  configuration
  if [ "$status" = absent ]; then
    return 0
  fi
  images
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
  stale=''
  sample_n=0 sample_name=''
  while [ "$sample_n" -lt "$watch_count" ]; do
    part "$sample_n"
    eval "sample_name=\$watch_$sample_n fingerprint_$sample_n=\$fingerprint ctime_$sample_n=\$ctime"
    verdict=current
    if [ "$status" = running ] || [ "$status" = paused ]; then
      judge "$sample_name" "$fingerprint" "$ctime"
    fi
    eval "verdict_$sample_n=\$verdict"
    if [ "$verdict" != current ]; then
      stale="$stale${stale:+, }$sample_name"
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

OBSERVING = TOOLS + CONFIGURATION + READY_NOW + OBSERVE

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
