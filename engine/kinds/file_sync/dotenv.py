"""Keys of a `.env` file: which values Compose reads back as they were written, and the shell texts.

Both Compose 1 and Compose 2 take what stands between single quotes as it is, with these exceptions: neither can hold
a single quote, Compose 1 turns two backslashes into one and expands `${...}` even there, and in both a backslash
before the closing quote keeps the value open. An unquoted or double-quoted value is only read alike where it holds
none of the characters that either of them treats specially.
"""

from __future__ import annotations

import re

from engine.kinds.file_sync.shell import LOOK, MAKE, WATCH
from engine.model import Secret

NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def refusal(value: str | Secret) -> str:
    """Why a value cannot stand in a `.env` file so that both Compose versions read it back; empty where it can."""
    text = value.reveal() if isinstance(value, Secret) else value
    reasons = {
        "a line break": "\n" in text or "\r" in text,
        "a NUL byte": "\0" in text,
        "a single quote": "'" in text,
        "two backslashes in a row": "\\\\" in text,
        "a backslash at its end": text.endswith("\\"),
        "`${`": "${" in text,
        "bytes that are no UTF-8": any("\udc80" <= character <= "\udcff" for character in text),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def valid_name(name: str) -> bool:
    """Whether a key can be the name of an environment variable."""
    return re.fullmatch(NAME, name) is not None


SCAN = (
    "blank=' \t'\ncr='\r'\n"
    + r"""
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
"""
)

PROBE = (
    LOOK
    + SCAN
    + r"""
look
report
known_owners
[ "$type" = file ] || exit 0
[ -r "$file" ] || fail "permission denied: $file cannot be read"
scan "$@"
fact unclosed "$unclosed"
[ -z "$mode$owner$group$public" ] || describe "$file"
fact about "${about-}"
n=0
for key do
  n=$((n + 1))
  eval "now=\$now_$n"
  [ -n "$now" ] || continue
  sum=$(printf '%s' "${now#=}" | sha256)
  fact "key.$key" "$sum"
  # Of a key that is declared to be no secret, the value, where everyone on the host may read it.
  case " $public /${mode_now-}" in
    *" $key "*/*[4567]) fact "text.$key" "${now#=}" ;;
  esac
done
"""
)

ACTION = (
    LOOK
    + SCAN
    + MAKE
    + r"""
look
prepare
open_new
exec 3>>"$new"
keys=$(($# / 2))

# Where the entry's `name` is one of the keys to write: puts the new one in its place. Only the last entry of a key
# counts, so only that stays.
replaced() {
  n=0
  while [ "$n" -lt "$keys" ]; do
    n=$((n + 1))
    if [ "$1" = "$name" ]; then
      eval "left=\$((count_$n - 1)); count_$n=\$left"
      [ "$left" -gt 0 ] || printf "%s%s='%s'%s%s" "$before" "$name" "$2" "$after" "${ended:+$line_break}" >&3 || full
      return 0
    fi
    shift 2
  done
  return 1
}

# The keys alone, out of keys and values in turn.
count() {
  n=0
  while [ "$n" -lt "$keys" ]; do
    n=$((n + 1))
    key=$1
    shift 2
    set -- "$@" "$key"
  done
  scan "$@"
}

last=1
if [ "$type" = file ]; then
  count "$@"
  [ -z "$unclosed" ] || fail "line $unclosed of $file opens a quote that is never closed; nothing was changed"
  number=0
  while next_entry; do
    last=$ended
    [ -n "$name" ] && replaced "$@" && continue
    printf '%s%s' "$entry" "${ended:+$line_break}" >&3 || full
  done <"$file"
  count "$@"
fi
n=0
while [ "$#" -gt 0 ]; do
  n=$((n + 1))
  eval "there=\${count_$n:-0}"
  if [ "$there" -eq 0 ]; then
    [ -n "$last" ] || printf '\n' >&3 || full
    last=1
    printf "%s='%s'\n" "$1" "$2" >&3 || full
  fi
  shift 2
done
exec 3>&-
settle
"""
)

WATCHED = (
    LOOK
    + SCAN
    + WATCH
    + r"""
look
sum=
if [ "$type" = file ]; then
  [ -r "$file" ] || fail "permission denied: $file cannot be read"
  scan "$@"
  n=0
  for key do
    n=$((n + 1))
    eval "now=\$now_$n"
    one=$(printf '%s' "$now" | sha256)
    sum="$sum $key $one"
  done
fi
watched
"""
)
