"""Running the scripts of watched resources inside a section of the resource that watches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.model import Script, ScriptText, Secret, Watch

TOLD = r"""
fact() { printf '%s %s\n' "$1" "$2" >&9; }
"""
"""Facts of a watch that runs as another user, as `part` reads them."""

WATCHING = r"""
# The fact $2 in $part_facts, which holds lines `KEY VALUE`; the last one counts.
part_fact() {
  part_value=
  case "$newline$part_facts" in
    *"$newline$1 "*)
      part_value="$newline$part_facts"
      part_value=${part_value##*"$newline$1 "}
      part_value=${part_value%%"$newline"*}
      ;;
  esac
}
# Runs watch script $1 as a section of its own would be run, but with its facts printed to descriptor 3.
part_run() {
  set -eu
  fact() {
    printf '%s %s\n' "$1" "$2" >&3
  }
  part_text='' part_names='' part_words=''
  eval "part_text=\$part_${1}_text part_names=\$part_${1}_names part_words=\$part_${1}_words"
  for part_name in $part_names; do
    # What a look would hold is not there in a step.
    eval "$part_name=\${part_${1}_var_$part_name-}"
  done
  eval "set -- $part_words"
  eval "$part_text"
}
# What watch $1 reports: sets fingerprint and ctime.
part() {
  eval "part_other=\${part_${1}_other-}"
  if [ "$part_other" ]; then
    eval "part_facts=\$(as_user \"\$part_${1}_user\" \"\$part_${1}_whole\")"
  else
    part_facts=$(part_run "$1" 3>&1 >&2)
  fi
  part_fact fingerprint
  fingerprint=$part_value
  part_fact ctime
  ctime=$part_value
}
newline='
'
"""
"""Gives `part INDEX`, for scripts whose variables come from `nested`. Call it as a plain command: in a condition a
failing watch script would go on after its failing command."""


def nested(watches: Sequence[Watch]) -> dict[str, str | int | bool | Secret]:
    """The watch scripts as variables of the script that runs them; each value is still quoted by the engine alone.

    The text of a script and the names of its variables are constants of its kind, so that they may be evaluated.
    """
    found: dict[str, str | int | bool | Secret] = {"watch_count": len(watches)}
    for index, watch in enumerate(watches):
        prefix = f"part_{index}"
        script: Script = watch.script
        if watch.user is not None:
            found |= {
                f"watch_{index}": watch.name,
                f"{prefix}_other": True,
                f"{prefix}_user": watch.user,
                f"{prefix}_whole": ScriptText(replace(script, text=TOLD + script.text)),
            }
            continue
        words = [f'"${prefix}_word_{n}"' for n in range(len(script.args))]
        found |= {
            f"watch_{index}": watch.name,
            f"{prefix}_text": script.text,
            f"{prefix}_names": " ".join([*script.vars, *script.shared]),
            f"{prefix}_words": " ".join(words),
        }
        found |= {f"{prefix}_var_{name}": value for name, value in script.vars.items()}
        found |= {f"{prefix}_word_{n}": value for n, value in enumerate(script.args)}
    return found


def nested_looks(watches: Sequence[Watch]) -> dict[str, Script]:
    """The looks of the watch scripts, under the names that `part` takes them from."""
    return {
        f"part_{index}_var_{name}": look
        for index, watch in enumerate(watches)
        if watch.user is None
        for name, look in watch.script.shared.items()
    }
