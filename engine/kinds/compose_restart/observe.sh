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
