see_names='engine client client_major plugin project gone ids status id_list starts ended health restarts'
see_names=$see_names' image image_name hash references pids want config want_image'

# Finds and inspects the service's containers, or takes what the shared probe `seen` found; and reads
# the ledger. After it, configuration_see has less to do or nothing.
compose_see() {
  want='' config='' want_image=''
  if [ -n "${seen-}" ]; then
    for see_name in $see_names; do
      see_value=${seen#*"$newline$see_name="}
      see_value=${see_value%%"$newline"*}
      eval "$see_name=\$see_value"
    done
    identity="$id_list $starts"
  else
    compose_find
    inspect_service
  fi
  ledger_name=$project.$service
  ledger_read
}
# The configuration, and where there are containers the image: sets want, config, want_image.
configuration_see() {
  if [ -z "$want" ]; then
    configuration
  fi
  if [ -z "$want_image" ] && [ "$status" != absent ]; then
    images
  fi
}
