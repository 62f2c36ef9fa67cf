"""Telling what is wrong with a text that should be exactly one bcrypt hash, without showing any of it.

A bcrypt hash has 60 characters: `$2b$`, two digits of cost, `$`, and 53 of `./A-Za-z0-9` (22 of salt, 31 of digest).
It gets lost in well-known ways: shells and Compose take `$2` or `$N9qo` for variables, editors add a byte-order mark
or CR, and people hand over the password itself. Each has its own diagnosis here.
"""

from __future__ import annotations

import re
import string
from base64 import b64encode
from dataclasses import dataclass

LENGTH = 60
COSTS = range(4, 32)
SANE = range(4, 21)
"""Costs up to 20 are accepted: at 20 one check of a password takes about a minute."""
WEAK = 10
"""Below this cost passwords are guessed quickly; accepted with a warning."""

_BODY = r"[./A-Za-z0-9]{53}"
_HASH = re.compile(rf"\$2[aby]\$(\d\d)\${_BODY}")
_BASE64 = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}+/".encode()
_BCRYPT_BASE64 = f"./{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}".encode()
_QUOTE = "write it again with the hash in single quotes"


@dataclass(frozen=True)
class RenderError:
    """What is wrong (`it ...`), and a sentence on how to put it right (or nothing). Neither shows the value."""

    message: str
    fix: str = ""


def fault(text: str) -> RenderError | None:
    """What is wrong with `text` as one bcrypt hash, one newline after it allowed; None if nothing is."""
    body = text.removesuffix("\n")
    return _surroundings(text, body) or _body(body)


def doubts(value: str) -> tuple[str, ...]:
    """What is odd about a hash that `fault` accepts, as ends of a sentence that begins with `it`."""
    found = []
    if int(value[4:6]) < WEAK:
        found.append(f"has the low cost {int(value[4:6])}, so its password is guessed quickly; 12 is usual")
    # 16 bytes of salt leave 4 unused bits in its last character, 23 bytes of digest 2 in its.
    if value[28] not in ".Oeu" or value[59] not in ".CGKOSWaeimquy26":
        found.append("cannot be the output of bcrypt: a character is wrong, or it was made up")
    return tuple(found)


def setting(cost: int, salt: bytes) -> bytes:
    """What bcrypt makes a hash with: cost and 16 bytes of salt, as the first 29 characters of the hash have them."""
    ordinary = b64encode(salt).rstrip(b"=")
    return b"$2b$%02d$" % cost + ordinary.translate(bytes.maketrans(_BASE64, _BCRYPT_BASE64))


def is_hash(text: str) -> bool:
    """Whether `text` has the shape of a bcrypt hash."""
    return _HASH.fullmatch(text) is not None


def _surroundings(text: str, body: str) -> RenderError | None:
    if not text.strip("\ufeff \t\r\n"):
        return RenderError("it is empty" if not text else "it contains only white space")
    if text.startswith("\ufeff"):
        return RenderError(
            "it begins with a byte-order mark (BOM), probably added by an editor",
            "Save it as UTF-8 without BOM.",
        )
    if "\r" in text:
        return RenderError(
            "it contains a carriage return (CR), as Windows editors add at line ends",
            "Save it with Unix line ends, or remove them: tr -d '\\r'",
        )
    if "\n" in body:
        return _lines(body)
    if body != body.strip():
        sides = [side for side, cut in (("before", body.lstrip()), ("after", body.rstrip())) if cut != body]
        return RenderError(f"there is white space {' and '.join(sides)} it", "Remove it.")
    return None


def _lines(body: str) -> RenderError:
    lines = body.split("\n")
    filled = [line for line in lines if line.strip()]
    if len(filled) == 1:
        side = "before" if not lines[0].strip() else "after"
        return RenderError(f"there are empty lines {side} it", "Remove them.")
    if is_hash(filled[0]) and len(filled) == 2 and not is_hash(filled[1]):
        return RenderError(
            "it has two lines: a hash and something else, as ComfyUI-Login's PASSWORD has a user name in line 2",
            "Only the hash belongs here: head -n 1",
        )
    if all(is_hash(line) for line in filled):
        return RenderError(f"it has {len(filled)} hashes, expected one")
    return RenderError(f"it has {len(lines)} lines, expected one")


def _body(body: str) -> RenderError | None:
    if match := _HASH.fullmatch(body):
        return _cost(int(match[1]))
    found = _wrapped(body) or _damaged(body) or _eaten(body) or _other_hash(body)
    return found or RenderError(
        "it does not begin with `$2b$`; this looks like the password itself, or another kind of token",
        "To create its hash, declare `bcrypt: {password: NAME, file: PATH}`.",
    )


def _cost(cost: int) -> RenderError | None:
    if cost not in COSTS:
        return RenderError(f"its cost is {cost}, bcrypt knows {COSTS[0]} to {COSTS[-1]}")
    if cost not in SANE:
        minutes = 2 ** (cost - SANE[-1])
        return RenderError(
            f"its cost is {cost}: one check of a password would take about {minutes} minutes",
            f"Make a hash of the same password with a cost of at most {SANE[-1]}; 12 is usual.",
        )
    return None


def _wrapped(body: str) -> RenderError | None:
    """A whole hash with something around or inside it."""
    if body[0] == body[-1] and body[0] in "'\"" and is_hash(body[1:-1]):
        return RenderError("it is in quotes", "Remove them.")
    for written, plain, what in (
        ("$$", "$", "every `$` is doubled, as Compose files need it"),
        ("\\$", "$", "every `$` has a backslash before it"),
        ("%24", "$", "every `$` is written as `%24`, as in URLs"),
    ):
        if is_hash(body.replace(written, plain)):
            return RenderError(what, "Write the plain hash.")
    for mark, what in (
        ("=", "a name and `=`, as in a .env file,"),
        (":", "a user name and `:`, as htpasswd writes it,"),
    ):
        rest = body.partition(mark)[2].strip()
        if is_hash(rest) or is_hash(rest[1:-1]):
            return RenderError(f"{what} come before it", "Only the hash belongs here.")
    if body.startswith("Bearer ") and is_hash(body[7:]):
        return RenderError("`Bearer` comes before it", "Only the hash belongs here.")
    return None


def _damaged(body: str) -> RenderError | None:
    """The prefix is there, the rest is not right."""
    match = re.match(r"\$2([a-z]?)\$(\d*)(\$?)(.*)", body, re.DOTALL)
    if not match:
        return None
    version, cost, dollar, rest = match.groups()
    if version not in ("a", "b", "y"):
        return RenderError(f"its version `$2{version}$` is an old, faulty one", "Make it again, as `$2b$`.")
    if len(cost) != 2:
        return RenderError(f"its cost has {len(cost)} digits, expected 2")
    if not dollar:
        return RenderError(
            f"what follows `$2{version}${cost}` is missing: a shell or Compose took it for a variable",
            f"{_QUOTE.capitalize()}.",
        )
    wrong = next((at for at, char in enumerate(rest, 8) if not re.match(r"[./A-Za-z0-9]", char)), None)
    if wrong is not None and len(body) == LENGTH:
        return RenderError(f"character {wrong} is not valid in a bcrypt hash")
    if len(body) < LENGTH:
        return RenderError(f"the last {LENGTH - len(body)} characters of it are missing", "Copy it again, whole.")
    return RenderError(f"it goes on for {len(body) - LENGTH} more characters after {LENGTH}")


def _eaten(body: str) -> RenderError | None:
    """A prefix lost to a shell, which takes `$2` for its second parameter."""
    for pattern, eaten in (
        (r"2[abxy]\$\d\d\$", "`$`"),
        (r"[abxy]\$\d\d\$", "`$2`"),
        (r"\$\d\d\$", "`$2b`"),
        (r"\$[abxy]\$\d\d\$", "`2`"),
        (r"\d\d\$(?=.{53}$)", "`$2b$`"),
        (r"\$2[abxy]\d\$", "`$1`"),
        (r"[abxy]?2\$(?=.{53}$)", "`$2` and `$1`"),
    ):
        if match := re.match(pattern, body):
            cost = match[0][-3:-1] if re.search(r"\d\d\$", match[0]) else "12"
            return RenderError(
                f"it starts with `{match[0]}`, not `$2b${cost}$`",
                f"A shell removed {eaten}; {_QUOTE}.",
            )
    # `"$2b$12$N9qo./..."` in double quotes: `$2`, `$1` and `$N9qo` are all empty.
    if re.fullmatch(r"[aby]2([./][./A-Za-z0-9]{,52})?|[aby]2[./A-Za-z0-9]{52}", body):
        return RenderError(
            f"it starts with `{body[:2]}` and has no `$`: all that is left of a hash in double quotes",
            f"A shell removed `$2`, `$1` and what follows the third `$`; {_QUOTE}.",
        )
    if re.fullmatch(_BODY, body):
        return RenderError("it has only the 53 characters that follow `$2b$12$`", "Copy it again, whole.")
    return None


def _other_hash(body: str) -> RenderError | None:
    for pattern, kind in (
        (r"\$argon2", "an Argon2"),
        (r"\$5\$", "a SHA-256 crypt"),
        (r"\$6\$", "a SHA-512 crypt"),
        (r"\$(y|7|scrypt)\$", "a scrypt or yescrypt"),
        (r"\$(1|apr1)\$", "an MD5 crypt"),
        (r"\$bcrypt-sha256\$|bcrypt_sha256\$", "a passlib or Django bcrypt-SHA-256"),
        (r"pbkdf2|\$pbkdf2", "a PBKDF2"),
        (r"\{[A-Z0-9-]+\}", "an LDAP"),
        (r"[0-9a-fA-F]{32}$|[0-9a-fA-F]{40}$|[0-9a-fA-F]{64}$|[0-9a-fA-F]{128}$", "a hexadecimal"),
    ):
        if re.match(pattern, body):
            return RenderError(
                f"it is {kind} hash", "Make a bcrypt hash of the password: htpasswd -nBC 12 '' prints one."
            )
    return None
