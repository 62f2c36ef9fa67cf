sent=no
if _engine_look "$pid" && [ "${born:-$_engine_born}" = "$_engine_born" ]; then
  if [ -n "$_engine_proc" ]; then
    line=$(tr '\0' ' ' <"/proc/$pid/cmdline")
  else
    line=$(ps -o args= -p "$pid")
  fi
  case $line in
    *'"#begin "'*'"#end $n"'*) kill -s USR1 "$pid" && sent=yes ;;
  esac
fi
fact sent "$sent"
