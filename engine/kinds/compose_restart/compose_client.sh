# A Compose client prints values from .env files in its warnings, and offending text in its errors. Warnings are
# dropped; of errors, whatever may be a value.
compose_words() {
  sed -e '/^WARN/d' -e '/level=warning/d' -e '/variable is not set/d' \
    -e '/nterpolation format/,$ {' -e '/nterpolation format/!d' -e '}' \
    -e 's/\(nterpolation format.*\): *".*/\1/' \
    -e 's/\(nterpolation format.*\)/\1 (write $$ for a literal $ in a Compose file)/' \
    -e 's/\(unexpected character\|variable name\|near\) ".*/\1 (not shown)/' \
    -e 's/"[^"]*\$[^"]*"/(not shown)/g'
}
# Runs "$@" with its standard error cleaned; its status is the status.
compose_quietly() {
  {
    compose_status=$(
      {
        {
          if "$@" 2>&1 >&5 4>&-; then
            echo 0 >&4
          else
            echo "$?" >&4
          fi
        } | compose_words >&2
      } 4>&1
    )
  } 5>&1
  return "$compose_status"
}
compose() {
  case $client in
    'docker compose') compose_quietly docker compose "$@" ;;
    docker-compose) compose_quietly docker-compose "$@" ;;
    'podman compose') compose_quietly podman compose "$@" ;;
  esac
}

# What only reads the configuration needs no engine, so that the docker command in front of its plugin can be saved.
compose_read() {
  if [ "$client" = 'docker compose' ] && [ -n "$plugin" ]; then
    compose_quietly "$plugin" "$@"
  else
    compose "$@"
  fi
}

# Whether `docker compose` works, without starting it where its file is in one of the usual places: sets plugin to it.
compose_plugin() {
  plugin=
  for plugin_dir in "${DOCKER_CONFIG:-${HOME-}/.docker}/cli-plugins" /usr/local/lib/docker/cli-plugins \
    /usr/local/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins; do
    if [ -x "$plugin_dir/docker-compose" ]; then
      plugin=$plugin_dir/docker-compose
      return 0
    fi
  done
  docker compose version >/dev/null 2>&1
}
# The major version of the docker-compose command: sets standalone, empty where there is none.
compose_standalone() {
  standalone=
  standalone_path=$(command -v docker-compose) || return 0
  standalone_line=
  IFS= read -r standalone_line <"$standalone_path" 2>/dev/null || true
  case $standalone_line in
    '#!'*python*) standalone=1 ;;
    *)
      standalone=$(docker-compose version --short 2>/dev/null) || standalone=
      standalone=${standalone#v}
      standalone=${standalone%%.*}
      ;;
  esac
}

# All containers with the labels that $@ asks for, one `ID VERSION PROJECT` a line.
containers() {
  containers_format='{{.ID}} {{.Label "com.docker.compose.version"}}{{.Label "io.podman.compose.version"}}'
  containers_format=$containers_format' {{.Label "com.docker.compose.project"}}'
  "$engine" ps -a --no-trunc "$@" --format "$containers_format"
}
# Keeps of the lines $1 those of projects $2: sets ids and maker (the client's version that made them).
containers_of() {
  ids='' maker=''
  containers_rest=$1$newline
  while [ -n "$containers_rest" ]; do
    containers_line=${containers_rest%%"$newline"*}
    containers_rest=${containers_rest#*"$newline"}
    case " $2 " in
      *" ${containers_line##* } "*)
        if [ -n "$containers_line" ]; then
          ids="$ids${ids:+ }${containers_line%% *}"
          project=${containers_line##* }
          maker=${containers_line#* }
          maker=${maker%% *}
        fi
        ;;
    esac
  done
}

# Looks for the service's containers again, after compose_find and a change: sets ids.
containers_again() {
  found=$(containers --filter "label=com.docker.compose.service=$service" \
    --filter label=com.docker.compose.oneoff=False)
  containers_of "$found" "$project"
}
compose_engine() {
  engine=docker
  case $client_wanted in
    podman*) engine=podman ;;
    auto)
      if ! command -v docker >/dev/null 2>&1 && command -v podman >/dev/null 2>&1; then
        engine=podman
      fi
      ;;
  esac
  need "$engine"
}
# Finds the service's containers and the client: sets engine, client, client_major, project, ids, maker, and gone to
# the client that made the containers and is no longer there. Call compose_enter before it.
compose_find() {
  gone='' client='' plugin=''
  compose_engine
  compose_names
  case $client_wanted in
    auto) ;;
    *) compose_given ;;
  esac
  found=$(containers --filter "label=com.docker.compose.service=$service" \
    --filter label=com.docker.compose.oneoff=False)
  if [ -n "$found" ] && [ "$name_2" = '?' ]; then
    compose_pick ''
    compose_ask_name
  fi
  containers_of "$found" "$name_2 $name_1"
  known_maker=$maker
  if [ -z "$ids" ] && [ -z "$client" ]; then
    # The service's first container is made by the client that made the rest of the project.
    found=$(containers --filter "label=com.docker.compose.project=$name_1")
    if [ "$name_2" != "$name_1" ] && [ "$name_2" != '?' ]; then
      more=$(containers --filter "label=com.docker.compose.project=$name_2")
      found=$found$newline$more
    fi
    containers_of "$found" "$name_2 $name_1"
    known_maker=$maker
    ids='' maker=''
  fi
  case $client_wanted in
    auto) compose_pick "$known_maker" ;;
  esac
  if [ -z "$ids" ]; then
    compose_ask_name
    case $client_major in
      1) project=$name_1 ;;
      *) project=$name_2 ;;
    esac
  fi
}
# The client that was asked for.
compose_given() {
  client=$client_wanted
  client_major=2
  case $client in
    'docker compose')
      compose_plugin || fail 'docker compose is not there on this host: the docker command has no compose plugin'
      ;;
    docker-compose)
      need docker-compose
      compose_standalone
      client_major=$standalone
      ;;
  esac
}
# The client for containers made by version $1 (empty: none yet).
compose_pick() {
  client=''
  if [ "$engine" = podman ]; then
    client='podman compose' client_major=2
    return 0
  fi
  case $1 in
    1.*)
      compose_standalone
      if [ "$standalone" = 1 ]; then
        client=docker-compose client_major=1
        return 0
      fi
      gone="docker-compose $1"
      ;;
  esac
  if compose_plugin; then
    client='docker compose' client_major=2
    return 0
  fi
  compose_standalone
  if [ -z "$standalone" ]; then
    fail 'no Compose client on this host: neither `docker compose` nor `docker-compose` is there'
  fi
  client=docker-compose client_major=$standalone
  case $1 in
    [2-9]*)
      if [ "$client_major" = 1 ]; then
        gone="docker compose $1"
      fi
      ;;
  esac
}
