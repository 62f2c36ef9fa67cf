# Services: what they were started with, and whether a restart is due. POSIX sh; nothing here knows what runs them.
#
# A kind defines these functions after this text:
#   service_find     sets `missing`, why nothing can be told of the service yet; or else `ledger_name`, which no other
#                    service has, `status` (absent, running, paused, restarting, or any word for one that does not run)
#                    and, of all its instances, joined by commas, `id_list` and `starts` (RFC 3339); and `refused`
#                    where it must not be touched; it may set `restarts`, how often it was started again by itself.
#                    Called again after each start
#   service_start    brings it up; `due` is create, recreate or start
#   service_restart, service_stop, service_remove; service_resume where its status can be paused
# and may define these:
#   service_details  sets `outdated` where it must be made anew, `late` where it runs and has not become ready, and
#                    `behind` where it runs with something older than what is there now
#   service_facts    reports more facts
#   service_wait     waits until it is ready; sets `seen_ready` where that shows that it has read its files
#   service_why      sets `why`: why it does not run
service_details() { :; }
service_facts() { :; }
service_wait() { :; }
service_why() { why="it is $status"; }

newline='
'
now=0 begun=0

# The fact $2 in the lines `KEY VALUE` of $1, the last one if there are several: sets fact_value.
fact_of() {
  fact_value=
  case "$newline$1" in
    *"$newline$2 "*)
      fact_value=$newline$1
      fact_value=${fact_value##*"$newline$2 "}
      fact_value=${fact_value%%"$newline"*}
      ;;
  esac
}
# Runs watch script $1 as a section of its own would be run, but with its facts printed to descriptor 3.
watch_run() {
  set -eu
  fact() { printf '%s %s\n' "$1" "$2" >&3; }
  watch_text='' watch_names='' watch_words=''
  eval "watch_text=\$watch_${1}_text watch_names=\$watch_${1}_names watch_words=\$watch_${1}_words"
  for watch_var in $watch_names; do
    # What a shared probe would have found is not there in a step.
    eval "$watch_var=\${watch_${1}_var_$watch_var-}"
  done
  eval "set -- $watch_words"
  eval "$watch_text"
}
# What watch $1 reports: sets fingerprint, ctime and inside. Call it as a plain command: in a condition a watch script
# would go on after a command that failed.
watch() {
  eval "watch_other=\${watch_${1}_script-}"
  if [ -n "$watch_other" ]; then
    eval "watch_facts=\$(as_user \"\$watch_${1}_user\" \"\$watch_other\")"
  else
    watch_facts=$(watch_run "$1" 3>&1 >&2)
  fi
  fact_of "$watch_facts" inside
  inside=$fact_value
  fact_of "$watch_facts" fingerprint
  fingerprint=$fact_value
  fact_of "$watch_facts" ctime
  ctime=$fact_value
}

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

# The ledger: what a service was started with, in one file for each service of a user, whose first line names its format.
# A file of another format, such as one that an older build left, is no entry: then times decide.
#
#   entry IDS STARTED       the instances IDS, running since STARTED, were started with the content that follows
#   content FINGERPRINT CTIME NAME   content of one watched resource
#   proven IDS STARTED      these are known to have read that content
#   mark IDS STARTED        while these ran, watched content was about to be written
#   failed IDS STARTED      these did not become ready after the engine had started them
#   accepted IDS WORD       a kind's own: what these were accepted as
#
# A service reads its files some time after its start has returned. So an entry, which is written only for content that
# was the same before the start and after it, vouches for that content as long as its ctime is the same too and nobody
# was about to write it. Once the service has shown that it has read its files, and the content was still the same then,
# the entry is proven: true for as long as these instances run. Where there is no entry for what runs, times decide, and
# on the safe side: one needless restart rather than a missed one.
ledger_format='onetrip ledger 2'
ledger_path() {
  ledger_dir=${HOME:?is not set on this host, so there is no place for the ledger}/.local/state/engine/ledger
}
ledger_read() {
  ledger_entry='' ledger_content='' ledger_proven='' ledger_mark='' ledger_failed='' ledger_accepted=''
  ledger_path
  [ -r "$ledger_dir/$ledger_name" ] || return 0
  {
    IFS= read -r ledger_line || return 0
    [ "$ledger_line" = "$ledger_format" ] || return 0
    while IFS=' ' read -r ledger_key ledger_value; do
      case $ledger_key in
        content) ledger_content=$ledger_content$ledger_value$newline ;;
        entry | proven | mark | failed | accepted) eval "ledger_$ledger_key=\$ledger_value" ;;
      esac
    done
  } <"$ledger_dir/$ledger_name"
}
# Writes what the variables of ledger_read hold. The host's lock keeps other writers away.
ledger_write() {
  ledger_text=$ledger_format$newline
  for ledger_key in entry proven mark failed accepted; do
    eval "ledger_value=\$ledger_$ledger_key"
    ledger_text=$ledger_text${ledger_value:+$ledger_key $ledger_value$newline}
  done
  ledger_rest=$ledger_content
  while [ -n "$ledger_rest" ]; do
    ledger_text=${ledger_text}content\ ${ledger_rest%%"$newline"*}$newline
    ledger_rest=${ledger_rest#*"$newline"}
  done
  (umask 077 && mkdir -p "$ledger_dir" && printf '%s' "$ledger_text" >"$ledger_dir/.$ledger_name.new") &&
    mv -f "$ledger_dir/.$ledger_name.new" "$ledger_dir/$ledger_name"
}
# What the entry has for watch $1: sets known and known_ctime; fails where it has nothing.
ledger_known() {
  ledger_rest=$ledger_content
  while [ -n "$ledger_rest" ]; do
    ledger_line=${ledger_rest%%"$newline"*}
    ledger_rest=${ledger_rest#*"$newline"}
    known=${ledger_line%% *}
    ledger_line=${ledger_line#* }
    known_ctime=${ledger_line%% *}
    known_ctime=${known_ctime#-}
    if [ "${ledger_line#* }" = "$1" ]; then
      return 0
    fi
  done
  return 1
}

# Whether a restart is due for watch $1 with fingerprint $2 and ctime $3: sets verdict. Content that could not be
# inspected, as inside a container that does not run, has no fingerprint: then it is due, and nobody can say that it
# changed.
compare() {
  verdict=current
  if [ -z "$2" ]; then
    verdict='not known'
    return 0
  fi
  if [ "$ledger_entry" = "$identity" ] && ledger_known "$1"; then
    if [ "$ledger_proven" = "$identity" ]; then
      [ "$known" = "$2" ] || verdict=changed
      return 0
    fi
    if [ "$known" != "$2" ] || [ "$known_ctime" != "$3" ]; then
      verdict='newer than its start'
      return 0
    fi
  elif newer "$3" "${identity#* }"; then
    verdict='newer than its start'
    return 0
  fi
  if [ "$ledger_mark" = "$identity" ]; then
    verdict='may have changed'
  fi
}
# Watch $1 had fingerprint $2 and ctime $3 before the service was started at `begun` (seconds), and has $4 and $5
# after it. Adds it to ledger_content, or sets unsure where the service may have read something else. An empty
# fingerprint says that the content could not be seen, as inside a container that does not run.
settle() {
  if [ -n "$4" ] && { [ "$2" = "$4" ] && [ "$3" = "$5" ] || { [ -z "$2" ] && settle_older "$5"; }; }; then
    ledger_content=$ledger_content"$4 ${5:--} $1"$newline
  else
    unsure=1
  fi
}
settle_older() {
  case ${1%%.*} in '' | *[!0-9]*) return 1 ;; esac
  [ "${1%%.*}" -lt "$begun" ]
}

# Who runs now.
service_again() {
  missing='' refused='' status=absent id_list='' starts=''
  service_find
  identity="$id_list $starts"
}
# All that decides: sets the variables of the hooks, `identity`, for each watch N fingerprint_N, ctime_N and verdict_N,
# and `stale` or `doubtful` where one of them is not current.
service_observe() {
  outdated='' late='' behind='' stale='' doubtful=''
  service_again
  [ -z "$missing" ] || return 0
  ledger_read
  [ "$wanted" = running ] || return 0
  service_details
  [ "$status" = absent ] || service_compare
}
# Looks at the content of every watch.
service_compare() {
  now=$(date +%s)
  stale='' doubtful='' n=0
  while [ "$n" -lt "$watch_count" ]; do
    watch "$n"
    eval "watch_name=\$watch_$n fingerprint_$n=\$fingerprint ctime_$n=\$ctime"
    verdict=current
    case $status in running | paused) compare "$watch_name" "$fingerprint" "$ctime" ;; esac
    eval "verdict_$n=\$verdict"
    case $verdict in
      current) ;;
      'may have changed') doubtful=1 ;;
      *) stale=1 ;;
    esac
    n=$((n + 1))
  done
}

service_probe() {
  service_observe
  fact missing "$missing"
  [ -z "$missing" ] || return 0
  [ -z "$refused" ] || fact refused "$refused"
  fact status "$status"
  fact ids "$id_list"
  service_facts
  idle_facts
  if [ "$phase/$wanted" = verify/running ] && service_over; then
    service_why
    fact why "$why"
  fi
  if [ "$wanted" != running ] || [ "$status" = absent ]; then return 0; fi
  fact late "$late"
  n=0
  while [ "$n" -lt "$watch_count" ]; do
    eval "verdict=\$verdict_$n"
    # The mark says that one of several was about to change. Where it is known which did, the others did not.
    if [ "$verdict" = 'may have changed' ] && [ -n "$stale" ]; then
      verdict=current
    fi
    fact "watch.$n" "$verdict"
    n=$((n + 1))
  done
}

# Whether it was there and does not run any more, or ends each time it is started again.
service_over() {
  case $status in
    absent | running | paused) return 1 ;;
    restarting) [ "${restarts:-0}" -gt 2 ] || return 1 ;;
  esac
}
# For a check that waits for it: prints why it does not run any more.
service_ended() {
  service_again
  [ -z "$missing" ] || return 0
  if service_over; then
    service_why
    printf '%s\n' "$why" >&9
  fi
}

# Before watched content is written: who runs now may have to be restarted for it.
service_mark() {
  service_again
  [ -z "$missing" ] || return 0
  case $status in
    running | paused | restarting)
      ledger_read
      if [ "$ledger_mark" != "$identity" ]; then
        ledger_mark=$identity
        ledger_write
      fi
      ;;
  esac
}

# What is to be done: sets due.
service_decide() {
  due=none
  case $wanted/$status in
    absent/absent | stopped/absent | stopped/exited | stopped/created | stopped/dead) ;;
    absent/*) due=remove ;;
    stopped/*) due=stop ;;
    running/absent) due=create ;;
    running/*)
      if [ -n "$outdated" ]; then
        due=recreate
      elif [ "$status" = restarting ]; then
        due=restart
      elif [ "$status" != running ]; then
        due=start
      elif [ -n "$stale$doubtful$late$behind${requested-}" ]; then
        due=restart
      fi
      ;;
  esac
}
# Decides again, does what is due, and waits until the service is ready. Fact: changed.
service_apply() {
  service_observe
  [ -z "$missing" ] || fail "$missing; nothing was started"
  [ -z "$refused" ] || fail "$refused"
  service_decide
  if [ "$wanted/$status" = running/paused ]; then
    service_resume
    service_again
    service_compare
    service_decide
    [ "$due" != none ] || return 0
  fi
  idle_wait
  service_perform
}
service_perform() {
  case $due in
    none) fact changed no ;;
    stop) service_stop ;;
    remove)
      service_remove
      rm -f -- "$ledger_dir/$ledger_name"
      ;;
    *) service_bring_up ;;
  esac
}
service_bring_up() {
  old_identity=$identity
  service_begin
  case $due in
    restart) service_restart ;;
    *) service_start ;;
  esac
  service_again
  if [ "$due" != restart ] && service_some_left; then
    service_restart
    service_again
  fi
  [ "$status" != absent ] || fail "the start was reported as done, but nothing was started"
  if [ "$due" = restart ] && [ "$identity" = "$old_identity" ]; then
    fail "the restart was reported as done, but the service runs since before"
  fi
  service_record
  seen_ready=
  service_wait
  # Where checks behind it are to prove it as well, it is for them to do so once they hold.
  if [ -n "$seen_ready" ] && [ -z "${checks_prove-}" ]; then
    service_prove
  fi
}
# Of several instances, those that had nothing to be done still run since before, perhaps with older content.
service_some_left() {
  left_ids=$id_list, left_starts=$starts,
  while [ -n "$left_ids" ]; do
    case ",${old_identity%% *},/,${old_identity#* }," in
      *",${left_ids%%,*},"*/*",${left_starts%%,*},"*) return 0 ;;
    esac
    left_ids=${left_ids#*,}
    left_starts=${left_starts#*,}
  done
  return 1
}
# The content before the start. What is inside a container cannot be seen before it runs; then whatever is older than
# the start in whole seconds was there before it.
service_begin() {
  n=0
  begun=$(date +%s)
  while [ "$n" -lt "$watch_count" ]; do
    if [ "$due" = create ] || [ "$due" = recreate ]; then
      watch "$n"
      if [ -n "$inside" ]; then
        # What is inside the container that is replaced says nothing about the new one.
        fingerprint='' ctime=''
      fi
      eval "fingerprint_$n=\$fingerprint ctime_$n=\$ctime"
    fi
    eval "fingerprint=\$fingerprint_$n ctime=\$ctime_$n"
    eval "old_fingerprint_$n=\$fingerprint old_ctime_$n=\$ctime"
    if whole_seconds "$ctime" || { [ -z "$fingerprint" ] && [ "$begun" = "$(date +%s)" ]; }; then
      sleep 1
    fi
    n=$((n + 1))
  done
  begun=$(date +%s)
}
# Whether ctime $1 tells seconds alone, and is of this one: what changes later in it would look the same.
whole_seconds() {
  case $1 in *.*[1-8]*) return 1 ;; esac
  [ "${1%%.*}" = "$(date +%s)" ]
}
# Writes down what the service was started with.
service_record() {
  service_compare
  ledger_content='' ledger_proven='' ledger_failed='' ledger_mark='' unsure='' n=0
  while [ "$n" -lt "$watch_count" ]; do
    eval "settle \"\$watch_$n\" \"\$old_fingerprint_$n\" \"\$old_ctime_$n\" \"\$fingerprint_$n\" \"\$ctime_$n\""
    n=$((n + 1))
  done
  ledger_entry=$identity
  if [ -n "$unsure" ]; then
    ledger_mark=$identity
  fi
  ledger_write || printf 'The ledger %s could not be written; the next apply may restart once more.\n' "$ledger_dir"
}

# Once the service has shown that it has read its files: the entry is proven where their content is the same still.
service_prove() {
  service_again
  [ -z "$missing" ] || return 0
  ledger_read
  if [ "$status" != running ] || [ "$ledger_entry" != "$identity" ] || [ "$ledger_proven" = "$identity" ]; then
    return 0
  fi
  service_compare
  [ -z "$stale$doubtful" ] || return 0
  n=0
  while [ "$n" -lt "$watch_count" ]; do
    eval "ledger_known \"\$watch_$n\"" || return 0
    n=$((n + 1))
  done
  ledger_proven=$identity
  ledger_write || true
}
