fact inside 1
digests='' ctime=''
if [ -z "$missing" ]; then
  compose_see
  for id in $ids; do
    if pip_seen "$id" || { python_find && said=$(pip_exec "$id" check); }; then
      said_fact fingerprint
      digests=$digests$value
      said_fact ctime
      if [ -n "$value" ] && { [ -z "$ctime" ] || [ "${value%%.*}" -gt "${ctime%%.*}" ]; }; then
        ctime=$value
      fi
    else
      [ -z "$python_why" ] || said="$python_why: name its interpreter in \`python\`"
      inspect_service
      # Where the container goes anyway, it does not matter what is in it.
      if [ "$status" = running ] && lasting; then
        fail "${python:-Python} failed in a container of service $service. $said"
      fi
      digests='' ctime=''
      break
    fi
  done
fi
fact fingerprint "$digests"
fact ctime "$ctime"
