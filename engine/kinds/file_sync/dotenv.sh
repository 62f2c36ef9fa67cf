blank=' 	'
cr=$(printf '\r')
line_break='
'
number=0

# The next entry on standard input. An entry is a line, or several where a quoted value goes on.
#   entry     its text, without the last line break      ended    1 where a line break follows it
#   name      its key, empty where it is none            before   what stands before the key: indentation, export
#   value     its value                                  after    what follows it: a comment, a carriage return
#   form      plain where every Compose reads that value, else other
#   unclosed  the line at which a quoted value begins that never ends
next_entry() {
  unclosed='' name='' value='' before='' after='' form='plain' ended=1
  IFS= read -r entry || {
    ended=''
    [ -n "$entry" ] || return 1
  }
  number=$((number + 1))
  skip "$entry"
  case $rest in '' | '#'* | "$cr") return 0 ;; esac
  case $rest in
    export["$blank"]*) skip "${rest#export}" ;;
  esac
  before=${entry%"$rest"}
  name=${rest%%[=:]*}
  rest=${rest#"$name"}
  name=${name%"$cr"}
  name=${name%"${name##*[!"$blank"]}"}
  case $rest in
    '='*) skip "${rest#?}" ;;
    *)
      form='other' value=$rest
      return 0
      ;;
  esac
  case $rest in
    \'* | \"*) quoted ;;
    *) unquoted ;;
  esac
}

skip() { rest=${1#"${1%%[!"$blank"]*}"}; }

unquoted() {
  case $rest in *"$cr") rest=${rest%?} after=$cr ;; esac
  value=$rest
  case $value in
    *["$blank"]'#'*)
      value=${value%%["$blank"]"#"*}
      after=${rest#"$value"}$after
      ;;
  esac
  value=${value%"${value##*[!"$blank"]}"}
  case $value in
    *[!A-Za-z0-9_./:@%+,-]*) form='other' value=$rest after='' ;;
  esac
}

quoted() {
  value='' start=$number body=${rest#?}
  mark=${rest%"$body"}
  while :; do
    case $body in
      *"$mark"*) ;;
      *)
        IFS= read -r more || {
          ended=''
          if [ -z "$more" ]; then
            unclosed=$start
            return 0
          fi
        }
        number=$((number + 1))
        entry=$entry$line_break$more
        body=$body$line_break$more
        continue
        ;;
    esac
    value=$value${body%%"$mark"*}
    body=${body#*"$mark"}
    case $value in
      *\\) value=$value$mark ;;
      *) break ;;
    esac
  done
  skip "$body"
  case $rest in
    '' | "$cr" | '#'*) after=$body ;;
    *) form='other' ;;
  esac
  case $mark$value in
    *"$line_break"* | *\\\\* | *\$\{* | \'*\'* | \"*[\"\$\\\`]*) form='other' ;;
  esac
  [ "$form" = plain ] || value=$mark$value$mark$body after=''
}

# What each of the keys given is now, into `now_1`, `now_2`, ...: nothing where it is not there, else `=` and its
# value, or a line break and its text where the Compose versions disagree about it. `count_1`, ... says how often it
# is there.
scan() {
  n=0
  for key do
    n=$((n + 1))
    eval "now_$n='' count_$n=0"
  done
  while next_entry; do
    [ -z "$unclosed" ] || return 0
    [ -n "$name" ] || continue
    n=0
    for key do
      n=$((n + 1))
      [ "$key" = "$name" ] || continue
      case $form in
        plain) eval "now_$n==\$value" ;;
        *) eval "now_$n=\$line_break\$value" ;;
      esac
      eval "count_$n=\$((count_$n + 1))"
    done
  done <"$file"
}

inspect() {
  [ "$type" = file ] || return 0
  must_be_readable
  scan "$@"
  fact unclosed "$unclosed"
  describe
  n=0
  for key do
    n=$((n + 1))
    eval "now=\$now_$n"
    [ -n "$now" ] || continue
    sum=$(printf '%s' "${now#=}" | sha256)
    fact "key.$key" "$sum"
    case " $public " in *" $key "*) show "text.$key" printf %s "${now#=}" ;; esac
  done
}
digest() {
  must_be_readable
  scan "$@"
  sum='' n=0
  for key do
    n=$((n + 1))
    eval "now=\$now_$n"
    one=$(printf '%s' "$now" | sha256)
    sum="$sum $key $one"
  done
}

# Where the entry's `name` is one of the keys to write, which come each with its value: puts the new one in its place.
# Only the last entry of a key counts, so only that stays.
replaced() {
  n=1
  while [ "$#" -gt 0 ]; do
    if [ "$1" = "$name" ]; then
      eval "left=\$((count_$n - 1)); count_$n=\$left"
      [ "$left" -gt 0 ] || printf "%s%s='%s'%s%s" "$before" "$name" "$2" "$after" "${ended:+$line_break}" >&3 || write_failed
      return 0
    fi
    n=$((n + 2))
    shift 2
  done
  return 1
}
fill() {
  open_new
  [ "$type" = file ] || file=/dev/null
  # What is counted of the values among the keys does not matter.
  scan "$@"
  [ -z "$unclosed" ] || fail "line $unclosed of $path opens a quote that is never closed; nothing was changed"
  number=0 last=1
  while next_entry; do
    last=$ended
    [ -n "$name" ] && replaced "$@" && continue
    printf '%s%s' "$entry" "${ended:+$line_break}" >&3 || write_failed
  done <"$file"
  n=1
  while [ "$#" -gt 0 ]; do
    eval "now=\$now_$n"
    if [ -z "$now" ]; then
      [ -n "$last" ] || printf '\n' >&3 || write_failed
      last=1
      printf "%s='%s'\n" "$1" "$2" >&3 || write_failed
    fi
    n=$((n + 2))
    shift 2
  done
}
