"""What a file-sync resource manages of a file's content, one class a form: all of it, its first line, or keys of a
`.env` file. A tree is in `tree`; where no content is managed, see `attributes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.errors import Refused
from engine.kinds.file_sync import scripts
from engine.kinds.file_sync.target import Target, Variables, shown, text_digest
from engine.model import Action, BatchedProbe, Change, Facts, Script, Secret, SourceFile, State, Upload, Value

EMPTY = hashlib.sha256(b"").hexdigest()
INLINE = 32 * 1024
"""Bytes of content up to which it travels inside the program; more is uploaded."""
DIFFED = 64 * 1024
"""Bytes of content up to which a diff is shown."""


@dataclass(frozen=True)
class Whole:
    """The file's content is `content`, or that of `source`."""

    target: Target
    content: str | Secret = ""
    source: SourceFile | None = None

    @property
    def digest(self) -> str:
        """SHA-256 hex of the content declared."""
        if self.source is not None:
            return self.source.digest
        return self.content.digest if isinstance(self.content, Secret) else text_digest(self.content)

    @property
    def inline(self) -> str | Secret | None:
        """The content, where it can travel inside the program. A secret always does: it is never staged."""
        text = self.content
        if self.source is not None:
            if self.source.data is None:
                return None
            text = self.source.data.decode("utf-8", "surrogateescape")
        if isinstance(text, Secret):
            return text
        fits = len(text.encode("utf-8", "surrogateescape")) <= INLINE and "\0" not in text
        return text if fits else None

    @property
    def text(self) -> str | None:
        """The content as text for a diff; None where it is secret, binary, large or not at hand."""
        if isinstance(self.content, Secret):
            return None
        data = self.content.encode("utf-8", "surrogateescape")
        if self.source is not None:
            if self.source.data is None:
                return None
            data = self.source.data
        if len(data) > DIFFED or b"\0" in data:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def probe(self) -> Script:
        want = self.digest if self.text is not None else ""
        path = self.target.path
        # What a link leads to is found by the probe.
        shared = {} if self.target.follow else {"seen": BatchedProbe(scripts.GLANCE, args=(path,))}
        return Script(scripts.WHOLE_PROBE, self.target.probe_vars() | {"want": want}, shared=shared)

    def actual(self, facts: Facts) -> State | None:
        if not self.target.there(facts, ("file",)):
            return None
        return {"content": self._value(facts["sum"])} | self.target.actual(facts)

    def desired(self, facts: Facts) -> State:
        content = self.content if isinstance(self.content, Secret) else shown(self.digest)
        return {"content": content, **self.target.desired(), **self.target.lacking(facts)}

    def _value(self, digest: str) -> Value:
        return Secret.seen(digest) if isinstance(self.content, Secret) else shown(digest)

    def actions(self, change: Change) -> Iterator[Action]:
        if change.before is not None and "content" not in change.differing():
            yield self.target.mark(change)
            return
        title = f"write {self.target.path}"
        variables = self.target.file_vars(change.facts, self._fresh())
        content = self.inline
        if content is not None:
            yield Action(title, Script(scripts.WHOLE_ACTION, variables | {"content": content}))
            return
        staged = self.source or str(self.content).encode("utf-8", "surrogateescape")
        upload = Upload(self.target.beside(change.facts), (("content", staged),))
        more: Variables = {"want": self.digest, "beside": "acts" not in change.facts}
        yield Action(title, Script(scripts.STAGED_ACTION, variables | more), upload=upload)

    def _fresh(self) -> str:
        if isinstance(self.content, Secret):
            return "0600"
        return "0755" if self.source is not None and self.source.mode & 0o100 else "0644"

    def watched(self) -> Script:
        return Script(scripts.WHOLE_WATCH, self.target.probe_vars())

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        now, declared = facts.get("text"), self.text
        if declared is None or now is None or text_digest(now) != facts.get("sum"):
            return {}
        if any("\udc80" <= character <= "\udcff" for character in now):
            return {}
        return {"content": (now, declared)}


@dataclass(frozen=True)
class FirstLine:
    """Line 1 of the file is `line`; all that follows belongs to others and stays, byte for byte."""

    target: Target
    line: str | Secret

    def probe(self) -> Script:
        public = not isinstance(self.line, Secret)
        return Script(scripts.FIRST_LINE_PROBE, self.target.probe_vars() | {"public": public})

    def actual(self, facts: Facts) -> State | None:
        if not self.target.there(facts, ("file",)):
            return None
        digest = facts["sum"]
        line = _held(digest, facts.get("text"), self.line)
        if isinstance(self.line, Secret) and digest == EMPTY:
            line = "empty"
        return {"line 1": line} | self.target.actual(facts)

    def desired(self, facts: Facts) -> State:
        return {"line 1": self.line, **self.target.desired(), **self.target.lacking(facts)}

    def actions(self, change: Change) -> Iterator[Action]:
        if change.before is not None and "line 1" not in change.differing():
            yield self.target.mark(change)
            return
        fresh = "0600" if isinstance(self.line, Secret) else "0644"
        variables = self.target.file_vars(change.facts, fresh) | {"line": self.line}
        yield Action(f"write line 1 of {self.target.path}", Script(scripts.FIRST_LINE_ACTION, variables))

    def watched(self) -> Script:
        return Script(scripts.FIRST_LINE_WATCH, self.target.probe_vars())


@dataclass(frozen=True)
class Keys:
    """The file, a `.env` file, holds these keys; other lines and comments stay."""

    target: Target
    values: Mapping[str, str | Secret]

    def probe(self) -> Script:
        public = " ".join(name for name, value in self.values.items() if not isinstance(value, Secret))
        return Script(scripts.DOTENV_PROBE, self.target.probe_vars() | {"public": public}, tuple(self.values))

    def actual(self, facts: Facts) -> State | None:
        if not self.target.there(facts, ("file",)):
            return None
        if facts.get("unclosed"):
            raise Refused(
                f"line {facts['unclosed']} of {self.target.path} opens a quote that is never closed, so its keys "
                "cannot be told apart; it was left as it is: close the quote"
            )
        found: dict[str, Value] = {}
        for name, value in self.values.items():
            digest = facts.get(f"key.{name}")
            if digest is not None:
                found[f"key {name}"] = _held(digest, facts.get(f"text.{name}"), value)
        return found | self.target.actual(facts)

    def desired(self, facts: Facts) -> State:
        wanted: dict[str, Value] = {f"key {name}": value for name, value in self.values.items()}
        return wanted | self.target.desired() | self.target.lacking(facts)

    def actions(self, change: Change) -> Iterator[Action]:
        differing = set(change.differing())
        names = [name for name in self.values if f"key {name}" in differing]
        if not names and change.before is not None:
            yield self.target.mark(change)
            return
        secret = any(isinstance(value, Secret) for value in self.values.values())
        variables = self.target.file_vars(change.facts, "0600" if secret else "0644")
        pairs = tuple(part for name in names for part in (name, self.values[name]))
        title = f"write {', '.join(names)} in {self.target.path}"
        yield Action(title, Script(scripts.DOTENV_ACTION, variables, pairs))

    def watched(self) -> Script:
        return Script(scripts.DOTENV_WATCH, self.target.probe_vars(), tuple(self.values))


def _held(digest: str, text: str | None, declared: str | Secret) -> Value:
    """What a part of a file is, of which the probe tells the `digest`, and the `text` where everybody may read it: as
    text where what is declared for it is no secret."""
    if isinstance(declared, Secret):
        return Secret.seen(digest)
    if text_digest(declared) == digest:
        return declared
    return text if text is not None and text_digest(text) == digest else shown(digest)
