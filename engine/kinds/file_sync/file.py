"""One file for file-sync, a class for what is managed of its content: nothing, all of it, line 1, keys of a `.env`
file; or its absence. How that is inspected (`inspect`, `digest`) and written (`fill`) is in a shell file of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from engine.errors import Refused
from engine.kinds.file_sync.form import About, Form, Variables, sh, shown, text_digest
from engine.kit.files import inspected_together
from engine.model import Action, Change, Facts, Place, Script, Secret, SourceFile, State, Unknown, Upload, Value

ANY = ("file", "directory")
EMPTY = text_digest("")
INLINE = 32 * 1024
"""Bytes of content up to which it travels inside the program; more is uploaded."""
DIFFED = 64 * 1024
"""Bytes of content up to which a diff is shown."""


@dataclass(frozen=True)
class File(Form):
    """What is at the path, whatever it contains, has this mode and owner; or it is a directory."""

    shell: ClassVar[str] = "plain.sh"

    def parts(self) -> Mapping[str, str | Secret]:
        """Attribute → what is declared of the content."""
        return {}

    def facts_of(self, part: str) -> tuple[str, str]:
        """The facts that hold digest and text of a part."""
        return "sum", "text"

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        """A part as the probe reported it: as text where that is known and what is declared for it is no secret."""
        if isinstance(declared, Secret):
            return Secret.seen(digest)
        if text_digest(declared) == digest:
            return declared
        return text if text is not None and text_digest(text) == digest else shown(digest)

    def public(self) -> str | bool:
        """What of it the probe may report as text; empty where it is secret."""
        return ""

    def names(self) -> tuple[str, ...]:
        """Arguments of the scripts that inspect it."""
        return ()

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        """Write these parts."""
        raise NotImplementedError

    def fresh(self) -> str:
        """The mode of a file that was not there before."""
        return "0600" if any(isinstance(value, Secret) for value in self.parts().values()) else "0644"

    def _write(self, what: str, facts: Facts, more: Variables, args: tuple[str | Secret, ...] = ()) -> Action:
        variables = self.write_vars(facts, self.fresh()) | more
        return Action(f"write {what}{self.path}", Script(sh(self.shell, "write.sh"), variables, args))

    # --- as in Resource ------------------------------------------------------------------------------------------

    def probe(self) -> Script:
        return Script(sh(self.shell, "probe.sh"), self.probe_vars() | {"public": self.public()}, self.names())

    def watched(self) -> Script:
        return Script(sh(self.shell, "watch.sh"), self.probe_vars(), self.names())

    def places(self) -> tuple[Place, ...]:
        kind: Literal["file", "directory", ""] = "directory" if self._directory else "file" if self.parts() else ""
        whole = "content" in self.parts()
        parts = frozenset() if whole else frozenset(self.parts())
        return (Place(self.path, kind, parts, whole, self.marks(self.params.mode)),)

    def actual(self, facts: Facts) -> State | None:
        if not self.there(facts, *(ANY[1:] if self._directory else ANY[:1] if self.parts() else ANY)):
            return None
        state = self._type()
        for part, declared in self.parts().items():
            digest, text = self.facts_of(part)
            if digest in facts:
                state[part] = self.found(facts[digest], facts.get(text), declared)
        if facts.get("about"):
            about = About.parse(facts["about"])
            owner, group = about.owners(self.params.owner, self.params.group)
            now = {"mode": f"{about.mode:04o}", "owner": owner, "group": group}
            state |= {name: now[name] for name in self.marks(self.params.mode)}
        return state

    def desired(self, facts: Facts) -> State | None:
        mode = f"{int(self.params.mode, 8):04o}" if self.params.mode else ""
        state: State = {**self._type(), **self.parts(), **self.marks(mode)}
        if self.parts() or self._directory or facts.get("type") != "absent":
            return {**state, **self.lacking(facts)}
        nothing = f"there is nothing at {self.path}, and nothing is declared that it should contain"
        return {**state, "content": Unknown(nothing, upstream=True)}

    def actions(self, change: Change) -> Iterator[Action]:
        parts = tuple(part for part in self.parts() if part in change.differing())
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

    @property
    def digest(self) -> str:
        """SHA-256 hex of the content declared."""
        if self.source is not None:
            return self.source.digest
        return self.content.digest if isinstance(self.content, Secret) else text_digest(self.content)

    @property
    def data(self) -> bytes | None:
        """The content; None where it is secret or not at hand."""
        if self.source is not None:
            return self.source.data
        return None if isinstance(self.content, Secret) else self.content.encode("utf-8", "surrogateescape")

    @property
    def text(self) -> str | None:
        """The content as text for a diff; None where it is secret, binary, large or not at hand."""
        if self.data is None or len(self.data) > DIFFED or b"\0" in self.data:
            return None
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def parts(self) -> Mapping[str, str | Secret]:
        return {"content": self.content if isinstance(self.content, Secret) else shown(self.digest)}

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        return Secret.seen(digest) if isinstance(declared, Secret) else shown(digest)

    def public(self) -> str:
        return self.digest if self.text is not None else ""

    def probe(self) -> Script:
        # What a link leads to is found by the probe.
        return super().probe() if self.params.follow else inspected_together(super().probe(), self.path)

    def fresh(self) -> str:
        return "0755" if self.source is not None and self.source.mode & 0o100 else super().fresh()

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        data = self.data
        # A secret always travels inside the program: it is never staged.
        if isinstance(self.content, Secret):
            return self._write("", facts, {"content": self.content})
        if data is not None and len(data) <= INLINE and b"\0" not in data:
            return self._write("", facts, {"content": data.decode("utf-8", "surrogateescape")})
        action = self._write("", facts, {"want": self.digest, "beside": "acts" not in facts})
        return replace(action, upload=Upload(self.beside(facts), (("content", self.source or data or b""),)))

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

    def parts(self) -> Mapping[str, str | Secret]:
        return {"line 1": self.line}

    def found(self, digest: str, text: str | None, declared: str | Secret) -> Value:
        return "empty" if isinstance(declared, Secret) and digest == EMPTY else super().found(digest, text, declared)

    def public(self) -> bool:
        return not isinstance(self.line, Secret)

    def write(self, parts: tuple[str, ...], facts: Facts) -> Action:
        return self._write("line 1 of ", facts, {"line": self.line})


@dataclass(frozen=True)
class Keys(File):
    """The file, a `.env` file, holds these keys; other lines and comments stay."""

    values: Mapping[str, str | Secret] = field(default_factory=dict)
    shell: ClassVar[str] = "dotenv.sh"

    def parts(self) -> Mapping[str, str | Secret]:
        return {f"key {name}": value for name, value in self.values.items()}

    def facts_of(self, part: str) -> tuple[str, str]:
        name = part.removeprefix("key ")
        return f"key.{name}", f"text.{name}"

    def public(self) -> str:
        return " ".join(name for name, value in self.values.items() if not isinstance(value, Secret))

    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

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

    def places(self) -> tuple[Place, ...]:
        return (Place(self.path, "nothing"),)

    def actual(self, facts: Facts) -> State | None:
        if facts.get("type") == "blocked" or not self.there(facts, *ANY, "link", "other"):
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
