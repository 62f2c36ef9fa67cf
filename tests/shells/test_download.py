"""download against a real HTTP server: cut off, without ranges, wrong, redirected, too large."""

from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.kinds.download import Download
from engine.kit import HostPath, Secret
from engine.kit.testing import STRANGER, Machine, ProcessList, here
from tests.downloads import file_server
from tests.integration.project import Project

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ALL = pytest.mark.parametrize("machine", list(here()), indirect=True)


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    (tmp_path / "home").mkdir()
    return Machine(tmp_path / "home", here()[getattr(request, "param", "dash")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be: in a directory that nobody else can write."""
    (tmp_path / "models").mkdir(mode=0o755)
    return tmp_path / "models" / "model.safetensors"


def download(path: Path, *urls: str, **more: Any) -> Download:
    given = {"sha256": DIGEST} | more
    return Download(path=HostPath(path), url=urls, **{name: value for name, value in given.items() if value})


def said(machine: Machine, it: Download) -> tuple[str, str]:
    """The verdict, and all that is said of it."""
    _, report = machine.apply(it)
    outcome = report.outcomes[0]
    return outcome.verdict, f"{outcome.reason} {outcome.output}"


def listed(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir()}


@ALL
def test_its_life(machine: Machine, path: Path) -> None:
    with file_server(CONTENT) as server:
        it = download(path, server.url, mode="0640")
        plan, report = machine.apply(it)
        assert plan.steps[0].show["to fetch"] == "1.0 MB"
        assert report.outcomes[0].verdict == "changed"
        assert path.read_bytes() == CONTENT
        assert path.stat().st_mode & 0o7777 == 0o640
        assert listed(path) == {path.name}
        before = len(server.requests)
        assert said(machine, it)[0] == "unchanged"
        assert len(server.requests) == before, "what has converged was asked for"
        path.write_bytes(CONTENT[:-1] + b"x")
        assert said(machine, it)[0] == "changed"
        assert path.read_bytes() == CONTENT


def test_a_converged_plan_reads_none_of_it(machine: Machine, path: Path, tmp_path: Path) -> None:
    """Not even of one that the engine did not bring, once it was checked."""
    with file_server(size=80_000_000) as server:
        it = download(path, server.url, sha256=hashlib.sha256(bytes(80_000_000)).hexdigest())
        path.write_bytes(bytes(80_000_000))
        plan, report = machine.apply(it)
        assert plan.steps[0].attributes[0].before == "not checked"
        assert report.outcomes[0].verdict == "changed"
        assert server.fetches() == []
        stub = tmp_path / "bin"
        stub.mkdir()
        (stub / "sha256sum").write_text('#!/bin/sh\necho "$@" >>"$0.called"\nexec /usr/bin/sha256sum "$@"\n')
        (stub / "sha256sum").chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{stub}:{os.environ['PATH']}")
            assert machine.plan(it).steps[0].outlook == "converged"
            assert not (stub / "sha256sum.called").exists()
            # Another content of the same size is found out by its ctime.
            with path.open("r+b") as file:
                file.write(b"x")
            assert machine.plan(it).steps[0].attributes[0].before == "not checked"
        assert said(machine, it)[0] == "changed"
        assert path.read_bytes() == bytes(80_000_000)


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_cut_at_random(machine: Machine, path: Path, full: bool, ranges: bool) -> None:
    """Resumed or begun anew, and never the wrong content under the name."""
    chance = random.Random(7)  # noqa: S311
    whole = 0
    for _ in range(100 if full else 4):
        with file_server(CONTENT, ranges=ranges, random=chance) as server:
            verdict, words = said(machine, download(path, server.url))
            assert verdict in ("changed", "failed"), words
            assert path.exists() == (verdict == "changed")
            whole += verdict == "changed"
            assert len(server.fetches()) < 200
        if path.exists():
            assert path.read_bytes() == CONTENT
            path.unlink()
    assert whole or not ranges
    with file_server(CONTENT) as server:
        assert said(machine, download(path, server.url))[0] == "changed"
    assert path.read_bytes() == CONTENT
    assert listed(path) == {path.name}


def test_what_a_killed_run_left_is_gone_on_with(machine: Machine, path: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "killed")
    with file_server(CONTENT, cut=300_000, pause=60) as server:
        params = {"path": str(path), "url": server.url, "sha256": DIGEST}
        project.state({"it": {"timeout": 3, "download": params}})
        assert project.run("apply").code == 1
    (left,) = listed(path)
    assert left.startswith(".engine-")
    assert "safetensors" not in left
    assert CONTENT.startswith((path.parent / left).read_bytes())
    assert (path.parent / left).stat().st_size > 200_000
    (path.parent / left).write_bytes(CONTENT[:400_000])
    with file_server(CONTENT) as server:
        plan = machine.plan(download(path, server.url))
        assert plan.steps[0].show["to fetch"] == "648.6 kB"
        assert said(machine, download(path, server.url))[0] == "changed"
        assert [each["range"] for each in server.fetches()] == ["bytes=400000-"]
    path.unlink()
    # What was left is of something else: begun anew.
    (path.parent / left).write_bytes(b"y" * 400_000)
    with file_server(CONTENT) as server:
        assert said(machine, download(path, server.url))[0] == "changed"
        assert len(server.fetches()) == 2
    assert path.read_bytes() == CONTENT


def test_the_wrong_content_takes_no_name(machine: Machine, path: Path) -> None:
    path.write_text("the old one\n")
    with file_server(b"z" * len(CONTENT)) as server:
        verdict, words = said(machine, download(path, server.url))
    assert verdict == "failed"
    assert hashlib.sha256(b"z" * len(CONTENT)).hexdigest() in words
    assert path.read_text() == "the old one\n"
    assert listed(path) == {path.name}


def test_mirrors(machine: Machine, path: Path) -> None:
    """The first that gives it; where none does, each with its reason."""
    with file_server(CONTENT) as right, file_server(b"wrong") as wrong, file_server(status=503) as ill:
        nobody = "http://127.0.0.1:9/x?token=canary"
        assert said(machine, download(path, nobody, ill.url, wrong.url, right.url))[0] == "changed"
        assert path.read_bytes() == CONTENT
        path.unlink()
        verdict, words = said(machine, download(path, nobody, ill.url))
        assert verdict == "failed"
        assert "answered 503" in words
        assert "http://127.0.0.1:9/x: " in words
        assert "canary" not in words


def test_a_redirect_to_another_host_carries_no_secret(machine: Machine, path: Path) -> None:
    secret = Secret("canary-of-a-token", "token")
    with file_server(CONTENT) as other, file_server(to=other.url) as first:
        it = download(path, first.url, headers={"Authorization": secret, "X-Key": secret})
        with ProcessList(["canary-of-a-token"]) as processes:
            assert said(machine, it)[0] == "changed"
        assert not processes.found
        assert {each.get("x-key") for each in first.requests} == {"canary-of-a-token"}
        assert {each.get("x-key") for each in other.requests} == {None}
        assert {each.get("authorization") for each in other.requests} == {None}
    path.unlink()
    with file_server(CONTENT) as server, file_server(to="/elsewhere", status=307) as here:
        # On the same host it does.
        here.to = "/again"
        assert said(machine, download(path, here.url, headers={"X-Key": secret}))[0] == "failed"
        assert {each.get("x-key") for each in here.requests} == {"canary-of-a-token"}
        here.to = "file:///etc/passwd"
        assert said(machine, download(path, here.url))[0] == "failed"
        assert not path.exists()
        assert not server.requests


def test_a_size_is_trusted_where_it_is_asked_for(machine: Machine, path: Path) -> None:
    with file_server(CONTENT, cut=500_000) as server:
        it = download(path, server.url, sha256="", trust="size", size=len(CONTENT))
        assert said(machine, it)[0] == "failed", "it was put together of pieces"
        server.cut = None
        assert said(machine, it)[0] == "changed"
        assert said(machine, it)[0] == "unchanged"
        other = download(path, server.url, sha256="", trust="size", size=len(CONTENT) - 1)
        verdict, words = said(machine, other)
        assert verdict == "failed"
        assert "has 1048576 bytes, and not 1048575" in words
        assert path.read_bytes() == CONTENT


def test_a_disk_that_is_too_small(machine: Machine, path: Path) -> None:
    with file_server(size=10**18) as server:
        plan, _ = machine.apply(download(path, server.url))
        assert plan.steps[0].outlook == "refused"
        assert "needs 1000.0 PB, and " in str(plan.steps[0].reason)
        assert server.fetches() == []
    assert not path.exists()


def test_parents_and_empty_files(machine: Machine, path: Path) -> None:
    below = path.parent / "a" / "b" / "empty"
    with file_server(b"") as server:
        it = download(below, server.url, sha256=hashlib.sha256(b"").hexdigest(), parents=True)
        assert said(machine, it)[0] == "changed"
        assert below.read_bytes() == b""
    with file_server(CONTENT, length=False, ranges=False) as server:
        assert said(machine, download(path, server.url))[0] == "changed"
        assert path.read_bytes() == CONTENT


def test_constant_memory(machine: Machine, path: Path, full: bool) -> None:
    """Of curl, of the shell and of what reads it: none holds more of it than a piece."""
    size = 2_000_000_000 if full else 150_000_000
    if shutil.disk_usage(path.parent).free < 2 * size:
        pytest.skip("the disk is too small")
    digest = hashlib.sha256()
    for _ in range(size // 1_000_000):
        digest.update(bytes(1_000_000))
    with file_server(size=size) as server:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert said(machine, download(path, server.url, sha256=digest.hexdigest()))[0] == "changed"
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, 60_000) + 20_000
    assert path.stat().st_size == size


def test_without_curl(machine: Machine, path: Path, tmp_path: Path) -> None:
    stub = tmp_path / "bin"
    stub.mkdir()
    for name in ("sh", "dash", "sed", "cat", "id", "stat", "date", "sha256sum", "env", "mkdir", "ln", "rm", "cut"):
        if found := shutil.which(name):
            (stub / name).symlink_to(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(stub))
        plan = machine.plan(download(path, "http://127.0.0.1:9/"))
    assert plan.steps[0].outlook == "error"
    assert "curl is not installed on this host" in str(plan.steps[0].reason)


def test_nothing_is_left_when_it_is_absent(machine: Machine, path: Path) -> None:
    path.write_bytes(CONTENT)
    it = Download(path=HostPath(path), state="absent")
    assert said(machine, it)[0] == "changed"
    assert said(machine, it)[0] == "unchanged"
    assert listed(path) == set()


def archive(place: Path, name: str, files: dict[str, str]) -> bytes:
    """A tar or a zip of these files."""
    place.mkdir(parents=True, exist_ok=True)
    if name == "zip":
        with zipfile.ZipFile(place / name, "w") as packed:
            for each, text in files.items():
                packed.writestr(each, text)
    else:
        with tarfile.open(place / name, f"w:{name}") as tar:
            for each, text in files.items():
                info = tarfile.TarInfo(each)
                info.size, info.uid, info.mode = len(text), 4711, 0o755
                tar.addfile(info, io.BytesIO(text.encode()))
    return (place / name).read_bytes()


def unpacking(path: Path, content: bytes, url: str, **more: Any) -> Download:
    unpack = HostPath(path.parent.parent / "tool")
    return download(path, url, sha256=hashlib.sha256(content).hexdigest(), unpack=unpack, **more)


@ALL
@pytest.mark.parametrize("name", ["gz", "zip"])
def test_what_is_in_it(machine: Machine, path: Path, name: str, tmp_path: Path) -> None:
    """Unpacked; put right where it drifted; exchanged as a whole for another one; strangers are left alone."""
    first = archive(tmp_path / "1", name, {"bin/tool": "one", "doc/with blank": "old"})
    second = archive(tmp_path / "2", name, {"bin/tool": "two"})
    tool = path.parent.parent / "tool"
    with file_server(first) as server:
        it = unpacking(path, first, server.url)
        assert said(machine, it)[0] == "changed"
        assert (tool / "bin/tool").read_text() == "one"
        assert (tool / "bin/tool").stat().st_uid == os.geteuid()
        assert said(machine, it)[0] == "unchanged"
        (tool / "bin/tool").write_text("new")
        assert said(machine, it)[0] == "changed"
        assert (tool / "bin/tool").read_text() == "one"
        assert len(server.fetches()) == 1
        (tool / "bin/own").write_text("theirs")
        verdict, words = said(machine, it)
        assert verdict == "refused"
        assert "holds bin/own" in words
        (tool / "bin/own").unlink()
    with file_server(second) as server:
        assert said(machine, unpacking(path, second, server.url))[0] == "changed"
    assert {str(each.relative_to(tool)) for each in tool.rglob("*")} == {"bin", "bin/tool"}
    assert (tool / "bin/tool").read_text() == "two"
    assert {each.name for each in tool.parent.iterdir() if each.name.startswith(".engine")} == set()


def test_a_directory_of_others_is_not_unpacked_into(machine: Machine, path: Path, tmp_path: Path) -> None:
    content = archive(tmp_path / "1", "gz", {"a": "x"})
    (path.parent.parent / "tool").mkdir()
    (path.parent.parent / "tool/theirs").write_text("theirs")
    with file_server(content) as server:
        assert said(machine, unpacking(path, content, server.url))[0] == "refused"
        assert server.fetches() == []
        (path.parent.parent / "tool/theirs").unlink()
        # An empty one is nobody's.
        assert said(machine, unpacking(path, content, server.url))[0] == "changed"
    assert not path.parent.joinpath("tool").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a directory away")
def test_in_another_users_directory(machine: Machine) -> None:
    """That user writes it, and the program remembers it."""
    content = bytes(70_000_000)
    with tempfile.TemporaryDirectory(prefix="download-") as made, file_server(size=len(content)) as server:
        Path(made).chmod(0o755)
        theirs = Path(made) / "theirs"
        theirs.mkdir()
        os.chown(theirs, STRANGER, STRANGER)
        it = download(theirs / "model", server.url, sha256=hashlib.sha256(content).hexdigest())
        assert said(machine, it)[0] == "changed"
        assert (theirs / "model").stat().st_uid == STRANGER
        (memory,) = (machine.home / ".local/state/engine/ledger").iterdir()
        assert memory.stat().st_uid == 0
        assert said(machine, it)[0] == "unchanged"
        with (theirs / "model").open("r+b") as file:
            file.write(b"x")
        assert machine.plan(it).steps[0].attributes[0].before == "not checked"
