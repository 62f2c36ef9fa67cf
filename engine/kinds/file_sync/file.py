"""What file-sync manages of a file, a class for each: nothing, its content, line 1, keys of a `.env` file; or its
absence. How that is inspected (`inspect`, `digest`) and written (`fill`) is in a shell file of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal

from engine.errors import Refused
from engine.kinds.file_sync.parameters import Parameters
from engine.kit.files import inspected_together
from engine.kit.inspected import About, check_owner, is_there, waiting_place
from engine.kit.paths import managed, temporary
from engine.kit.shell import texts
from engine.model import (
    Action,
    Change,
    Facts,
    HostPath,
    Place,
    Script,
    Secret,
    SourceFile,
    State,
    Unknown,
    Upload,
    Value,
)

Variables = dict[str, str | int | bool | Secret]
sh = texts(__file__)
ANY = ("file", "directory")
EMPTY = hashlib.sha256(b"").hexdigest()
INLINE = 32 * 1024
"""Bytes of content up to which it travels inside the program; more is uploaded."""
DIFFED = 64 * 1024
"""Bytes of content up to which a diff is shown."""


@dataclass(frozen=True)
class Form:
    """One way to manage what is at the path of `params`."""

    params: Parameters

    @cached_property
    def path(self) -> HostPath:
        """In its plain form."""
        return managed(self.params.path)

    def probe_vars(self) -> Variables:
        """Variables of a script that looks."""
        params = self.params
        follow = params.follow and params.state != "absent"
        marks = {"mode": params.mode, "owner": params.owner, "group": params.group}
        return {"path": self.path, "follow": follow, **marks}

    def write_vars(self, facts: Facts, fresh: str = "") -> Variables:
        """Variables of a script that writes; `fresh` is the mode of a file that was not there before. Only one that
        writes a file leaves directories that are there as they are."""
        return {
            **self.probe_vars(),
            "planned_as": facts.get("acts", ""),
            "temp": temporary(self.path),
            "parents": self.params.parents,
            "dir_mode": self.params.dir_mode,
            "backup": int(self.params.backup),
            "fresh": fresh,
            **({"leaves_directories": True} if fresh else {}),
        }

    def marks(self, mode: str) -> dict[str, str]:
        """Mode, owner and group, as far as they are declared, with this mode."""
        marks = {"mode": mode, "owner": self.params.owner, "group": self.params.group}
        return {name: value for name, value in marks.items() if value}

    def lacking(self, facts: Facts, name: str = "directory") -> dict[str, Value]:
        """The attribute `name` where the directory it is to be in is missing, and only something before it in the
        state can make that."""
        if "lacks" not in facts or self.params.parents:
            return {}
        reason = f"directory {facts['lacks']} does not exist; make it, or set parents: true"
        return {name: Unknown(reason, upstream=True)}


@dataclass(frozen=True)
class File(Form):
    """What is at the path, whatever it contains, has this mode and owner; or it is a directory."""

    shell: ClassVar[str] = "plain.sh"
    writer: ClassVar[str] = ""
    checks_prior: ClassVar[bool] = True
    """Whether the facts `type`, `sum` and `about` are all that a write replaces."""

    @cached_property
    def parts(self) -> Mapping[str, str | Secret]:
        """Attribute → what is declared of the content."""
        return {}

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        """A part as the probe reported it: as text where that is known and what is declared for it is no secret."""
        if isinstance(declared, Secret):
            return Secret.seen(digest)
        if text_digest(declared) == digest:
            return declared
        return text if text is not None and text_digest(text) == digest else shown(digest)

    def asked(self) -> tuple[str | bool, Sequence[str]]:
        """What of it the probe may report as text, empty where all is secret; and the arguments of a probe."""
        return "", ()

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        """Write these parts."""
        raise NotImplementedError

    def fresh(self) -> str:
        """The mode of a file that was not there before."""
        return "0600" if any(isinstance(value, Secret) for value in self.parts.values()) else "0644"

    def _write(self, what: str, facts: Facts, more: Variables, args: tuple[str | Secret, ...] = ()) -> Action:
        variables = self.write_vars(facts, self.fresh()) | more
        script = Script(sh(self.writer or self.shell, "write.sh"), variables, args)
        # As the owner of the directory it cannot note anything where root does.
        absent = facts.get("type") == "absent" and "as" not in facts
        return Action(f"write {what}{self.path}", script, checks_prior=self.checks_prior, notes_absence=absent)

    def probe(self) -> Script:
        return self._inspect("probe.sh")

    def watched(self) -> Script:
        return self._inspect("watch.sh")

    def _inspect(self, script: str) -> Script:
        public, names = self.asked()
        return Script(sh(self.shell, script), self.probe_vars() | {"public": public}, tuple(names))

    def places(self) -> tuple[Place, ...]:
        kinds: Mapping[str, Literal["nothing", "directory"]] = {"absent": "nothing", "directory": "directory"}
        kind = kinds.get(self.params.state) or ("file" if self.parts else "")
        whole = "content" in self.parts
        parts = frozenset() if whole else frozenset(self.parts)
        return (Place(self.path, kind, parts, whole, self.marks(self.params.mode)),)

    def actual(self, facts: Facts) -> State | None:
        allowed = ANY[1:] if self._directory else ANY[:1] if self.parts else ANY
        if not is_there(self.path, facts, *allowed):
            return None
        state = self._type()
        for part, declared in self.parts.items():
            name = part.removeprefix("key ")
            digest, text = facts.get(f"key.{name}", facts.get("sum")), facts.get(f"text.{name}", facts.get("text"))
            if digest is not None:
                state[part] = self.found(digest, text, declared)
        if facts.get("about"):
            about = About.parse(facts["about"])
            owner, group = about.owners(self.params.owner, self.params.group)
            now = {"mode": f"{about.mode:04o}", "owner": owner, "group": group}
            state |= {name: now[name] for name in self.marks(self.params.mode)}
        return state

    def desired(self, facts: Facts) -> State | None:
        mode = f"{int(self.params.mode, 8):04o}" if self.params.mode else ""
        state: State = {**self._type(), **self.parts, **self.marks(mode)}
        if self.parts or self._directory or facts.get("type") != "absent":
            return {**state, **self.lacking(facts)}
        nothing = f"there is nothing at {self.path}, and nothing is declared that it should contain"
        return {**state, "content": Unknown(nothing, upstream=True)}

    def actions(self, change: Change) -> Iterator[Action]:
        abouts = [About.parse(change.facts["about"])] if change.facts.get("about") else []
        check_owner(self.path, change.facts, self.params.owner, abouts)
        differing = change.differing()
        parts = tuple(part for part in self.parts if part in differing)
        yield self.write(parts, change.facts) if parts else self._mark(change)

    def _mark(self, change: Change) -> Action:
        """Set mode and owner of what is there, and nothing else; or make a directory."""
        if "crowded" in change.facts and change.facts["type"] == "directory":
            raise Refused(
                f"others can write {change.facts['crowded']}, so {self.path} could be another directory by then; it "
                "was left as it is: take that right from them"
            )
        what = f"set {' and '.join(self.marks(self.params.mode))} of"
        if self._directory and change.before is None:
            what = "make directory"
        variables = self.write_vars(change.facts) | {"directory": self._directory}
        return Action(f"{what} {self.path}", Script(sh("mark.sh"), variables))

    @property
    def _directory(self) -> bool:
        return self.params.state == "directory"

    def _type(self) -> dict[str, Value]:
        return {"type": "directory"} if self._directory else {}


@dataclass(frozen=True)
class Whole(File):
    """The file's content is `content`, or that of `source`."""

    content: str | Secret = ""
    source: SourceFile | None = None
    shell: ClassVar[str] = "whole.sh"
    # The commonest way to write, a hundred times in a program: each time no more than that is read.
    writer: ClassVar[str] = "content.sh"

    @cached_property
    def digest(self) -> str:
        """SHA-256 hex of the content declared."""
        if self.source is not None:
            return self.source.digest
        return self.content.digest if isinstance(self.content, Secret) else text_digest(self.content)

    @cached_property
    def data(self) -> bytes | None:
        """The content; None where it is secret or not at hand."""
        if self.source is not None:
            return self.source.data
        return None if isinstance(self.content, Secret) else self.content.encode("utf-8", "surrogateescape")

    @cached_property
    def text(self) -> str | None:
        """The content as text for a diff; None where it is secret, binary, large or not at hand."""
        if self.data is None or len(self.data) > DIFFED or b"\0" in self.data:
            return None
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    @cached_property
    def parts(self) -> Mapping[str, str | Secret]:
        return {"content": self.content if isinstance(self.content, Secret) else shown(self.digest)}

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        return Secret.seen(digest) if isinstance(declared, Secret) else shown(digest)

    def asked(self) -> tuple[str, Sequence[str]]:
        return self.digest if self.text is not None else "", ()

    def probe(self) -> Script:
        # What a link leads to is found by the probe.
        return super().probe() if self.params.follow else inspected_together(super().probe(), self.path, quick=True)

    def fresh(self) -> str:
        return "0755" if self.source is not None and self.source.mode & 0o100 else super().fresh()

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        data = self.data
        # A secret always travels inside the program: it is never staged.
        if isinstance(self.content, Secret):
            return self._write("", facts, {"content": self.content})
        if data is not None and len(data) <= INLINE and b"\0" not in data:
            return self._write("", facts, {"content": data.decode("utf-8", "surrogateescape")})
        upload = Upload(waiting_place(self.path, facts), (("content", self.source or data or b""),))
        return replace(self._write("", facts, {"want": self.digest, "beside": "acts" not in facts}), upload=upload)

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        now, declared = facts.get("text"), self.text
        if declared is None or now is None or text_digest(now) != facts.get("sum"):
            return {}
        if any("\udc80" <= character <= "\udcff" for character in now):
            return {}
        return {"content": (now, declared)}


@dataclass(frozen=True)
class FirstLine(File):
    """Line 1 of the file is `line`; all that follows belongs to others and stays, byte for byte."""

    line: str | Secret = ""
    shell: ClassVar[str] = "first_line.sh"

    @cached_property
    def parts(self) -> Mapping[str, str | Secret]:
        return {"line 1": self.line}

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        return "empty" if isinstance(declared, Secret) and digest == EMPTY else super().found(digest, text, declared)

    def asked(self) -> tuple[bool, Sequence[str]]:
        return not isinstance(self.line, Secret), ()

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        return self._write("line 1 of ", facts, {"line": self.line})


@dataclass(frozen=True)
class Keys(File):
    """The file, a `.env` file, holds these keys; other lines and comments stay."""

    values: Mapping[str, str | Secret] = field(default_factory=dict)
    shell: ClassVar[str] = "dotenv.sh"
    checks_prior: ClassVar[bool] = False

    @cached_property
    def parts(self) -> Mapping[str, str | Secret]:
        return {f"key {name}": value for name, value in self.values.items()}

    def asked(self) -> tuple[str, Sequence[str]]:
        return " ".join(name for name, value in self.values.items() if not isinstance(value, Secret)), [*self.values]

    def actual(self, facts: Facts) -> State | None:
        if facts.get("unclosed"):
            raise Refused(
                f"line {facts['unclosed']} of {self.path} opens a quote that is never closed, so its keys "
                "cannot be told apart; it was left as it is: close the quote"
            )
        return super().actual(facts)

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        names = [part.removeprefix("key ") for part in parts]
        pairs = tuple(part for name in names for part in (name, self.values[name]))
        return self._write(f"{', '.join(names)} in ", facts, {}, pairs)


@dataclass(frozen=True)
class Absent(File):
    """Nothing is at the path. A directory that holds something is only removed where `delete` is set."""

    shell: ClassVar[str] = "absent.sh"

    def actual(self, facts: Facts) -> State | None:
        if facts.get("type") == "blocked" or not is_there(self.path, facts, *ANY, "link", "other"):
            return None
        if facts.get("filled") and not self.params.delete:
            raise Refused(
                f"{self.path} is a directory that is not empty; it was left as it is: set delete: true to "
                "remove it with all it holds"
            )
        return {"type": facts["type"]}

    def desired(self, facts: Facts) -> None:
        return None

    def actions(self, change: Change) -> Iterator[Action]:
        variables = self.write_vars(change.facts) | {"delete": self.params.delete}
        yield Action(f"remove {self.path}", Script(sh("remove.sh"), variables))


def shown(digest: str) -> str:
    """A digest of content that is no secret, as an attribute's value."""
    return f"sha256:{digest[:12]}"


def text_digest(text: str) -> str:
    """SHA-256 hex of text, whose undecodable bytes are surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
