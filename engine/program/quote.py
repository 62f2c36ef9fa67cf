"""Values as shell text. The only place where anything is quoted, and where a secret is revealed to be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from engine.model import HostPath, Script, ScriptText, Secret

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
TAKEN = frozenset({
    "phase", "timeout", "retries", "staging",
    "IFS", "PATH", "HOME", "PWD", "OLDPWD", "ENV", "CDPATH", "LC_ALL", "PS4", "OPTIND", "OPTARG", "PPID",
    "UID", "EUID", "SHELLOPTS", "BASHOPTS", "RANDOM", "SECONDS", "LINENO", "GROUPS", "DIRSTACK", "FUNCNAME",
})  # fmt: skip


@cache
def text(value: str) -> str:
    """`value` as one shell word that expands to exactly it. Raises ValueError where it holds a NUL byte."""
    if "\0" in value:
        raise ValueError("it contains a NUL byte, which a shell cannot pass on; upload such content as a file")
    return "'" + value.replace("'", "'\\''") + "'"


def word(value: str | int | bool | Secret) -> str:
    """A script's value as one shell word: true is `1`, false nothing; a leading `~/` of a HostPath is the home
    directory on the host. Raises ValueError where it cannot be carried."""
    if isinstance(value, Secret):
        return text(value.reveal())
    if isinstance(value, ScriptText):
        shared = value.script.shared
        lines = [*(["unset " + " ".join(shared)] if shared else []), *assigned(value.script)]
        # Values and text apart, as `pin` takes them; the whole twice, for it is handed on as shell text.
        whole = [f"_engine_v={text(chr(10).join(lines))}", f"_engine_x={text(value.script.text)}"]
        return text(text("\n".join([*whole, 'eval "$_engine_v"', "set -eu", 'eval "$_engine_x"'])))
    if isinstance(value, bool):
        return "'1'" if value else "''"
    if isinstance(value, HostPath) and (value == "~" or value.startswith("~/")):
        return '"${HOME:?is not set on this host, so ~ means nothing}"' + (text(value[1:]) if value[1:] else "")
    return text(str(value))


def assigned(script: Script) -> list[str]:
    """The lines that give a script its variables and arguments. Raises ValueError where one cannot be used."""
    return [
        *(assignment(name, value) for name, value in script.vars.items()),
        f"set -- {words(script.args)}",
    ]


def words(values: Iterable[str | int | bool | Secret]) -> str:
    """Several values, as shell words in a row."""
    return " ".join(word(value) for value in values)


def assignment(name: str, value: str | int | bool | Secret) -> str:
    """`name=word`. Raises ValueError, which names the variable, where the name or the value cannot be carried."""
    if not NAME.match(name) or name in TAKEN or name.startswith("_engine_"):
        raise ValueError(f"`{name}` cannot be the name of a script's variable: it is invalid, or means something")
    try:
        return f"{name}={word(value)}"
    except ValueError as error:
        raise ValueError(f"variable `{name}`: {error}") from None
