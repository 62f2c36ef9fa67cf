"""From what the inventory says of a host to its settings, by the user's SSH configuration.

The OpenSSH client knows best what its configuration means (Include, Match, canonical names), so `ssh -G` is asked
wherever it is installed; it only prints, and connects nowhere. Elsewhere paramiko's parser has to do.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.codes import Code
from engine.errors import Unreachable
from engine.transports.process import capture, outer_environment
from engine.transports.ssh.config import Raw, Settings, Target, settings

PATIENCE = 20.0
"""Seconds for `ssh -G`: it may run commands of `Match exec`."""
FRESH = 30.0
"""Seconds for which an answer is good for other hosts."""
PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]*")
"""Names that ssh takes as they are: no user in them, no URI, nothing to put into lower case."""
READ = re.compile(r"^debug1: Reading configuration data (.*)$", re.MULTILINE)


class Resolver:
    """Asks for the settings of a target. `ssh` is started at once, so that other work can go on meanwhile. Where
    the configuration makes no difference between hosts, it is asked once for all of them."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._own = True
        self._question = self._ask()

    def _ask(self) -> _Question:
        target = self.target
        if not PLAIN_NAME.fullmatch(target.host):
            return _Question(target)
        key = (target.executable, target.arguments, target.identity, target.port is None, target.user is None)
        with _asking:
            earlier = _asked.get(key)
            if earlier is None or earlier.stale():
                earlier = _asked[key] = _Question(target)
            else:
                self._own = False
        if not self._own and earlier.answered and not earlier.same_for_all:
            self._own = True
            return _Question(target)
        return earlier

    def settings(self) -> Settings:
        """Wait for the answer. Raises Unreachable where the configuration cannot be used."""
        try:
            return settings(self._raw(), self.target)
        except ValueError as error:
            raise Unreachable(
                f"{self.target.name}: the SSH configuration cannot be used: {error}", code=Code.SSH_CONFIG
            ) from error

    def _raw(self) -> Raw:
        if self._own:
            return self._question.answer()
        try:
            raw = self._question.answer()
        except Unreachable:
            # That speaks of another host.
            return _Question(self.target).answer()
        if not self._question.same_for_all:
            return _Question(self.target).answer()
        own = {"host": [self.target.host], "hostname": [self.target.host]}
        if self.target.port is not None:
            own["port"] = [str(self.target.port)]
        if self.target.user is not None:
            own["user"] = [self.target.user]
        return {**raw, **own}


class _Question:
    """One run of `ssh -G`; whoever needs the answer first waits for it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.answered = False
        self.same_for_all = False
        self._lock = threading.Lock()
        self._raw: Raw | None = None
        self._failure: Unreachable | None = None
        self._began = time.monotonic()
        self._files: dict[str, object] = {}
        self._process: subprocess.Popen[bytes] | None = None
        command = [target.executable, "-v", "-T", "-G", *arguments(target), "--", target.host]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=outer_environment(),
            )
        except OSError:
            # The client is not installed: paramiko's parser has to do.
            pass

    def stale(self) -> bool:
        """Whether another host should ask anew: this was long ago, or a file has changed since."""
        if time.monotonic() - self._began > FRESH:
            return True
        return any(_state(file) != state for file, state in self._files.items())

    def answer(self) -> Raw:
        """What `ssh -G` said, or the parser. Raises Unreachable."""
        with self._lock:
            if not self.answered:
                try:
                    self._raw = self._parse() if self._process is None else self._read(self._process)
                except Unreachable as error:
                    self._failure = error
                self.answered = True
        if self._raw is None:
            assert self._failure is not None
            raise self._failure
        return self._raw

    def _parse(self) -> Raw:
        from engine.transports.ssh.config_parser import parse

        return parse(self.target)

    def _read(self, process: subprocess.Popen[bytes]) -> Raw:
        name, host = self.target.name, self.target.host
        captured = capture(process, PATIENCE)
        if captured is None:
            raise Unreachable(f"{name}: `ssh -G {host}` did not finish within {PATIENCE:g} s", code=Code.SSH_CONFIG)
        status, out, err = captured
        said = err.decode(errors="replace").replace("\r\n", "\n")
        if status:
            lines = [line for line in said.splitlines() if not line.startswith(("debug1: ", "OpenSSH_"))]
            raise Unreachable(
                f"{name}: the SSH configuration cannot be used\n  ssh -G {host}: {' '.join(lines)}",
                code=Code.SSH_CONFIG,
            )
        raw: dict[str, list[str]] = {}
        for line in out.decode(errors="surrogateescape").splitlines():
            keyword, _, value = line.partition(" ")
            raw.setdefault(keyword.lower(), []).append(value)
        self._files = {file: _state(file) for file in READ.findall(said)}
        self.same_for_all = _same_for_all(self._files, self.target.arguments)
        return raw


_asking = threading.Lock()
_asked: dict[tuple[object, ...], _Question] = {}


def _state(file: str) -> object:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _same_for_all(files: Iterable[str], options: Sequence[str]) -> bool:
    """Whether nothing in the configuration that was read depends on the name of the host."""
    texts = ["\n".join(options)]
    for file in files:
        try:
            texts.append(Path(file).read_text("utf-8", errors="surrogateescape"))
        except OSError:
            return False
    return not any(_depends(text) for text in texts)


def _depends(text: str) -> bool:
    for line in text.lower().splitlines():
        words = line.replace("=", " ").replace('"', " ").split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "host":
            if words[1:] != ["*"]:
                return True
        elif words[0] == "match" or "%" in line or "hostname" in line or "canonical" in line:
            return True
    return False


def arguments(target: Target) -> list[str]:
    """Options of ssh that say what the inventory says."""
    given: list[str] = []
    if target.port is not None:
        given += ["-p", str(target.port)]
    if target.user is not None:
        given += ["-l", target.user]
    if target.identity is not None:
        given += ["-i", str(target.identity)]
    return given + list(target.arguments)
