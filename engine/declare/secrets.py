"""Secrets: values by reference. Where they come from, and whether they are what they should be.

No error, warning or hint of this module shows a value or a part of it: only lengths, line counts and the harmless
beginning of a damaged bcrypt hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.declare import bcrypt_format, origins
from engine.declare.origins import Found
from engine.errors import InvalidInput, Position, Problem
from engine.model import Secret

SOURCES = ("file", "env", "command", "prompt", "bcrypt")

_NAME = {"type": "string", "minLength": 1}
SECRET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A secret: exactly one source (file, env, command, prompt, bcrypt), and what it must be.",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "file": {
            **_NAME,
            "description": "A file on the controller, in the project root unless absolute; `~` expands. One line "
            "end at the end of it is not part of the value.",
        },
        "env": {**_NAME, "description": "An environment variable of the controller."},
        "command": {
            "description": "A command on the controller whose output is the value (`sops -d FILE`, `pass NAME`, "
            "`op read REF`), run in the project root: a list of arguments, or text for sh. One line end at the end "
            "of the output is not part of the value.",
            "anyOf": [_NAME, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        },
        "prompt": {
            "description": "Ask for it on the terminal, with this text; `true` asks with the secret's name.",
            "anyOf": [_NAME, {"const": True}],
        },
        "bcrypt": {
            "type": "object",
            "description": "The bcrypt hash of another secret. The one in `file` is kept while it matches; only if "
            "it does not, or there is none, one is made and written there.",
            "additionalProperties": False,
            "required": ["password", "file"],
            "properties": {
                "password": {**_NAME, "description": "The name of the secret that holds the password."},
                "file": {**_NAME, "description": "Where the hash is kept on the controller (mode 0600)."},
                "cost": {
                    "type": "integer",
                    "minimum": bcrypt_format.SANE[0],
                    "maximum": bcrypt_format.SANE[-1],
                    "description": "Work factor of a hash that is made (default 12); one step doubles the time. A "
                    "hash that matches is kept whatever its cost.",
                },
            },
        },
        "format": {
            "enum": ["plain", "bcrypt"],
            "description": "`bcrypt`: it must be exactly one bcrypt hash; if not, the error says what it is.",
        },
        "matches": {
            **_NAME,
            "description": "The name of the secret that holds the password of which this must be the bcrypt hash.",
        },
        "timeout": {
            "description": "How long `command` may take, in seconds or as `90s`, `2m` (default 60 s).",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?(\s*[smh])?\s*$"},
            ],
        },
    },
    "oneOf": [{"required": [source]} for source in SOURCES],
}
"""JSON Schema of one entry of a state's `secrets:`."""


@dataclass(frozen=True)
class _Entry:
    """One entry of `secrets:` and what is needed to resolve it."""

    name: str
    spec: Mapping[str, Any]
    project: Path
    where: Position | None
    other: Callable[[str], Secret]
    warn: Callable[[str], None]
    prompt: Callable[[str], str] | None = None
    write: bool = True
    env: Mapping[str, str] | None = field(default=None, repr=False)

    def wrong(self, what: str, *hints: str) -> InvalidInput:
        return InvalidInput(Problem(f"secret {self.name} {what}", self.where, tuple(hint for hint in hints if hint)))


def resolve(
    name: str,
    spec: Mapping[str, Any],
    *,
    project: Path,
    where: Position | None,
    other: Callable[[str], Secret],
    warn: Callable[[str], None] = lambda text: None,
    prompt: Callable[[str], str] | None = None,
    write: bool = True,
    env: Mapping[str, str] | None = None,
) -> Secret:
    """The secret that `spec` (an entry of `secrets:`, templates rendered) stands for.

    project  the project root: relative paths start there, commands run there
    where    where the entry stands, for errors
    other    gives another secret by name, for `matches` and `bcrypt.password`; must itself guard against circles
    warn     is called with a sentence for what is odd but not wrong: a file open to others, a hash that was made
    prompt   asks for a secret, given the text to show (default: getpass, if there is a terminal)
    write    whether the hash of `bcrypt:` may be written to its file. A plan writes it too, for it must show the
             fingerprint of the hash that the apply will use; that a plan changes nothing holds of hosts. With False
             a hash that has to be made lives in this process only.
    env      environment variables (default: this process's)

    Raises InvalidInput: no such file, unreadable, empty, not what its format wants, no match, and so on.
    """
    entry = _Entry(name, spec, project, where, other, warn, prompt, write, env)
    given = [source for source in SOURCES if source in spec]
    if len(given) != 1:
        count = f"has {len(given)} sources ({', '.join(given)})" if given else "has no source"
        raise entry.wrong(f"{count}, expected exactly one of: {', '.join(SOURCES)}")
    if given[0] == "bcrypt":
        secret = _made(entry)
    else:
        found = _found(entry, given[0])
        is_hash = spec.get("format") == "bcrypt" or "matches" in spec
        secret = Secret(_hash(entry, found) if is_hash else _plain(entry, found), name)
    if "matches" in spec:
        _check_match(entry, secret, str(spec["matches"]))
    return secret


def _found(entry: _Entry, source: str) -> Found:
    value = entry.spec[source]
    try:
        if source == "file":
            found = origins.from_file(str(value), entry.project)
        elif source == "env":
            found = origins.from_env(str(value), entry.env)
        elif source == "command":
            found = origins.from_command(value, entry.project, _seconds(entry.spec.get("timeout", 60)), entry.env)
        else:
            text = value if isinstance(value, str) and value.lower() != "true" else f"Secret {entry.name}: "
            found = origins.from_prompt(text, entry.prompt)
    except origins.Failed as failed:
        raise entry.wrong(failed.message, *failed.hints) from None
    for warning in found.warnings:
        entry.warn(f"secret {entry.name}: {warning}")
    return found


def _seconds(value: Any) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(value))
    if not match:
        raise origins.Failed(f"has the timeout {value!r}, expected seconds or a text like `90s` or `2m`")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _plain(entry: _Entry, found: Found) -> str:
    """The value without one line end (LF or CRLF) after it."""
    value = found.text.removesuffix("\n") if not found.exact else found.text
    value = value.removesuffix("\r") if value != found.text else value
    if not value.strip():
        raise entry.wrong("is empty" if not value else "holds nothing but white space", found.origin)
    if value.startswith("\ufeff"):
        raise entry.wrong(
            "begins with a byte-order mark (BOM), which an editor put there",
            found.origin,
            "Save it as UTF-8 without BOM.",
        )
    if len(value) < 4:
        entry.warn(
            f"secret {entry.name}: it has {len(value)} characters; in output so short a value is hidden only where "
            "it stands alone"
        )
    return value


def _hash(entry: _Entry, found: Found) -> str:
    """The value as exactly one bcrypt hash."""
    fault = bcrypt_format.fault(found.text)
    if fault is not None:
        size = len(found.text.removesuffix("\n").removeprefix("\ufeff"))
        origin = f"{found.origin} ({size} characters, expected {bcrypt_format.LENGTH})"
        fix = fault.fix.replace("write it again", found.again)
        raise entry.wrong(f"is no bcrypt hash: {fault.message}", origin, fix)
    value = found.text.removesuffix("\n")
    for doubt in bcrypt_format.doubts(value):
        entry.warn(f"secret {entry.name}: the hash {doubt}; {found.origin}")
    return value


def _check_match(entry: _Entry, secret: Secret, password_name: str) -> None:
    if not _matches(entry, entry.other(password_name), secret.reveal()):
        raise entry.wrong(
            f"does not match {password_name}: the hash was made from another password",
            "Put the hash of the right password there, or correct the password; to have the hash kept up to date "
            f"by itself, declare `bcrypt: {{password: {password_name}, file: PATH}}`.",
        )


def _matches(entry: _Entry, password: Secret, value: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(_bytes(entry, password), value.encode())


def _bytes(entry: _Entry, password: Secret) -> bytes:
    """A password as bcrypt takes it."""
    data = password.reveal().encode()
    # Versions of bcrypt differ: some cut it off here without a word, some refuse it.
    if len(data) > 72:
        raise entry.wrong(
            f"cannot be the bcrypt hash of {password.name or 'its password'}: "
            f"that has {len(data)} bytes, and bcrypt takes at most 72",
            "Choose a shorter password.",
        )
    return data


def _made(entry: _Entry) -> Secret:
    """The hash kept in a file while it matches, else a new one."""
    import bcrypt

    wanted = entry.spec["bcrypt"]
    password = entry.other(str(wanted["password"]))
    data = _bytes(entry, password)
    path = origins.located(str(wanted["file"]), entry.project).resolve()

    def kept() -> str | None:
        if not path.exists():
            return None
        found = origins.from_file(str(path), entry.project)
        if not found.text.strip():
            return None
        # Whatever else somebody keeps there must not be written over.
        if (fault := bcrypt_format.fault(found.text)) is not None:
            raise entry.wrong(
                f"is to be kept in a file that holds something else: {fault.message}",
                found.origin,
                "Remove the file to have the hash made anew, or name another one.",
            )
        for warning in found.warnings:
            entry.warn(f"secret {entry.name}: {warning}")
        value = found.text.removesuffix("\n")
        return value if bcrypt.checkpw(data, value.encode()) else None

    def made() -> str:
        return bcrypt.hashpw(data, bcrypt.gensalt(int(wanted.get("cost", 12)))).decode()

    try:
        value, new = origins.keep(path, kept, made) if entry.write else (kept() or made(), False)
    except origins.Failed as failed:
        raise entry.wrong(failed.message, *failed.hints) from None
    if new:
        entry.warn(f"secret {entry.name}: made a new bcrypt hash of {wanted['password']} in {path}")
    return Secret(value, entry.name)
