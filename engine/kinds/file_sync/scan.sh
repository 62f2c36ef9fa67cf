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
