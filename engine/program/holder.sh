set +eu
_engine_place || fail "$_engine_problem"
held=no
if _engine_read "$_engine_keep/lock"; then
  fact holder "$_engine_holder"
  if _engine_runs; then held=yes; fi
fi
fact held "$held"
