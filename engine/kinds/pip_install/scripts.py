"""The shell of pip-install: asking an interpreter on the host what it has, and installing."""

from __future__ import annotations

from engine.kit.watching import WATCHING

ASKING = r"""
# -B below: to look must not write compiled modules.
# Prints the request, of which "$@" holds a beginning and an end for each line.
pip_request() {
  while [ "$#" -gt 1 ]; do
    printf '%s%s\n' "$1" "$2"
    shift 2
  done
}
# The lines `#KEY VALUE` of $said: sets value to that of $1.
said_fact() {
  value=
  case "$newline$said" in
    *"$newline#$1 "*)
      value="$newline$said"
      value=${value##*"$newline#$1 "}
      value=${value%%"$newline"*}
      ;;
  esac
}
said_satisfied() {
  said_fact missing
  if [ -n "$value" ]; then
    fail "pip reported success, but this is still not satisfied: $value"
  fi
}
said_facts() {
  for said_key in absent missing count; do
    said_fact "$said_key"
    fact "$said_key" "$value"
  done
}
"""

_HOST = (
    WATCHING
    + ASKING
    + r"""
need "$python"
"""
)

HOST_LOOK = (
    _HOST
    + r"""
pip_request "$@" | "$python" -B -c "$pip_python" check
"""
)
"""Prints what the interpreter says of what is required."""

_CHECKED = r"""
said=${checked-}
if [ -z "$said" ]; then
  said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
fi
"""

HOST_PROBE = (
    _HOST
    + _CHECKED
    + r"""
said_facts
"""
)
"""Facts: absent (a requirements file that is not there), missing (what is not satisfied), count."""

HOST_ACT = (
    _HOST
    + r"""
said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
said_fact absent
if [ -n "$value" ]; then
  fail "the requirements file $value is not there; nothing was installed"
fi
said_fact missing
if [ -z "$value" ]; then
  fact changed no
else
  pip_request "$@" | "$python" -B -c "$pip_python" install
  said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
  said_satisfied
fi
"""
)

HOST_WATCH = (
    _HOST
    + _CHECKED
    + r"""
said_fact absent
if [ -n "$value" ]; then
  fact fingerprint "no file"
  fact ctime ""
else
  said_fact fingerprint
  fact fingerprint "$value"
  said_fact ctime
  fact ctime "$value"
fi
"""
)
