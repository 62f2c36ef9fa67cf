compose_enter
where="in the container of service $service"
# Asks the interpreter in the container $1 for $2, with the rest as further arguments; the request is in pip_lines.
pip_exec() {
  pip_id=$1
  shift
  printf '%s\n' "$pip_lines" | "$engine" exec -i "$pip_id" "$python" -B -c "$pip_python" "$@"
}
# The same, or it fails. What cannot be started is told on standard output.
pip_inside() {
  heard=$(pip_exec "$@") || fail "$python failed in a container of service $service. $heard"
  printf '%s\n' "$heard"
}
# The same for what is required, from the look that the probe and who watches it share; fails where it is not there.
pip_seen() {
  case ${checked-} in
    *"#container $1$newline"*) ;;
    *) return 1 ;;
  esac
  said=${checked##*"#container $1$newline"}
  said=${said%%"$newline#container "*}
}
# What was installed into containers before they ever ran with it, one `ID DIGEST` a line.
installed_path() {
  ledger_path
  installed_dir=${ledger_dir%/ledger}/installed
}
installed_read() {
  installed_path
  installed=
  if [ -r "$installed_dir/$ledger_name" ]; then
    installed=$(cat "$installed_dir/$ledger_name")
  fi
}
# The digest of what is required of the container $1: the request and the requirements file.
installed_digest() {
  installed_file=
  if [ -n "$requirements" ]; then
    installed_file=$("$engine" cp "$1:$requirements" - 2>/dev/null | sha256) || installed_file=
  fi
  digest=$(printf '%s\n' "$pip_public" "$installed_file" | sha256)
}
# Whether all containers of the service have it.
installed_all() {
  for id in $ids; do
    installed_digest "$id"
    case "$newline$installed$newline" in
      *"$newline$id $digest$newline"*) ;;
      *) return 1 ;;
    esac
  done
}
# Where what the container that replaces the present one is to have waits: sets prepared. `.tar` is that, if it lacks any
# of it; `.ready` says that this is known.
prepared_name() {
  ledger_path
  prepared_dir=${ledger_dir%/ledger}/prepared/$ledger_name
  named=$(printf '%s\n' "$pip_public" | sha256)
  prepared=$prepared_dir/$want.$named
}
# Whether the containers are those that the present configuration would make.
lasting() {
  configuration_see
  [ "$config" = "$want" ] && [ "$image" = "$want_image" ]
}
