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
