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
# Finds and inspects the containers again.
look() {
  containers_again
  inspect_service
}
# Brings the service up. What it depends on is created and started with it, but never replaced.
perform_up() {
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
}
perform() {
  old_identity=$identity
  case $due in
    stop)
      compose stop "$service"
      return 0
      ;;
    remove)
      compose rm -s -f "$service"
      rm -rf "${ledger_dir:?}/../prepared/$ledger_name" "${ledger_dir:?}/$ledger_name"
      return 0
      ;;
  esac
  if [ "$status" = paused ]; then
    compose unpause "$service"
    look
    sample
    decide
    if [ "$due" = none ]; then
      return 0
    fi
  fi
  perform_begin
  case $due in
    restart) compose restart "$service" ;;
    *) perform_up ;;
  esac
  look
  if [ "$due" = recreate ] && [ "$identity" = "$old_identity" ]; then
    perform_accept
    return 0
  fi
  if [ "$due" != restart ] && some_kept; then
    compose restart "$service"
    look
  fi
  if [ "$status" = absent ]; then
    fail "$client reported success, but service $service has no container"
  fi
  if [ "$due" = restart ] && [ "$identity" = "$old_identity" ]; then
    fail "$client reported success, but service $service still runs since before"
  fi
  perform_record
  ready_wait
}
# Of several containers, those that had nothing to be done still run since before, perhaps with older content.
some_kept() {
  kept_ids=$id_list, kept_starts=$starts,
  while [ -n "$kept_ids" ]; do
    case ",${old_identity%% *},/,${old_identity#* }," in
      *",${kept_ids%%,*},"*/*",${kept_starts%%,*},"*) return 0 ;;
    esac
    kept_ids=${kept_ids#*,}
    kept_starts=${kept_starts#*,}
  done
  return 1
}
# Content inside a container cannot be seen before it runs; then whatever is older than the start in whole seconds
# was there before it.
perform_begin() {
  begin_n=0
  begun=$(date +%s)
  while [ "$begin_n" -lt "$watch_count" ]; do
    if [ "$due" = create ] || [ "$due" = recreate ]; then
      part "$begin_n"
      part_fact inside
      if [ -n "$part_value" ]; then
        # What is inside the container that is replaced says nothing about the new one.
        fingerprint='' ctime=''
      fi
      eval "fingerprint_$begin_n=\$fingerprint ctime_$begin_n=\$ctime"
    fi
    eval "begin_blind=\$fingerprint_$begin_n"
    eval "old_fingerprint_$begin_n=\$fingerprint_$begin_n old_ctime_$begin_n=\$ctime_$begin_n"
    if [ -z "$begin_blind" ] && [ "$begun" = "$(date +%s)" ]; then
      sleep 1
    fi
    begin_n=$((begin_n + 1))
  done
  begun=$(date +%s)
}
# `up -d` looked at the containers and left them as they were: their hash is as good as the one it was asked for.
perform_accept() {
  ledger_accepted="$id_list $want"
  ledger_write
  config=$want want_image=$image
  sample
  decide
  if [ "$due" = none ]; then
    fact changed no
  else
    perform
  fi
}
# Writes down what the containers were started with.
perform_record() {
  hash_wanted=$want
  sample
  ledger_watches='' ledger_failed='' ledger_dirty='' ledger_accepted='' unsure=''
  record_n=0
  while [ "$record_n" -lt "$watch_count" ]; do
    eval "settle \"\$watch_$record_n\" \"\$old_fingerprint_$record_n\" \"\$old_ctime_$record_n\" \\
      \"\$fingerprint_$record_n\" \"\$ctime_$record_n\""
    record_n=$((record_n + 1))
  done
  ledger_entry=$identity
  if [ -n "$unsure" ]; then
    ledger_dirty=$identity
  fi
  if [ "$hash" != "$hash_wanted" ]; then
    ledger_accepted="$id_list $hash_wanted"
  fi
  ledger_write || printf 'The ledger %s could not be written; the next apply may restart once more.\n' "$ledger_dir"
}
