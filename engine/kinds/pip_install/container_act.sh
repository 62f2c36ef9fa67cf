if [ -n "$missing" ]; then
  fail "$missing; nothing was installed"
fi
compose_see
if [ -n "$gone" ]; then
  fail "the container of $service was made by $gone, which is not there any more; nothing was changed"
fi
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
  if [ -z "$installed_any" ]; then
    fact changed no
  fi
else
  install_stopped
fi
