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
