[ -z "$missing" ] || fail "$missing; nothing was installed"
compose_see
[ -z "$gone" ] || fail "the container of $service was made by $gone, which is not there any more; nothing was changed"
lasting=no
if [ "$status" != absent ] && lasting; then
  lasting=yes
fi
if [ "$status" = running ]; then
  install_running
  prepared_dir=${ledger_dir%/ledger}/prepared
  if [ "$lasting" = no ]; then
    oneoff_start
    oneoff_install
    named=$(printf '%s\n' "$pip_public" | sha256)
    oneoff_keep "$want.$named.tar"
    installed_any=$installed_any$staged
  fi
  [ -n "$installed_any" ] || fact changed no
else
  install_stopped
fi
