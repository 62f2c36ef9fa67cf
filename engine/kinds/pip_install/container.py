"""The shell of pip-install inside the containers of a Compose service, running or not."""

from __future__ import annotations

from engine.kinds.compose_restart.client import COMPOSE_CLIENT
from engine.kinds.compose_restart.look import CONFIGURATION, INSPECT, SEE
from engine.kinds.pip_install.scripts import ASKING
from engine.kit.ledger import LEDGER
from engine.kit.watching import WATCHING

IN_CONTAINER = r"""
# Asks the interpreter in the container $1 for $2, with the rest as further arguments; the request is in pip_lines.
pip_exec() {
  pip_id=$1
  shift
  printf '%s\n' "$pip_lines" | "$engine" exec -i "$pip_id" "$python" -B -c "$pip_python" "$@"
}
# The same, into $said. What cannot be started is told on standard output.
pip_ask() {
  said=$(pip_exec "$@") || fail "$python failed in a container of service $service. $said"
}
# The same for what is required, from the look that the probe and who watches it share; fails where it is not there.
pip_seen() {
  case ${checked-} in
    *"#container $1$newline"*) ;;
    *) return 1 ;;
  esac
  said=${checked##*"#container $1$newline"}
  said=${said%%"$newline#container "*}
}
# What was installed into containers before they ever ran with it, one `ID DIGEST` a line.
installed_path() {
  ledger_path
  installed_dir=${ledger_dir%/ledger}/installed
}
installed_read() {
  installed_path
  installed=
  if [ -r "$installed_dir/$ledger_name" ]; then
    installed=$(cat "$installed_dir/$ledger_name")
  fi
}
# The digest of what is required of the container $1: the request and the requirements file.
installed_digest() {
  installed_file=
  if [ -n "$requirements" ]; then
    installed_file=$("$engine" cp "$1:$requirements" - 2>/dev/null | sha256) || installed_file=
  fi
  digest=$(printf '%s\n' "$pip_public" "$installed_file" | sha256)
}
# Whether all containers of the service have it.
installed_all() {
  for id in $ids; do
    installed_digest "$id"
    case "$newline$installed$newline" in
      *"$newline$id $digest$newline"*) ;;
      *) return 1 ;;
    esac
  done
}
# Whether the containers are those that the present configuration would make.
lasting() {
  configuration_see
  [ "$config" = "$want" ] && [ "$image" = "$want_image" ]
}
"""

_CONTAINER = (
    WATCHING
    + ASKING
    + COMPOSE_CLIENT
    + LEDGER
    + INSPECT
    + CONFIGURATION
    + SEE
    + IN_CONTAINER
    + r"""
pip_lines=$(pip_request "$@")
compose_enter
"""
)

CONTAINER_LOOK = (
    _CONTAINER
    + r"""
if [ -z "$missing" ]; then
  compose_see
  if [ "$status" = running ]; then
    for id in $ids; do
      if said=$(pip_exec "$id" check); then
        printf '#container %s\n%s\n' "$id" "$said"
      fi
    done
  fi
fi
"""
)
"""Prints what the interpreter in each container of a running service says of what is required."""

CONTAINER_PROBE = (
    _CONTAINER
    + r"""
unknown=
fact missing_project "$missing"
if [ -z "$missing" ]; then
  compose_see
  if [ "$status" = absent ]; then
    unknown="service $service has no container yet"
  elif [ "$phase" = plan ] && ! lasting; then
    unknown="the container of service $service will be replaced"
  elif [ "$status" != running ]; then
    installed_read
    if ! installed_all; then
      unknown="service $service does not run"
    fi
  else
    for id in $ids; do
      pip_seen "$id" || pip_ask "$id" check
      said_facts
      said_fact absent
      absent=$value
      said_fact missing
      if [ -n "$value$absent" ]; then
        break
      fi
    done
  fi
fi
fact unknown "$unknown"
"""
)
"""Facts: missing_project (what of it is not there), unknown (why nothing can be told), absent, missing, count. A plan
starts no container to find out."""

CONTAINER_WATCH = (
    _CONTAINER
    + r"""
fact inside 1
digests='' ctime=''
if [ -z "$missing" ]; then
  compose_see
  for id in $ids; do
    if pip_seen "$id" || said=$(pip_exec "$id" check); then
      said_fact fingerprint
      digests=$digests$value
      said_fact absent
      digests=$digests$value
      said_fact ctime
      if [ -n "$value" ] && { [ -z "$ctime" ] || [ "${value%%.*}" -gt "${ctime%%.*}" ]; }; then
        ctime=$value
      fi
    else
      inspect_service
      if [ "$status" = running ]; then
        fail "$python failed in a container of service $service. $said"
      fi
      digests='' ctime=''
      break
    fi
  done
fi
fact fingerprint "$digests"
fact ctime "$ctime"
"""
)

_INSTALL = r"""
# A container of the service that runs nothing but the interpreter, from the present configuration: sets oneoff.
oneoff_start() {
  oneoff_name=$project-$service-pip-install
  "$engine" rm -f -v "$oneoff_name" >/dev/null 2>&1 || true
  trap oneoff_end EXIT
  trap 'exit 1' HUP INT TERM
  compose run -d --no-deps --name "$oneoff_name" --entrypoint "$python" "$service" \
    -c 'import time; time.sleep(7200)' >/dev/null
  oneoff=$("$engine" inspect --type container --format '{{.ID}}' "$oneoff_name")
}
oneoff_end() {
  "$engine" rm -f -v "$oneoff_name" >/dev/null 2>&1 || true
}
# Installs in the one-off container. Sets staged where there is something to copy from its $stage.
oneoff_install() {
  staged='' stage=/tmp/.state-engine-pip
  pip_ask "$oneoff" check
  said_fact absent
  if [ -n "$value" ]; then
    fail "the requirements file $value is not in the container of service $service; nothing was installed"
  fi
  said_fact missing
  if [ -n "$value" ]; then
    pip_ask "$oneoff" written
    said_fact written
    written=$value
    pip_exec "$oneoff" install
    pip_ask "$oneoff" check
    said_satisfied
    pip_lines="$pip_lines${newline}before $written"
    pip_exec "$oneoff" collect "$stage"
    staged=1
  fi
}
# Copies what was added into the container $1, which need not run.
oneoff_copy() {
  "$engine" cp "$oneoff:$stage/." - | "$engine" cp - "$1:/"
}
# Keeps what was added for the container that will replace the present one.
oneoff_keep() {
  (
    umask 077
    mkdir -p "$prepared_dir/$ledger_name"
    if [ -n "$staged" ]; then
      "$engine" cp "$oneoff:$stage/." - >"$prepared_dir/$ledger_name/.$1.new"
      mv -f "$prepared_dir/$ledger_name/.$1.new" "$prepared_dir/$ledger_name/$1"
    else
      rm -f "$prepared_dir/$ledger_name/$1"
      rmdir "$prepared_dir/$ledger_name" 2>/dev/null || true
    fi
  )
}
installed_write() {
  installed_path
  installed_lines=
  for id in $ids; do
    installed_digest "$id"
    installed_lines="$installed_lines$id $digest$newline"
  done
  installed_read
  # Other requirements of the same containers stay noted; those of containers that are gone do not.
  installed_rest=$installed$newline
  while [ -n "$installed_rest" ]; do
    installed_line=${installed_rest%%"$newline"*}
    installed_rest=${installed_rest#*"$newline"}
    case " $ids " in
      *" ${installed_line%% *} "*) installed_lines="$installed_lines$installed_line$newline" ;;
    esac
  done
  (umask 077 && mkdir -p "$installed_dir" && printf '%s' "$installed_lines" >"$installed_dir/.$ledger_name.new")
  mv -f "$installed_dir/.$ledger_name.new" "$installed_dir/$ledger_name"
}
install_running() {
  installed_any=
  for id in $ids; do
    pip_ask "$id" check
    said_fact absent
    if [ -n "$value" ]; then
      fail "the requirements file $value is not in the container of service $service; nothing was installed"
    fi
    said_fact missing
    if [ -n "$value" ]; then
      installed_any=1
      pip_exec "$id" install
    fi
  done
}
# Into containers that do not run: from a one-off container, so that the service never runs without.
install_stopped() {
  installed_read
  if [ "$lasting" = yes ] && [ "$status" != absent ] && installed_all; then
    fact changed no
    return 0
  fi
  if [ "$status" = absent ]; then
    compose up --no-start --no-recreate "$service"
  elif [ "$lasting" = no ]; then
    compose up --no-start --no-deps "$service"
  else
    pip_lines=$pip_lines${newline}existing\ 1
  fi
  containers_again
  oneoff_start
  oneoff_install
  if [ -n "$staged" ]; then
    for id in $ids; do
      oneoff_copy "$id"
    done
  fi
  installed_write
  if [ -z "$staged" ]; then
    fact changed no
  fi
}
"""

CONTAINER_ACT = (
    _CONTAINER
    + _INSTALL
    + r"""
if [ -n "$missing" ]; then
  fail "$missing; nothing was installed"
fi
compose_see
if [ -n "$gone" ]; then
  fail "the container of $service was made by $gone, which is not there any more; nothing was changed"
fi
lasting=no
if [ "$status" != absent ] && lasting; then
  lasting=yes
fi
if [ "$status" = running ]; then
  install_running
  prepared_dir=${ledger_dir%/ledger}/prepared
  if [ "$lasting" = no ]; then
    oneoff_start
    oneoff_install
    named=$(printf '%s\n' "$pip_public" | sha256)
    oneoff_keep "$want.$named.tar"
    installed_any=$installed_any$staged
  fi
  if [ -z "$installed_any" ]; then
    fact changed no
  fi
else
  install_stopped
fi
"""
)
