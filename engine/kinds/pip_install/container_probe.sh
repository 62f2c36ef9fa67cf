unknown=
fact missing_project "$missing"
if [ -z "$missing" ]; then
  compose_see
  if [ "$status" = absent ]; then
    python_needed
    unknown="service $service has no container yet"
  elif [ "$phase" = plan ] && ! lasting; then
    # What is in the container that goes says nothing of the one that comes.
    unknown="the container of service $service will be replaced"
  elif [ "$status" != running ]; then
    installed_read
    if ! installed_all; then
      python_needed
      unknown="service $service does not run"
    fi
  elif ! lasting; then
    prepared_name
    if [ ! -e "$prepared.ready" ]; then
      unknown="the container of service $service will be replaced"
    fi
  else
    python_needed
    for id in $ids; do
      pip_seen "$id" || said=$(pip_inside "$id" check)
      said_facts
      said_fact absent
      absent=$value
      said_fact missing
      [ -z "$value$absent" ] || break
    done
  fi
fi
fact unknown "$unknown"
