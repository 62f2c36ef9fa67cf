# How a service of a Compose project is found, inspected, started and stopped.
compose_found=

service_find() {
  if [ -n "$compose_found" ]; then
    containers_again
    inspect_service
    ledger_accepted=
    if [ "$hash" != "$want" ]; then
      ledger_accepted="$id_list $want"
    fi
    return 0
  fi
  compose_enter
  if [ -n "$missing" ]; then
    service_left
    return 0
  fi
  compose_found=1
  compose_see
  if [ -n "$gone" ] && [ "$status" != absent ]; then
    refused="the container of $service was made by $gone, which is not on this host any more; $client would replace it."
    refused="$refused Set \`client: $client\` to let it."
  fi
}
# Without its project a service cannot be stopped or removed as Compose would.
service_left() {
  [ "$wanted" != running ] || return 0
  compose_engine
  found=$(containers --filter "label=com.docker.compose.service=$service" \
    --filter "label=com.docker.compose.project.working_dir=$project_dir")
  if [ -n "$found" ]; then
    found=${found%% *}
    fail "$missing, but service $service still has the container $found; remove it with: $engine rm -f $found"
  fi
}
service_details() {
  configuration_see
  [ "$status" != absent ] || return 0
  if [ "$config" != "$want" ] || [ "$image" != "$want_image" ]; then
    outdated=1
  fi
  if [ "$status" = running ]; then
    mounts_behind
  fi
  if [ "$ledger_failed" = "$identity" ] && [ "$status" = running ] && ! ready_now; then
    late=1
  fi
}
service_facts() {
  fact client "$client"
  [ "$wanted" = running ] || return 0
  fact want "$want"
  [ "$status" != absent ] || return 0
  fact config "$config"
  fact image "$image"
  fact want_image "$want_image"
  fact health "$health"
  fact behind "$behind"
}

# How it ended: sets ending.
service_ending() {
  ending='is not running'
  for id in $ids; do
    ending_code=$("$engine" inspect --type container --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$id") || continue
    ending="ended with exit code ${ending_code% *}"
    case $ending_code in *true) ending="$ending (out of memory)" ;; esac
    break
  done
  ending_from='' ending_to=''
  if epoch_of "${starts%%,*}"; then ending_from=$epoch; fi
  if epoch_of "${ended%%,*}"; then ending_to=$epoch; fi
  if [ -n "$ending_from" ] && [ -n "$ending_to" ] && [ "$ending_to" -ge "$ending_from" ]; then
    ending="$ending, $((ending_to - ending_from)) s after its start"
  fi
}
service_why() {
  service_ending
  why="service $service $ending; its log ends with:"
  for id in $ids; do
    why_log=$("$engine" logs --tail 5 "$id" 2>&1) || why_log='(no log)'
    why=$why$newline$why_log
  done
}

service_stop() { compose stop "$service"; }
service_resume() { compose unpause "$service"; }
service_restart() { compose restart "$service"; }
service_remove() {
  compose rm -s -f "$service"
  rm -rf "${ledger_dir:?}/../prepared/$ledger_name"
}
# What it depends on is created and started with it, but never replaced.
service_start() {
  case $due/$status in
    create/*)
      prepare
      compose up -d --no-recreate "$service"
      ;;
    recreate/running)
      compose up -d --no-recreate "$service"
      if [ -d "$ledger_dir/../prepared/$ledger_name" ]; then
        compose up --no-start --no-deps "$service"
        prepare
      fi
      if [ -n "$references" ]; then
        # The hash of a service that uses another's network or volumes is right only where the other takes part.
        compose up -d "$service"
      else
        compose up -d --no-deps "$service"
      fi
      ;;
    recreate/*)
      compose up --no-start --no-deps "$service"
      prepare
      compose up -d --no-recreate "$service"
      ;;
    *) compose up -d --no-recreate "$service" ;;
  esac
  rm -rf "${ledger_dir:?}/../prepared/$ledger_name"
  if [ "$due" = recreate ]; then
    service_accept
  fi
}
# Where `up -d` looked at the containers and left them as they were, their hash is as good as the one it was asked for.
service_accept() {
  service_again
  [ "$identity" = "$old_identity" ] || return 0
  ledger_accepted="$id_list $want"
  ledger_write
  config=$want want_image=$image outdated=''
  service_compare
  service_decide
  service_perform
  exit 0
}
# What a container is created with beside its image and configuration: files that were prepared for its first start.
prepare() {
  prepared=$ledger_dir/../prepared/$ledger_name
  if [ ! -d "$prepared" ]; then
    return 0
  fi
  compose up --no-start --no-recreate "$service"
  containers_again
  for archive in "$prepared/$want".*.tar; do
    if [ -f "$archive" ]; then
      for id in $ids; do
        "$engine" cp - "$id:/" <"$archive"
      done
    fi
  done
  sleep 1
  begun=$(date +%s)
}
