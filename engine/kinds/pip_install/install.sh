# A container of the service that runs nothing but the interpreter, from the present configuration: sets oneoff, or fails
# where it cannot be started.
oneoff_start() {
  oneoff_name=$project-$service-pip-install
  "$engine" rm -f -v "$oneoff_name" >/dev/null 2>&1 || true
  trap oneoff_end EXIT
  trap 'exit 1' HUP INT TERM
  compose run -d --no-deps --name "$oneoff_name" --entrypoint "$python" "$service" \
    -c 'import time; time.sleep(7200)' >/dev/null || return 1
  oneoff=$("$engine" inspect --type container --format '{{.ID}}' "$oneoff_name")
}
oneoff_end() {
  "$engine" rm -f -v "$oneoff_name" >/dev/null 2>&1 || true
}
# Installs in the one-off container. Sets staged where there is something to copy from its $stage.
oneoff_install() {
  staged='' stage=/tmp/.state-engine-pip
  pip_lacking pip_inside "$oneoff"
  [ -n "$lacking" ] || return 0
  said=$(pip_inside "$oneoff" written)
  said_fact written
  written=$value
  pip_install pip_inside "$oneoff"
  pip_lines="$pip_lines${newline}before $written"
  pip_exec "$oneoff" collect "$stage"
  staged=1
}
# Copies what was added into the container $1, which need not run.
oneoff_copy() {
  "$engine" cp "$oneoff:$stage/." - | "$engine" cp - "$1:/"
}
# Keeps what was added for the container that will replace the present one.
oneoff_keep() {
  (
    umask 077
    # The service finds the one from the other.
    mkdir -p "$prepared_dir" "$ledger_dir"
    rm -f "$prepared.tar"
    if [ -n "$staged" ]; then
      "$engine" cp "$oneoff:$stage/." - >"$prepared.new"
      mv -f "$prepared.new" "$prepared.tar"
    fi
    : >"$prepared.ready"
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
    pip_lacking pip_inside "$id"
    if [ "$lacking" ]; then
      installed_any=1
      pip_exec "$id" install
    fi
  done
  [ -n "$installed_any" ] || fact changed no
}
# For the container that will replace one that runs. What runs may be what is to be cured: it tells the interpreter at
# most. Where it does not, or the new one has another, the new one is seen to when it runs.
install_ahead() {
  found_python=
  if [ -z "$python" ]; then
    found_python=1
    if ! python_find; then
      printf '%s; what is required is checked once the new container runs\n' "$python_why"
      fact changed no
      return 0
    fi
  fi
  prepared_name
  if ! oneoff_start; then
    [ "$found_python" ] || fail "$python could not be started in a new container of service $service"
    printf '%s cannot be started in a new container; what is required is checked once it runs\n' "$python"
    fact changed no
    return 0
  fi
  oneoff_install
  oneoff_keep
  [ -n "$staged" ] || fact changed no
}
# Into containers that do not run: from a one-off container, so that the service never runs without.
install_stopped() {
  installed_read
  if [ "$lasting" = yes ] && [ "$status" != absent ] && installed_all; then
    fact changed no
    return 0
  fi
  python_needed
  if [ "$status" = absent ]; then
    compose up --no-start --no-recreate "$service"
  elif [ "$lasting" = no ]; then
    compose up --no-start --no-deps "$service"
  else
    pip_lines=$pip_lines${newline}existing\ 1
  fi
  containers_again
  oneoff_start || fail "$python could not be started in a new container of service $service"
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
