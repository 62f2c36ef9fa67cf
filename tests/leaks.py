"""Finding a secret wherever it may have got to: in text, in files, in processes.

canary = Canary(value)
canary.found(text)                 the pieces of it that are in a text, in whatever form
with Watch([canary], [directory]) as watch: ...
watch.found                        what processes and files showed of it meanwhile
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shlex
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

PIECE = 12
"""So many characters in a row of a secret are a leak; of what stands between its `$` signs, so many as `PART`."""
PART = 8
ENCODED = 16
"""So many characters of base64 hold twelve."""


WRITTEN = (
    str,
    shlex.quote,
    json.dumps,
    lambda text: json.dumps(text, ensure_ascii=False),
    repr,
    ascii,
    html.escape,
    quote,
    lambda text: quote(text, safe=""),
    quote_plus,
    lambda text: text.replace("$", "$$"),
    lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
    lambda text: text.encode().decode("latin-1"),
    lambda text: text.encode().hex(),
)
"""How programs write a text."""


class Canary:
    """A value that is looked for: as it is and as shells, JSON, URLs, HTML, Python, base64 and hexadecimal write it,
    whole or a piece of it; and its SHA-256."""

    def __init__(self, value: str) -> None:
        self.value = value
        data = value.encode()
        windows = [value[at : at + PIECE] for at in range(len(value) - PIECE + 1)]
        self.pieces = {write(window).strip("'\"") for write in WRITTEN for window in windows}
        self.pieces |= {part for part in re.split(r"[$\n]", value) if len(part) >= PART}
        for offset in range(3):
            encoded = base64.b64encode(b"\0" * offset + data).decode()
            # What depends on the value alone: neither what stands before it nor what comes after.
            core = encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
            for text in (core, core.translate(str.maketrans("+/", "-_"))):
                self.pieces |= {text[at : at + ENCODED] for at in range(len(text) - ENCODED + 1)}
        self.pieces.add(hashlib.sha256(data).hexdigest())

    def found(self, text: str) -> set[str]:
        """The pieces that `text` shows."""
        return {piece for piece in self.pieces if piece in text}


def shown(canaries: Iterable[Canary], text: str | bytes) -> set[str]:
    """The pieces of any of the canaries in a text."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return {piece for canary in canaries for piece in canary.found(text)}


def in_files(canaries: Sequence[Canary], top: Path, but: Iterable[Path] = ()) -> dict[str, set[str]]:
    """File → pieces, of all files at and below `top` that are not in `but`; names are looked at as well."""
    left_out = set(but)
    found = {}
    for directory, _, names in os.walk(top):
        for name in names:
            path = Path(directory, name)
            if path in left_out:
                continue
            try:
                data = path.read_bytes() if path.is_file() else b""
            except OSError:
                continue
            if pieces := shown(canaries, str(path)) | shown(canaries, data):
                found[str(path)] = pieces
    return found


class Watch:
    """Looks at every process there is, its arguments and its environment, again and again; and at files.

    arguments     canaries that no process may have among its arguments
    environments  canaries that no process may have in its environment
    directories   where no file may hold a canary of `arguments`
    """

    def __init__(
        self,
        arguments: Sequence[Canary],
        environments: Sequence[Canary] | None = None,
        directories: Sequence[Path] = (),
    ) -> None:
        self.arguments = arguments
        self.environments = arguments if environments is None else environments
        self.directories = directories
        self.found: set[str] = set()
        self.shared = 0
        self.processes = 0
        self._known = set(self._all())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="leaks")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @staticmethod
    def _all() -> list[str]:
        return [name for name in os.listdir("/proc") if name.isdigit()]

    def _watch(self) -> None:
        seen: set[tuple[str, bytes, bytes]] = set()
        while not self._over.is_set():
            for pid in self._all():
                if pid in self._known:
                    continue
                about = (pid, self._read(pid, "cmdline"), self._read(pid, "environ"))
                if about not in seen:
                    seen.add(about)
                    self._judge(*about)
            for directory in self.directories:
                for name, pieces in in_files(self.arguments, directory).items():
                    self.found.add(f"{name} held {sorted(pieces)[:3]}")
            self.shared += 1
        self.processes = len({pid for pid, _, _ in seen})

    def _judge(self, pid: str, arguments: bytes, environment: bytes) -> None:
        if pieces := shown(self.arguments, arguments):
            self.found.add(f"arguments of {pid}: {arguments!r} show {sorted(pieces)[:3]}")
        if pieces := shown(self.environments, environment):
            self.found.add(f"environment of {pid}, {arguments[:80]!r}, shows {sorted(pieces)[:3]}")

    @staticmethod
    def _read(pid: str, name: str) -> bytes:
        try:
            return Path("/proc", pid, name).read_bytes()
        except OSError:
            return b""
