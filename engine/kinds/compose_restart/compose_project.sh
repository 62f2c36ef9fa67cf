# Goes to the project; sets missing to what of it is not there.
compose_enter() {
  missing=
  if [ ! -d "$project_dir" ]; then
    missing="$project_dir is not there"
    return 0
  fi
  cd -- "$project_dir"
  if [ -n "$compose_files" ]; then
    COMPOSE_FILE=$compose_files
    export COMPOSE_FILE
  fi
  if [ -n "$compose_profiles" ]; then
    COMPOSE_PROFILES=$compose_profiles
    export COMPOSE_PROFILES
  fi
  if [ -n "$project_given" ]; then
    COMPOSE_PROJECT_NAME=$project_given
    export COMPOSE_PROJECT_NAME
  fi
  compose_list=${COMPOSE_FILE-}
  if [ -z "$compose_list" ] && [ -r .env ]; then
    env_value COMPOSE_FILE
    compose_list=$env_found
  fi
  if [ -z "$compose_list" ]; then
    # Compose itself would go on looking in the directories above.
    for compose_file in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
      if [ -f "$compose_file" ]; then
        compose_list=$compose_file
        return 0
      fi
    done
    missing="there is no Compose file in $project_dir"
    return 0
  fi
  compose_rest=$compose_list:
  while [ -n "$compose_rest" ]; do
    compose_file=${compose_rest%%:*}
    compose_rest=${compose_rest#*:}
    if [ ! -f "$compose_file" ]; then
      missing="the Compose file $compose_file is not there (looked in $project_dir)"
      return 0
    fi
  done
}

# The value of $1 in .env: sets env_found.
env_value() {
  env_found=$(sed -n -e "s/^[[:space:]]*\(export[[:space:]][[:space:]]*\)\{0,1\}$1=//p" .env | tail -n 1 | tr -d '\r')
  case $env_found in
    \"*\") env_found=${env_found#\"} env_found=${env_found%\"} ;;
    \'*\') env_found=${env_found#\'} env_found=${env_found%\'} ;;
  esac
}

# What of a directory's name $1 Compose takes for the project's: sets compose_named.
compose_name() {
  compose_named=$1
  case $1 in
    *[!_a-z0-9-]*) compose_named=$(printf %s "$1" | tr '[:upper:]' '[:lower:]' | tr -dc '_a-z0-9-') ;;
  esac
}
# What Compose 1 and Compose 2 would call the project: sets name_1 and name_2.
compose_names() {
  if [ -n "${COMPOSE_PROJECT_NAME-}" ]; then
    name_1=$COMPOSE_PROJECT_NAME name_2=$COMPOSE_PROJECT_NAME
    return 0
  fi
  env_found=
  if [ -r .env ]; then
    env_value COMPOSE_PROJECT_NAME
  fi
  if [ -n "$env_found" ]; then
    name_1=$env_found name_2=$env_found
    return 0
  fi
  compose_file=${compose_list%%:*}
  case $compose_file in
    */*)
      name_2=$(cd -- "${compose_file%/*}" && pwd)
      name_1=$(cd -- "${compose_file%/*}" && pwd -P)
      ;;
    *)
      name_2=$PWD
      name_1=$(pwd -P)
      ;;
  esac
  compose_name "${name_1##*/}"
  name_1=$compose_named
  compose_name "${name_2##*/}"
  name_2=$compose_named
  while :; do
    case $name_2 in
      [_-]*) name_2=${name_2#?} ;;
      *) break ;;
    esac
  done
  # shellcheck disable=SC2086
  if [ -z "$name_2" ] || (IFS=: && set -f && grep -qs '^name:' $compose_list); then
    name_2='?'
  fi
}
# The `name:` in a Compose file, which may hold variables, is left to Compose.
compose_ask_name() {
  case $name_2 in
    '?')
      compose_text=$(compose_read config)
      compose_text=$(printf '%s\n' "$compose_text" | sed -n 's/^name: *//p')
      compose_text=${compose_text#[\"\']}
      name_2=${compose_text%[\"\']}
      ;;
  esac
}
