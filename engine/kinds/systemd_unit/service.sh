# A unit of systemd as a service: who runs is told by its invocation, and since when by the time its start began. It is
# active only when it is ready, long after it may have read its files.
export SYSTEMD_COLORS=0 SYSTEMD_PAGER='' SYSTEMD_LOG_LEVEL=notice
if [ "$user_scope" ] && [ -z "${XDG_RUNTIME_DIR-}" ]; then
  XDG_RUNTIME_DIR=/run/user/$(id -u)
  export XDG_RUNTIME_DIR
fi
ctl() { systemctl ${user_scope:+--user} --no-ask-password --no-pager "$@"; }

# The value of property $1 among those found: sets `value`.
property() {
  value=${properties#*"$newline$1="}
  [ "$value" != "$properties" ] || value="$newline"
  value=${value%%"$newline"*}
}
service_find() {
  need systemctl
  ledger_name=systemd.${user_scope:+user.}$unit
  if [ "$user_scope" ] && [ ! -S "$XDG_RUNTIME_DIR/systemd/private" ]; then
    missing="no systemd runs for this user, so there are no units of it: run loginctl enable-linger $(id -un)"
    return 0
  fi
  properties=$(TZ=UTC ctl show -p LoadState -p ActiveState -p SubState -p InvocationID -p InactiveExitTimestamp \
    -p NeedDaemonReload -p UnitFileState -p FragmentPath -p Type -p Result -p ExecMainStatus -p ExecMainCode \
    -p NRestarts -- "$unit")
  properties=$newline$properties
  property LoadState
  load=$value
  property FragmentPath
  fragment=$value
  property ActiveState
  active=$value
  property InvocationID
  id_list=${value:-none}
  property InactiveExitTimestamp
  starts=''
  # `Sat 2024-01-06 12:00:00 UTC`
  case $value in *' '*' '*' '*)
    value=${value#* }
    starts=${value%% *}T
    value=${value#* }
    starts=$starts${value%% *}Z
    ;;
  esac
  unit_status
}
unit_status() {
  case $active in
    active | reloading | refreshing) status=running ;;
    activating) status=restarting ;;
    deactivating) status=stopping ;;
    failed) status=failed ;;
    *) status=dead ;;
  esac
  case $load/$status in
    not-found/running | not-found/restarting | not-found/stopping) ;;
    not-found/*)
      status=absent
      [ "$wanted" = absent ] || [ "$own_file" ] || missing="there is no unit $unit on this host"
      ;;
    bad-setting/* | error/*)
      [ "$own_file" ] || [ "$wanted" != running ] || refused="systemd cannot load $unit: its unit file is wrong ($load)"
      ;;
    masked/*)
      if [ "$wanted" = running ] && [ "$masked" != no ]; then
        refused="$unit is masked, so it cannot be started; set masked: false to unmask it"
      fi
      ;;
  esac
}
service_facts() {
  property UnitFileState
  fact enabled "$value"
  fact fragment "$fragment"
  property NeedDaemonReload
  [ "$value" != yes ] || fact reload 1
}
unit_probe() {
  service_probe
  [ -z "$missing" ] || exit 0
}

service_start() {
  [ "$status" != failed ] || ctl reset-failed -- "$unit"
  ctl start -- "$unit" || unit_why "could not be started"
}
service_restart() {
  ctl reset-failed -- "$unit" 2>/dev/null || true
  ctl restart -- "$unit" || unit_why "could not be restarted"
}
service_stop() { ctl stop -- "$unit"; }
service_resume() { :; }
# A process that ends at once is told by a second look. What says itself that it is ready has read its files.
service_wait() {
  wait_until=$(($(date +%s) + (timeout > 70 ? 60 : timeout / 2)))
  property NRestarts
  wait_restarts=${value:-0} wait_seen=''
  while :; do
    property Type
    case $status/$value in
      running/notify | running/notify-reload | running/oneshot)
        seen_ready=1
        return 0
        ;;
      running/*)
        [ "$wait_seen" != "$identity" ] || return 0
        wait_seen=$identity
        ;;
      failed/*) unit_why "stopped soon after it was started" ;;
      dead/oneshot) unit_why "has run and ended: a oneshot stays active with RemainAfterExit=yes only; or use state: any" ;;
      dead/*) unit_why "ended soon after it was started" ;;
    esac
    property NRestarts
    [ "$((${value:-0} - wait_restarts))" -le 2 ] || unit_why "stops again and again"
    [ "$(date +%s)" -lt "$wait_until" ] || unit_why "is $active, and not active"
    sleep 1
    service_again
  done
}
# Fails with what is known of why: $1 in words, exit code and the last lines of the journal.
unit_why() {
  why=$1
  service_again
  property ExecMainStatus
  why_status=$value
  property ExecMainCode
  case $value in
    1) why="$why (exit code $why_status)" ;;
    2 | 3) why="$why (signal $why_status)" ;;
  esac
  property Result
  case $value in '' | success | exit-code | signal) ;; *) why="$why: $value" ;; esac
  printf 'The last lines of the journal of %s:\n' "$unit"
  if [ "$user_scope" ]; then
    journalctl --user --no-pager -n 20 -o cat --user-unit "$unit" 2>&1 || true
  else
    journalctl --no-pager -n 20 -o cat -u "$unit" 2>&1 || true
  fi
  fail "$unit $why"
}

unit_apply() {
  service_again
  [ -z "$missing" ] || fail "$missing; nothing was started"
  property NeedDaemonReload
  if [ "$value" = yes ] || [ "$status" = absent ]; then ctl daemon-reload; fi
  [ "$masked" != no ] || ctl unmask -- "$unit"
  case $enabled in
    yes)
      ctl enable -- "$unit"
      ctl is-enabled --quiet -- "$unit" || fail "$unit was enabled, but systemd says that it is not"
      ;;
    no) ctl disable -- "$unit" ;;
  esac
  service_apply
  [ "$masked" != yes ] || ctl mask -- "$unit"
}
unit_remove() {
  service_again
  case $status in absent) ;; *) ctl stop -- "$unit" ;; esac
  ctl disable -- "$unit" 2>/dev/null || true
  ledger_path
  rm -f -- "$ledger_dir/$ledger_name"
}
unit_forget() {
  ctl daemon-reload
  ctl reset-failed -- "$unit" 2>/dev/null || true
}
