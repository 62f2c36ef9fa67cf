inspect_format='{{.ID}} {{.State.Status}} {{json .State.StartedAt}} {{json .State.FinishedAt}}'
inspect_format=$inspect_format' {{with .State.Health}}{{or .Status "none"}}{{else}}none{{end}} {{.RestartCount}}'
inspect_format=$inspect_format' {{.Image}} {{.Config.Image}}'
inspect_format=$inspect_format' {{or (index .Config.Labels "com.docker.compose.config-hash") "-"}}'
inspect_format=$inspect_format' {{or (index .Config.Labels "io.podman.compose.config-hash") "-"}}'
inspect_format=$inspect_format' pid:{{.State.Pid}} {{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}} {{.HostConfig.PidMode}}'
inspect_format=$inspect_format' {{range .HostConfig.VolumesFrom}}container:{{.}} {{end}}'

# Looks at the containers $ids: sets status (of the first that does not run, else running; absent), identity and its
# parts id_list and starts, ended (when each last stopped), health, restarts, image, image_name, hash, references and pids.
inspect_service() {
  status=absent id_list='' starts='' ended='' health='' restarts=0 image='' image_name='' hash='' references='' pids=''
  if [ -n "$ids" ]; then
    # shellcheck disable=SC2086
    inspected=$("$engine" inspect --type container --format "$inspect_format" $ids)
    status=running
    inspect_rest=$inspected$newline
    while [ -n "$inspect_rest" ]; do
      inspect_line=${inspect_rest%%"$newline"*}
      inspect_rest=${inspect_rest#*"$newline"}
      if [ -n "$inspect_line" ]; then
        # shellcheck disable=SC2086
        inspect_one $inspect_line
      fi
    done
  fi
  identity="$id_list $starts"
}
inspect_one() {
  id_list=$id_list${id_list:+,}$1
  if [ "$2" != running ]; then
    status=$2
  fi
  inspect_time=${3#\"}
  starts=$starts${starts:+,}${inspect_time%\"}
  inspect_time=${4#\"}
  ended=$ended${ended:+,}${inspect_time%\"}
  case $health/$5 in
    unhealthy/*) ;;
    */unhealthy | */starting) health=$5 ;;
    /*) health=$5 ;;
  esac
  restarts=$((restarts + $6))
  inspect_same image "$7"
  inspect_same image_name "$8"
  inspect_hash=$9
  shift 9
  if [ "$inspect_hash" = - ]; then
    inspect_hash=$1
  fi
  inspect_same hash "$inspect_hash"
  shift
  inspect_refer "$@"
}
# $1 is the name of a variable that holds what every container has, or `differ`.
inspect_same() {
  eval "inspect_old=\$$1"
  if [ -n "$inspect_old" ] && [ "$inspect_old" != "$2" ]; then
    eval "$1=differ"
  else
    eval "$1=\$2"
  fi
}
# Other containers whose network, IPC, PID namespace or volumes are used; and the process.
inspect_refer() {
  while [ "$#" -gt 0 ]; do
    case $1 in
      container:*)
        references="$references ${1#container:}"
        ;;
      pid:*) pids="$pids ${1#pid:}" ;;
    esac
    shift
  done
}
