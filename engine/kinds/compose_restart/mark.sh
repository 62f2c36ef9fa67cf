compose_enter
if [ -z "$missing" ]; then
  compose_find
  inspect_service
  if [ "$status" = running ] || [ "$status" = paused ] || [ "$status" = restarting ]; then
    ledger_read
    if [ "$ledger_dirty" != "$identity" ]; then
      ledger_dirty=$identity
      ledger_write
    fi
  fi
fi
