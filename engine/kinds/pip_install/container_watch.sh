fact inside 1
digests='' ctime=''
if [ -z "$missing" ]; then
  compose_see
  for id in $ids; do
    if pip_seen "$id" || said=$(pip_exec "$id" check); then
      said_fact fingerprint
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
