"""Running the scripts of watched resources inside a section of the resource that watches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.kit.shell import pins, texts
from engine.model import Script, ScriptText, Secret, Watch

sh = texts(__file__)

TOLD = r"""
fact() { printf '%s %s\n' "$1" "$2" >&9; }
"""
"""Facts of a watch that runs as another user, as `part` reads them."""

WATCHING = sh("watching.sh")
"""Gives `part INDEX`, for scripts whose variables come from `nested`. Call it as a plain command: in a condition a
failing watch script would go on after its failing command."""


def handed(watch: Watch) -> bool:
    """Whether a watch may go on as another user: one that is named, or the owner of the directory that it pins."""
    return watch.user is not None or pins(watch.script.text)


def nested(watches: Sequence[Watch]) -> dict[str, str | int | bool | Secret]:
    """The watch scripts as variables of the script that runs them; each value is still quoted by the engine alone.

    The text of a script and the names of its variables are constants of its kind, so that they may be evaluated.
    """
    found: dict[str, str | int | bool | Secret] = {"watch_count": len(watches)}
    for index, watch in enumerate(watches):
        prefix = f"part_{index}"
        script: Script = watch.script
        if handed(watch):
            found |= {
                f"watch_{index}": watch.name,
                f"{prefix}_other": True,
                f"{prefix}_user": "." if watch.user is None else watch.user,
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
        if not handed(watch)
        for name, look in watch.script.shared.items()
    }
