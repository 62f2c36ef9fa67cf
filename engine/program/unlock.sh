set +eu
_engine_write_record || fail "$_engine_problem"
held=no
if _engine_read "$_engine_keep/lock"; then
  fact holder "$_engine_holder"
  if _engine_runs; then held=yes; fi
  _engine_read "$_engine_keep/lock"
  _engine_remove_stale "$_engine_id" || held=other
fi
rm -f "$_engine_me"
fact held "$held"
