# What `idle` of a service asks: whether anybody would lose by its end. POSIX sh, behind services.sh and curl.sh.
#
# Sets idle_state and idle_answer, the answer's body without white space, or its status:
#   idle     as declared; or nobody answers there: what does not serve has nothing to lose
#   busy     another answer, or none in time
#   refused  401 or 403: the service does not know the credential, so nobody can be asked
#   strange  any other status
idle_look() {
  idle_code=0 idle_state=strange
  idle_said=$(
    config=$idle_config body='' statuses=200 keep=65536 reading=1 limit=5
    answer
  ) || idle_code=$?
  idle_mark=$(printf '\036')
  idle_rest=${idle_said##*"$newline$idle_mark"}
  idle_answer=$(printf %s "${idle_said%"$newline$idle_mark"*}" | tr -d '[:space:]')
  case $idle_code in
    0)
      idle_state=busy
      if printf '%s\n' "$idle_answer" | grep -E -q -e "$idle_matches"; then
        idle_state=idle
      fi
      ;;
    75)
      case $idle_rest in
        *"${newline}28") idle_state=busy idle_answer='no answer in time' ;;
        *HTTP/*"${newline}0") idle_state=idle ;; # from a gateway that reaches nobody
        *HTTP/*) idle_state=busy ;;
        *) idle_state=idle ;;
      esac
      ;;
    *) idle_status ;;
  esac
}
idle_status() {
  idle_answer=${newline}$idle_rest
  idle_answer=${idle_answer##*"${newline}HTTP/"}
  idle_answer=${idle_answer#* }
  idle_answer=${idle_answer%%[!0-9]*}
  case $idle_answer in 401 | 403) idle_state=refused ;; esac
  : "${idle_answer:=nothing (${idle_rest##*"$newline"} from curl)}"
}
idle_facts() {
  if [ -z "$idle_config" ] || [ "$phase" != plan ] || [ "$status" != running ]; then
    return 0
  fi
  need curl
  idle_look
  fact idle "$idle_state"
  idle_short=$(printf '%.4000s' "$idle_answer")
  fact idle_answer "$idle_short"
}
# Whether what is due ends a service that runs.
idle_ends() {
  case $due/$status in
    restart/running | recreate/running | stop/running | remove/running) return 0 ;;
  esac
  return 1
}
# Before a service that runs is ended: waits until it is idle, decides again what is due, and looks once more, so that
# the last thing before its end is the answer that it is idle. Fails where that takes too long.
idle_wait() {
  [ -n "$idle_config" ] || return 0
  idle_waited='' idle_until=$(($(date +%s) + idle_timeout))
  while idle_ends; do
    need curl
    idle_look
    idle_short=$(printf '%.200s' "$idle_answer")
    case $idle_state in
      idle | refused)
        [ -n "$idle_waited" ] || return 0
        idle_waited=
        service_observe
        [ -z "$missing$refused" ] || fail "$missing$refused"
        service_decide
        ;;
      busy)
        if [ "$(date +%s)" -ge "$idle_until" ]; then
          fail "it was not idle within $idle_timeout s, so it was left running ($due still due); last answer: $idle_short"
        fi
        idle_waited=1
        sleep 1
        ;;
      *)
        fail "whether it is idle cannot be told, so it was left running ($due still due): $idle_url answers $idle_short"
        ;;
    esac
  done
}
