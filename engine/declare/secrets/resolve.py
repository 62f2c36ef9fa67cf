"""Secrets: values by reference. Where they come from, and whether they are what they should be.

No error, warning or hint of this module shows a value or a part of it: only lengths, line counts and the harmless
beginning of a damaged bcrypt hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.codes import Code
from engine.declare.secrets import bcrypt_format, sources
from engine.declare.secrets.key import Key
from engine.declare.secrets.sources import Found
from engine.errors import InvalidInput, Position, Problem
from engine.kit import duration
from engine.model import Secret

SOURCES = ("file", "env", "command", "prompt", "bcrypt")

_NAME = {"type": "string", "minLength": 1}
SECRET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A secret: exactly one source (file, env, command, prompt, bcrypt), and optional checks.",
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
            "description": "The bcrypt hash of another secret. The hash in `file` is used while it matches the "
            "password. Otherwise an apply writes a new hash there and keeps the old file as `FILE.before-RUN`. A "
            "plan writes nothing.",
            "additionalProperties": False,
            "required": ["password", "file"],
            "properties": {
                "password": {**_NAME, "description": "The name of the secret with the password."},
                "file": {**_NAME, "description": "File on the controller for the hash (mode 0600)."},
                "cost": {
                    "type": "integer",
                    "minimum": bcrypt_format.SANE[0],
                    "maximum": bcrypt_format.SANE[-1],
                    "description": "Work factor of a new hash (default 12); each step doubles the time. A matching "
                    "hash is used whatever its cost.",
                },
            },
        },
        "format": {
            "enum": ["plain", "bcrypt"],
            "description": "`bcrypt`: it must be exactly one bcrypt hash; if not, the error explains what is wrong.",
        },
        "matches": {
            **_NAME,
            "description": "The name of the secret with the password that this bcrypt hash must match.",
        },
        "timeout": {
            "description": "How long `command` may take, in seconds or as `90s`, `2m` (default 60 s).",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": duration.PATTERN},
            ],
        },
    },
    "oneOf": [{"required": [source]} for source in SOURCES],
}
"""JSON Schema of one entry of a state's `secrets:`."""


@dataclass(frozen=True)
class NewHash:
    """A bcrypt hash that was made, and that an apply is to write to `path`, where `replaced` is now (empty: nothing).
    `name` is that of its secret, `password` that of the secret it was made from."""

    path: Path
    name: str
    password: str
    value: Secret
    replaced: str = field(default="", repr=False)

    def keep(self, run: str) -> str:
        """Write it, and say so in a sentence; what it replaces is kept beside it. Raises InvalidInput."""
        try:
            old = sources.put(self.path, self.replaced, self.value.reveal(), f".before-{run}")
        except sources.Failed as failed:
            raise InvalidInput(
                Problem(f"secret {self.name} {failed.message}", None, failed.hints, code=failed.code)
            ) from None
        where = f"; the old one is in {old}" if old is not None else ""
        return f"secret {self.name}: {self.path} holds a new bcrypt hash of {self.password}{where}"


@dataclass(frozen=True)
class _Entry:
    """One entry of `secrets:` and what is needed to resolve it."""

    name: str
    spec: Mapping[str, Any]
    project: Path
    where: Position | None
    other: Callable[[str], Secret]
    warn: Callable[[str], None]
    key: Callable[[], Key]
    new: dict[Path, NewHash]
    prompt: Callable[[str], str] | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)

    def wrong(self, what: str, *hints: str, code: Code) -> InvalidInput:
        return InvalidInput(
            Problem(f"secret {self.name} {what}", self.where, tuple(hint for hint in hints if hint), code=code)
        )


def resolve(
    name: str,
    spec: Mapping[str, Any],
    *,
    project: Path,
    where: Position | None,
    other: Callable[[str], Secret],
    key: Callable[[], Key],
    new: dict[Path, NewHash],
    warn: Callable[[str], None] = lambda text: None,
    prompt: Callable[[str], str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Secret:
    """The secret that `spec` (an entry of `secrets:`, templates rendered) stands for.

    project  the project root: relative paths start there, commands run there
    where    where the entry stands, for errors
    other    gives another secret by name, for `matches` and `bcrypt.password`; must itself guard against circles
    key      gives the project's key, for the salt of a hash that has to be made: plans and applies under one key make
             the same hash
    new      takes up the hashes that were made, by file; nothing is written here
    warn     is called with a sentence for what is odd but not wrong: a file open to others, a hash to be made
    prompt   asks for a secret, given the text to show (default: getpass, if there is a terminal)
    env      environment variables (default: this process's)

    Raises InvalidInput: no such file, unreadable, empty, not what its format wants, no match, and so on.
    """
    entry = _Entry(name, spec, project, where, other, warn, key, new, prompt, env)
    given = [source for source in SOURCES if source in spec]
    if len(given) != 1:
        count = f"has {len(given)} sources ({', '.join(given)})" if given else "has no source"
        raise entry.wrong(f"{count}, expected exactly one of: {', '.join(SOURCES)}", code=Code.WRONG_VALUE)
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
            found = sources.from_file(str(value), entry.project)
        elif source == "env":
            found = sources.from_env(str(value), entry.env)
        elif source == "command":
            found = sources.from_command(
                value, entry.project, duration.seconds(entry.spec.get("timeout", 60)), entry.env
            )
        else:
            text = value if isinstance(value, str) and value.lower() != "true" else f"Secret {entry.name}: "
            found = sources.from_prompt(text, entry.prompt)
    except sources.Failed as failed:
        raise entry.wrong(failed.message, *failed.hints, code=failed.code) from None
    except ValueError as error:
        raise entry.wrong(f"has a wrong timeout: {error}", code=Code.WRONG_VALUE) from None
    for warning in found.warnings:
        entry.warn(f"secret {entry.name}: {warning}")
    return found


def _plain(entry: _Entry, found: Found) -> str:
    """The value without one line end (LF or CRLF) after it."""
    value = found.text.removesuffix("\n") if not found.exact else found.text
    value = value.removesuffix("\r") if value != found.text else value
    if not value.strip():
        raise entry.wrong(
            "is empty" if not value else "contains only white space", found.origin, code=Code.SECRET_TEXT
        )
    if value.startswith("\ufeff"):
        raise entry.wrong(
            "begins with a byte-order mark (BOM), probably added by an editor",
            found.origin,
            "Save it as UTF-8 without BOM.",
            code=Code.SECRET_TEXT,
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
        raise entry.wrong(f"is not a bcrypt hash: {fault.message}", origin, fix, code=Code.SECRET_FORMAT)
    value = found.text.removesuffix("\n")
    for doubt in bcrypt_format.doubts(value):
        entry.warn(f"secret {entry.name}: the hash {doubt}; {found.origin}")
    return value


def _check_match(entry: _Entry, secret: Secret, password_name: str) -> None:
    if not _matches(entry, entry.other(password_name), secret.reveal()):
        raise entry.wrong(
            f"does not match {password_name}: the hash was made from another password",
            "Put the hash of the right password there, or correct the password; to keep the hash up to date "
            f"automatically, declare `bcrypt: {{password: {password_name}, file: PATH}}`.",
            code=Code.SECRET_FORMAT,
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
            code=Code.SECRET_FORMAT,
        )
    return data


def _made(entry: _Entry) -> Secret:
    """The hash kept in a file while it matches, else a new one, which `entry.new` takes up."""
    import bcrypt

    wanted = entry.spec["bcrypt"]
    name = str(wanted["password"])
    password = entry.other(name)
    data = _bytes(entry, password)
    try:
        path = sources.located(str(wanted["file"]), entry.project).resolve()
        replaced = _replaced(entry, path)
    except sources.Failed as failed:
        raise entry.wrong(failed.message, *failed.hints, code=failed.code) from None
    if replaced and bcrypt.checkpw(data, replaced.encode()):
        return Secret(replaced, entry.name)
    if (known := entry.new.get(path)) is not None:
        if not bcrypt.checkpw(data, known.value.reveal().encode()):
            raise entry.wrong(
                f"cannot be written to {path}, which {known.name} uses for the hash of another password",
                "Name another file.",
                code=Code.SECRET_NOT_WRITTEN,
            )
        return Secret(known.value.reveal(), entry.name)
    salt = entry.key().salt(entry.name, password.reveal(), replaced)
    made = bcrypt.hashpw(data, bcrypt_format.setting(int(wanted.get("cost", 12)), salt)).decode()
    secret = Secret(made, entry.name)
    entry.new[path] = NewHash(path, entry.name, name, secret, replaced)
    entry.warn(
        f"secret {entry.name}: {path} holds "
        + (
            f"no hash of {name}; an apply replaces it and keeps a copy beside it"
            if replaced
            else f"no hash yet; an apply creates one from {name}"
        )
    )
    return secret


def _replaced(entry: _Entry, path: Path) -> str:
    """The hash in a file; empty where there is none. Raises Failed, and InvalidInput where another thing is there."""
    try:
        if not path.exists():
            return ""
    except OSError as error:
        raise sources.Failed(f"cannot be written to {path}: {error.strerror}", code=Code.SECRET_NOT_WRITTEN) from None
    found = sources.from_file(str(path), entry.project)
    if not found.text.strip():
        return ""
    # Whatever else somebody keeps there must not be written over.
    if (fault := bcrypt_format.fault(found.text)) is not None:
        raise entry.wrong(
            f"cannot be written to a file with other content: {fault.message}",
            found.origin,
            "Remove the file to create a new hash, or name another file.",
            code=Code.SECRET_NOT_WRITTEN,
        )
    for warning in found.warnings:
        entry.warn(f"secret {entry.name}: {warning}")
    return found.text.removesuffix("\n")
