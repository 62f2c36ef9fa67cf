"""Sections that run as a user of their own: a program within the program, started by sudo or doas.

It gets its text on standard input, as every program does, and has what every program has: functions for its script,
a process group and a watchdog. The watchdog must be its own, for whoever runs the program may not be allowed to
signal what sudo has started. Its frames, facts alone, carry a nonce of that user's: whatever that user's processes
find out and write, it is taken for facts of that user's sections.

sudo is told to remember nothing (`-k`), so it is known beforehand whether it will read a password: the launcher ends
with 97 where it is started without a program, and only a start that did so says that the same words will start it
again. So a password is only ever read by a sudo that wants one and has taken it before, and a program by none.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.kit import shell
from engine.kit.shell import texts
from engine.model import Become, HostPath
from engine.program import quote
from engine.program.bootstrap import LAUNCHER, MACHINE, STREAM_LAUNCHER
from engine.program.section import Section

sh = texts(__file__)

GRACE = 10
"""Seconds by which the outer watchdog comes later than the inner one."""

NEST = sh("nest.sh")
"""The inner program. Its variables: _engine_v and _engine_x, the values and the text of its script; _engine_i, the
number of its section; _engine_seconds, how long that may take; _engine_steps, set for a step."""

PINNED = ('eval "$_engine_v"', "set -eu", 'eval "$_engine_x"')
"""The lines that run a section whose script pins a path."""

USER, ASKING = "\1user", "\1asking"

AS = sh("as.sh")
"""Becoming another user. Variables: _engine_kit, what the inner program begins with, and that quoted, where there is
use for it; _engine_password, or nothing; _engine_inner, its nonce; _engine_host_user, who runs the outer program."""


@cache
def kit(become: tuple[str, ...]) -> str:
    """What inner programs begin with, functions alone, as a shell word that stands for a shell word: `become` are the
    words that come before those of one, with `USER` for the user and `ASKING` for what makes sudo ask."""
    words = quote.words(become).replace(f"'{USER}'", '"$_engine_u"').replace(f"'{ASKING}'", '"$@"')
    sudo = [
        "_engine_sudo() {",
        "_engine_u=$1",
        "shift",
        f'exec {words} sh -c "$_engine_launcher"',
        "}",
        f"_engine_launcher={quote.text(LAUNCHER)}",
        f"_engine_stream_launcher={quote.text(STREAM_LAUNCHER)}",
    ]
    return quote.text(quote.text("\n".join([*sudo, MACHINE, AS, NEST, files()])))


@cache
def files() -> str:
    """The doors through which scripts reach a path; see `files.sh` and `trust.sh` of the kit."""
    return texts(shell.__file__)("files.sh", "trust.sh")


@dataclass(frozen=True)
class Others:
    """What a program needs for sections that run as users of their own: `nonces` by user; `owners` by the number of a
    section whose script pins a path, for the owner of the directory, whoever that is."""

    become: Become
    nonces: dict[str, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sections: Sequence[Section], pinning: Sequence[int], become: Become) -> Others:
        """With a nonce for each user that is named, and for each section that may meet one: those whose scripts pin
        a path, by their numbers."""
        users = dict.fromkeys(section.become for section in sections if section.become is not None)
        return cls(
            become, {user: secrets.token_hex(16) for user in users}, {n: secrets.token_hex(16) for n in pinning}
        )

    def lines(self) -> list[str]:
        """What the program begins with."""
        password = self.become.password if not self.become.everything else None
        return [
            "unset _engine_owned _engine_stay _engine_feed _engine_within _engine_crowd feed take planned_as",
            # What files.sh takes of them is a script's own, or nothing.
            "unset follow seen mode owner group dir_mode parents fresh backup temp",
            f"_engine_password={quote.word(password) if password is not None else ''}",
            f"_engine_inner={secrets.token_hex(16)}",
            f"_engine_quoted_kit={kit(self.become.words(USER, (ASKING,)))}",
            'eval "_engine_kit=$_engine_quoted_kit"',
            'eval "$_engine_kit"',
            "_engine_host_user=$_engine_user _engine_vouched=",
        ]

    def numbers(self, sections: Sequence[Section]) -> dict[str, frozenset[int]]:
        """Nonce → the numbers of the sections that it may mark facts of."""
        named = {
            nonce: frozenset(n for n, section in enumerate(sections) if section.become == user)
            for user, nonce in self.nonces.items()
        }
        return named | {nonce: frozenset({n}) for n, nonce in self.owners.items()}

    def before(self, user: str) -> list[str]:
        """The lines before a section: whether that user can be become is found out once a program."""
        return [f'[ "$_engine_user" = {quote.text(user)} ] || _engine_may {quote.text(user)} || _engine_r=1']

    def vouching(self, values: Mapping[str, object]) -> str:
        """The line before a step with these variables: whether the directory of its path is for root and us alone is
        found out once for many, as long as no step may have changed that."""
        if "leaves_directories" not in values:
            return "_engine_vouched=$_engine_line"
        path = values.get("path")
        if not isinstance(path, str) or values.get("planned_as"):
            return ":"
        return f"_engine_vouch {quote.word(HostPath(path.rpartition('/')[0] or '/'))}"

    def pinned(self, index: int, values: list[str], number: int) -> list[str]:
        """What section `index` is run with, by `PINNED`: its script may begin anew as another user."""
        return [
            f"_engine_inner={self.owners[index]}",
            f"_engine_v={quote.text(chr(10).join(values))}",
            f"_engine_x=$_engine_t{number}",
        ]

    def section(self, index: int, user: str, values: list[str], seconds: int, number: int, step: bool) -> list[str]:
        """The lines that run section `index`: directly, where the program's user is the one wanted. `number` is that
        of its script's text."""
        return [
            f"timeout={seconds} _engine_inner={self.owners.get(index, self.nonces[user])}",
            f"_engine_v={quote.text(quote.text(chr(10).join(values)))}",
            f'if [ "$_engine_user" = {quote.text(user)} ]; then',
            'eval "_engine_v=$_engine_v"',
            f"_engine_x=$_engine_t{number}",
            'eval "$_engine_v"',
            "set -eu",
            'eval "$_engine_x"',
            "else",
            f'_engine_as {quote.text(user)} "$_engine_v" "$_engine_q{number}" {"1" if step else chr(39) * 2} >&9',
            "fi",
        ]
