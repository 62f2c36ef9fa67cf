# The interpreter in a container, where `python` names none: that of what runs, or where nothing runs that of what would
# be started, if that is a Python by itself. Sets python, or python_why to why it is not known, and then fails.
python_find() {
  python_why=
  [ -z "$python" ] || return 0
  case $status in
    absent) python_why="service $service has never run" ;;
    running)
      [ -n "${running_pythons-}" ] || running_pythons=$(pythons_running)
      python_pick
      # What starts the interpreter may be about to.
      while [ -z "$python" ] && started_lately; do
        sleep 1
        running_pythons=$(pythons_running)
        python_pick
      done
      ;;
    *)
      python_why="service $service does not run"
      # shellcheck disable=SC2086
      would_run=$("$engine" inspect --type container --format '{{.Path}}' $ids)
      would_run=${would_run%%"$newline"*}
      case $would_run in python | python[0-9]* | */python | */python[0-9]*) python=$would_run ;; esac
      ;;
  esac
  [ -n "$python" ]
}
# The same, or the section fails.
python_needed() {
  python_find || {
    fact no_python "$python_why"
    fail "$python_why, so its interpreter is not known: name it in \`python\`"
  }
}
started_lately() {
  now=$(date +%s)
  ! newer "$((now - 12))" "$starts"
}
# What interpreter.py finds in each container, a line each.
pythons_running() {
  for id in $ids; do
    main_process=$("$engine" inspect --type container --format '{{.HostConfig.PidMode}} {{.State.Pid}}' "$id")
    case $main_process in
      host\ *) main_process=${main_process#host } ;;
      container:*) main_process='' ;;
      *) main_process=1 ;;
    esac
    if [ -z "$main_process" ]; then
      heard='#why its processes are those of another container'
    elif ! heard=$("$engine" exec "$id" sh -c "$pip_any" sh "$pip_finder" "$main_process" 2>&1); then
      heard="#why its processes cannot be read: ${heard##*"$newline"}"
    fi
    printf '%s\n' "$heard"
  done
}
# Takes of these lines the one interpreter, if all containers have the same.
python_pick() {
  python_why='' python_rest=$running_pythons$newline
  while [ -n "$python_rest" ]; do
    python_line=${python_rest%%"$newline"*}
    python_rest=${python_rest#*"$newline"}
    case $python_line in
      '#python '*)
        python_line=${python_line#??????? }
        [ "${python:=$python_line}" = "$python_line" ] || python_why="service $service runs $python and $python_line"
        ;;
      '#why '*) python_why="service $service: ${python_line#???? }" ;;
    esac
  done
  [ -z "$python_why" ] || python=
}
