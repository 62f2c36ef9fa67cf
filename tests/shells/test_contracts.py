"""The shipped kinds keep the contract that every kind has to keep: the very suite that a stranger's kind is given."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pip

from engine.kinds.command import Command
from engine.kinds.directory import Directory
from engine.kinds.download import Download
from engine.kinds.git_clone import GitClone
from engine.kinds.http_assert import HttpAssert
from engine.kinds.link import Link
from engine.kinds.pip_install import PipInstall
from engine.kit.testing import contract_suite
from tests.downloads import file_server
from tests.web import answer, web
from tests.wheels import wheel


@contextmanager
def server(place: Path) -> Iterator[Mapping[str, str]]:
    """One that always gives the same answer."""
    with web(answer(200, '{"ready": true}')) as served:
        yield {"url": served.url}


@contextmanager
def repository(place: Path) -> Iterator[Mapping[str, str]]:
    """One with two commits, that everybody can read."""
    alone = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(place)}
    for command in (
        "git init -q -b main repo && cd repo && git config user.name A && git config user.email a@b",
        "cd repo && echo one >file && git add file && git commit -qm one && git tag one",
        "cd repo && echo two >file && git commit -qam two && git tag two",
    ):
        subprocess.run(["sh", "-c", command], cwd=place, env=alone, check=True)
    yield {"repo": str(place / "repo")}


@contextmanager
def interpreter(place: Path) -> Iterator[Mapping[str, str]]:
    """One with the pip of these tests, and packages that need no network."""
    for version in ("1.0", "2.0"):
        wheel(place / "wheels", "alpha", version)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    (site,) = (place / "venv/lib").glob("python3*/site-packages")
    for part in Path(pip.__path__[0]).parent.glob("pip*"):
        shutil.copytree(part, site / part.name, ignore=shutil.ignore_patterns("__pycache__"))
    yield {"python": str(place / "venv/bin/python"), "wheels": str(place / "wheels")}


@contextmanager
def two_files(place: Path) -> Iterator[Mapping[str, str]]:
    """Servers of two files."""
    with file_server(b"one") as one, file_server(b"two") as two:
        digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two")}
        yield {"url": one.url, "sha256": digests["one"], "other": two.url, "other_sha256": digests["two"]}


TestHttpAssert = contract_suite(
    HttpAssert,
    {"url": "{url}/ready", "bearer": "token", "json": {"ready": True}},
    other={"json": {"ready": False}},
    odd=["bearer"],
    setup=server,
)
TestGitClone = contract_suite(
    GitClone,
    {"repo": "{repo}", "path": "{place}/checkout", "revision": "one"},
    other={"revision": "two"},
    setup=repository,
)
TestPipInstall = contract_suite(
    PipInstall,
    {"packages": ["alpha==1.0"], "python": "{python}", "options": {"no-index": True, "find-links": "{wheels}"}},
    other={"packages": ["alpha==2.0"]},
    setup=interpreter,
)
TestCommand = contract_suite(
    Command,
    {
        "run": "cat >fed; printf '%s\\n' \"$WANTED\" >file",
        "unless": ["grep", "-qsx", "one", "file"],
        "cwd": "{place}",
        "env": {"WANTED": "one"},
        "stdin": "what it reads",
    },
    other={"unless": 'grep -qsx "$WANTED" file', "env": {"WANTED": "two"}},
    odd=["stdin"],
)
TestLink = contract_suite(
    Link, {"path": "{place}/current", "target": "releases/42"}, other={"target": "releases/43"}, odd=["target"]
)
TestDirectory = contract_suite(
    Directory, {"path": "{place}/data", "mode": "0750"}, other={"mode": "0700"}, obstacle="file"
)
TestDownload = contract_suite(
    Download,
    {"path": "{place}/file", "url": "{url}", "sha256": "{sha256}"},
    other={"url": "{other}", "sha256": "{other_sha256}"},
    setup=two_files,
)
