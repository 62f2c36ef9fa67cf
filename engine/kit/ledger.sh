now=0 begun=0
# RFC 3339 time $1: sets epoch and epoch_ns (nine digits); fails where it is none.
epoch_of() {
  case $1 in
    [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*) ;;
    *) return 1 ;;
  esac
  # The digit 1 in front keeps a leading zero from meaning an octal number.
  time_year=$((1${1%%-*} - 10000))
  time_rest=${1#*-}
  time_month=$((1${time_rest%%-*} - 100))
  time_rest=${time_rest#*-}
  time_day=$((1${time_rest%%T*} - 100))
  time_rest=${time_rest#*T}
  time_hour=$((1${time_rest%%:*} - 100))
  time_rest=${time_rest#*:}
  time_minute=$((1${time_rest%%:*} - 100))
  time_rest=${time_rest#*:}
  time_second=$((1${time_rest%"${time_rest#??}"} - 100))
  time_rest=${time_rest#??}
  epoch_ns=
  case $time_rest in
    .*)
      time_rest=${time_rest#.}
      epoch_ns=${time_rest%%[!0-9]*}
      time_rest=${time_rest#"$epoch_ns"}
      ;;
  esac
  epoch_ns=${epoch_ns}000000000
  epoch_ns=${epoch_ns%"${epoch_ns#?????????}"}
  case $time_rest in
    Z) time_zone=0 ;;
    +[0-9][0-9]:[0-9][0-9] | -[0-9][0-9]:[0-9][0-9])
      time_sign=${time_rest%"${time_rest#?}"}1
      time_zone=${time_rest#?}
      time_zone=$((time_sign * ((1${time_zone%:*} - 100) * 3600 + (1${time_zone#*:} - 100) * 60)))
      ;;
    *) return 1 ;;
  esac
  # Days since 1970-01-01 in the proleptic Gregorian calendar, with years that begin in March.
  if [ "$time_month" -le 2 ]; then
    time_year=$((time_year - 1))
    time_month=$((time_month + 12))
  fi
  time_day=$((time_day + (153 * (time_month - 3) + 2) / 5 + 365 * time_year))
  time_day=$((time_day + time_year / 4 - time_year / 100 + time_year / 400 - 719469))
  epoch=$((time_day * 86400 + time_hour * 3600 + time_minute * 60 + time_second - time_zone))
}

# Was content with ctime $1 (seconds, with or without a fraction) perhaps written after one of the starts $2 (joined
# by commas)? Where that cannot be told, the answer is yes. `now` is the present in seconds.
#
# The margin of two seconds covers file systems that keep whole seconds, ticks of the kernel's clock, and Docker,
# which notes the start of a container a little after its process began to read.
newer() {
  ctime_s=${1%%.*}
  case $ctime_s in '' | *[!0-9]*) return 0 ;; esac
  ctime_ns=
  case $1 in *.*) ctime_ns=${1#*.} ;; esac
  case $ctime_ns in *[!0-9]*) return 0 ;; esac
  ctime_ns=${ctime_ns}000000000
  ctime_ns=${ctime_ns%"${ctime_ns#?????????}"}
  ctime_s=$((ctime_s + 2))
  newer_rest=$2,
  while [ -n "$newer_rest" ]; do
    epoch_of "${newer_rest%%,*}" || return 0
    newer_rest=${newer_rest#*,}
    if [ "$epoch" -gt "$now" ] || [ "$ctime_s" -gt "$epoch" ]; then
      return 0
    fi
    if [ "$ctime_s" -eq "$epoch" ] && [ "1$ctime_ns" -ge "1$epoch_ns" ]; then
      return 0
    fi
  done
  return 1
}

ledger_path() {
  ledger_dir=${HOME:?is not set on this host, so there is no place for the ledger}/.local/state/engine/ledger
  ledger_name=$project.$service
}
ledger_read() {
  ledger_entry='' ledger_watches='' ledger_dirty='' ledger_failed='' ledger_accepted=''
  ledger_path
  if [ ! -r "$ledger_dir/$ledger_name" ]; then
    return 0
  fi
  while IFS=' ' read -r ledger_key ledger_value; do
    case $ledger_key in
      entry) ledger_entry=$ledger_value ;;
      watch) ledger_watches=$ledger_watches$ledger_value$newline ;;
      dirty) ledger_dirty=$ledger_value ;;
      failed) ledger_failed=$ledger_value ;;
      accepted) ledger_accepted=$ledger_value ;;
    esac
  done <"$ledger_dir/$ledger_name"
}
# Writes what the variables of ledger_read hold. The host's lock keeps other writers away.
ledger_write() {
  ledger_text=${ledger_entry:+entry $ledger_entry$newline}
  ledger_rest=$ledger_watches
  while [ -n "$ledger_rest" ]; do
    ledger_text=${ledger_text}watch\ ${ledger_rest%%"$newline"*}$newline
    ledger_rest=${ledger_rest#*"$newline"}
  done
  ledger_text=$ledger_text${ledger_dirty:+dirty $ledger_dirty$newline}
  ledger_text=$ledger_text${ledger_failed:+failed $ledger_failed$newline}
  ledger_text=$ledger_text${ledger_accepted:+accepted $ledger_accepted$newline}
  (umask 077 && mkdir -p "$ledger_dir" && printf '%s' "$ledger_text" >"$ledger_dir/.$ledger_name.new") &&
    mv -f "$ledger_dir/.$ledger_name.new" "$ledger_dir/$ledger_name"
}
# The fingerprint that the entry has for watch $1: sets known; fails where it has none.
ledger_known() {
  ledger_rest=$ledger_watches
  while [ -n "$ledger_rest" ]; do
    ledger_line=${ledger_rest%%"$newline"*}
    ledger_rest=${ledger_rest#*"$newline"}
    if [ "${ledger_line#* }" = "$1" ]; then
      known=${ledger_line%% *}
      return 0
    fi
  done
  return 1
}

# Watch $1 has fingerprint $2 and ctime $3; `identity` is `IDS STARTED` of what runs. Sets verdict.
judge() {
  verdict=current
  if [ "$ledger_entry" = "$identity" ] && ledger_known "$1"; then
    if [ "$known" != "$2" ]; then
      verdict=changed
    fi
  elif newer "$3" "${identity#* }"; then
    verdict='newer than its start'
  elif [ "$ledger_dirty" = "$identity" ]; then
    verdict='may have changed'
  fi
}

# Watch $1 had fingerprint $2 and ctime $3 before the service was started at `begun` (seconds), and has $4 and $5
# after it. Adds it to ledger_watches, or sets unsure where the service may have read something else. An empty
# fingerprint says that the content could not be seen, as inside a container that does not run.
settle() {
  if [ -n "$4" ] && [ "$2" = "$4" ] && [ "$3" = "$5" ]; then
    ledger_watches=$ledger_watches"$4 $1"$newline
  elif [ -n "$4" ] && [ -z "$2" ] && settle_older "$5"; then
    ledger_watches=$ledger_watches"$4 $1"$newline
  else
    unsure=1
  fi
}
settle_older() {
  case ${1%%.*} in '' | *[!0-9]*) return 1 ;; esac
  [ "${1%%.*}" -lt "$begun" ]
}
