"""Looking at a Compose service: its containers, its configuration, and one look at them for several probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.kinds.compose_restart.client import COMPOSE_CLIENT
from engine.kinds.compose_restart.project import project_vars
from engine.kit.ledger import LEDGER
from engine.kit.watching import WATCHING
from engine.model import Script

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
    resolved=$(compose_read config) || fail "$client cannot tell the configuration of service $service in $PWD"
    want=$(printf '%s\n' "$resolved" |
      compose_read -p "$project" --project-directory . -f - config --hash "$service") ||
      fail "$client cannot tell the configuration of service $service in $PWD"
    want=${want##* }
  fi
  if [ "$want" != "$hash" ] && [ "$ledger_accepted" = "$id_list $want" ] && references_there; then
    config=$want
  fi
}
config_hash() {
  case $client_major in
    1) config_line=$(compose_read config --hash="$service") || return 1 ;;
    *) config_line=$(compose_read config --hash "$service") || return 1 ;;
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

SEE = r"""
see_names='engine client client_major plugin project gone ids status id_list starts ended health restarts'
see_names=$see_names' image image_name hash references want config want_image'

# Finds and inspects the service's containers, or takes what the look `seen` found, which other probes share; and
# reads the ledger. After it, configuration_see has less to do or nothing.
compose_see() {
  want='' config='' want_image=''
  if [ -n "${seen-}" ]; then
    for see_name in $see_names; do
      see_value=${seen#*"$newline$see_name="}
      see_value=${see_value%%"$newline"*}
      eval "$see_name=\$see_value"
    done
    identity="$id_list $starts"
  else
    compose_find
    inspect_service
  fi
  ledger_read
}
# The configuration, and where there are containers the image: sets want, config, want_image.
configuration_see() {
  if [ -z "$want" ]; then
    configuration
  fi
  if [ -z "$want_image" ] && [ "$status" != absent ]; then
    images
  fi
}
"""
"""Gives `compose_see` and `configuration_see`; call `compose_enter` before. `seen` is what SERVICE_LOOK printed."""

SERVICE_LOOK = (
    WATCHING
    + COMPOSE_CLIENT
    + LEDGER
    + INSPECT
    + CONFIGURATION
    + SEE
    + r"""
compose_enter
if [ -z "$missing" ]; then
  compose_see
  if [ "$status" != absent ]; then
    configuration_see
  fi
  echo
  for see_name in $see_names; do
    eval "see_value=\$$see_name"
    printf '%s=%s\n' "$see_name" "$see_value"
  done
  echo .
fi
"""
)
"""Prints what `compose_see` takes; nothing where there is no project."""


def service_look(project: Mapping[str, Any]) -> dict[str, Script]:
    """The look `seen` at a service, which the values of PROJECT_PARAMS name."""
    return {"seen": Script(SERVICE_LOOK, project_vars(project))}
