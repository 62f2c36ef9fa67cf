"""Bulk content arrives whole or not at all, in private places, and is gone afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.errors import EngineError, HostFailed
from engine.model import Host, HostPath, Output, Script, SourceFile, Upload
from engine.program import upload
from engine.program.compose import compose
from engine.program.parser import Done, Finished, Hello, Waited
from engine.program.section import Lock, Section
from engine.program.upload import stage
from engine.transports import Options
from engine.transports.local import LocalTransport
from tests.shells.programs import every_shell, go, local, results


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _source(path: Path, content: bytes, mode: int = 0o644) -> SourceFile:
    path.write_bytes(content)
    return SourceFile("", path, len(content), mode, hashlib.sha256(content).hexdigest())


def _files(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(directory)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in directory.rglob("*")
        if path.is_file()
    }


def _left(top: Path) -> list[Path]:
    return [*top.rglob(".engine-staging-*"), *(top / "home").rglob("staging/*")]


def _use(shell: tuple[str, ...], staging: dict[str, str], text: str = ":") -> list[object]:
    sections = [Section(name, Script(text), step=True, staging=path) for name, path in staging.items()]
    return list(go(compose(sections, lock=Lock("me", 0), shell=shell)))


@every_shell
def test_files_arrive(shell: tuple[str, ...], tmp_path: Path, home: Path) -> None:
    big = _source(tmp_path / "big", os.urandom(1_000_001), 0o750)
    names = ["plain", "-n", "a b/c\nd/it's $HOME", "é/\udcff", "x" * 200 + "/" + "y" * 200]
    content = {name: name.encode("utf-8", "replace") for name in names}
    uploads = {
        "act:one:0": Upload(
            HostPath(f"{tmp_path}/new dir\n/x"), tuple((n, n.encode("utf-8", "replace")) for n in names)
        ),
        "act:two:0": Upload(HostPath("~/deep/er/"), (("big", big), ("empty", b""))),
        "act:none:0": Upload(HostPath("/dev/shm"), ()),
    }
    staging = stage(local(), uploads, shell)
    assert list(staging) == list(uploads)
    one, two, none = map(Path, staging.values())
    assert _files(one) == {n: (0o600, content[n]) for n in names}
    assert _files(two) == {"big": (0o750, big.path.read_bytes()), "empty": (0o600, b"")}
    assert _files(none) == {}
    assert one.is_relative_to(tmp_path / "new dir\n/x")
    assert two.is_relative_to(home / "deep/er")
    assert none.is_relative_to("/dev/shm")
    for directory in (one, two, none):
        assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700
    found = results(_use(shell, staging, 'mv "$staging"/* "$HOME" 2>/dev/null || :; fact s "$staging"'))  # type: ignore[arg-type]
    assert [result.facts["s"] for result in found.values()] == [str(one), str(two), str(none)]
    assert (home / "big").read_bytes() == big.path.read_bytes()
    assert _left(tmp_path) == []
    assert not none.parent.exists()


class _Cut(LocalTransport):
    """Loses its connection after so many bytes were sent, counted from the end of the program's text."""

    def __init__(self, after: int) -> None:
        super().__init__(Host("here"), Options(Path("/"), silence=30))
        self.after = after

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        return super().run(argv, self._cut(iter(stdin)))

    def _cut(self, stdin: Iterator[bytes]) -> Iterator[bytes]:
        yield next(stdin)
        rest = b"".join(stdin)
        yield rest[: self.after] if self.after >= 0 else rest[: len(rest) + self.after]


@every_shell
def test_a_cut_upload_is_thrown_away(shell: tuple[str, ...], full: bool, tmp_path: Path) -> None:
    uploads = {"a": Upload(HostPath(f"{tmp_path}/t"), (("f", b"x" * 700), ("g", b"y")))}
    # f: 512 + 1024, g: 512 + 512, the last member: 512 + the 17 bytes by which a whole stream is known.
    whole = 3 * 512 + 1024 + 512 + 17
    for cut in range(whole) if full else [0, 1, 511, 512, 1536, 2560, 3072, whole - 1]:
        with pytest.raises(HostFailed, match=r"upload: .*(incomplete|unpacked)"):
            stage(_Cut(cut), uploads, shell)
        assert _left(tmp_path) == [], cut


class _Child(LocalTransport):
    """Reaches a login shell that starts programs as its children."""

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        return super().run(("sh", "-c", '"$@"; exit "$?"', "sh", *argv), stdin)


@every_shell
def test_an_upload_without_a_process_group_of_its_own(shell: tuple[str, ...], tmp_path: Path) -> None:
    transport = _Child(Host("here"), Options(Path("/"), silence=30))
    where = stage(transport, {"a": Upload(HostPath(f"{tmp_path}/t"), (("f", b"x" * 300_000),))}, shell)
    assert (Path(where["a"]) / "f").read_bytes() == b"x" * 300_000


@every_shell
def test_a_changed_source_is_not_used(shell: tuple[str, ...], tmp_path: Path) -> None:
    for change in (b"X" * 300_000, b"x" * 299_999, b"x" * 300_001, b"", None):
        source = _source(tmp_path / "source", b"x" * 300_000)
        if change is None:
            source.path.unlink()
        else:
            source.path.write_bytes(change)
        with pytest.raises(EngineError, match=r"source: (changed while|cannot be read)"):
            stage(local(), {"a": Upload(HostPath(f"{tmp_path}/t"), (("f", source),))}, shell)
        assert _left(tmp_path) == []


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", "a//b", "a/", ".", "a\0b"])
def test_a_name_cannot_escape(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must stay below"):
        stage(local(), {"a": Upload(HostPath(str(tmp_path)), ((name, b""),))})


@every_shell
def test_things_in_the_way(shell: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "own").symlink_to("t")
    (tmp_path / "t").mkdir()
    (tmp_path / "theirs").symlink_to("t")
    os.chown(tmp_path / "theirs", 12345, 12345, follow_symlinks=False)
    for where, message in {
        "file/x": "file: is in the way: not a directory",
        "dangling/x": "dangling: is a symbolic link that leads to no directory",
        "t/../x": "may not hold",
        "theirs/x": "theirs: is a symbolic link that belongs to another user",
    }.items():
        with pytest.raises(HostFailed, match=message):
            stage(local(), {"a": Upload(HostPath(f"{tmp_path}/{where}"), (("f", b"x"),))}, shell)
        assert _left(tmp_path) == []
        assert not list((tmp_path / "t").iterdir())
    assert Path(stage(local(), {"a": Upload(HostPath(f"{tmp_path}/own/x"), ())}, shell)["a"]).is_dir()


@every_shell
def test_an_unwritable_directory(shell: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match="/proc/x"):
        stage(local(), {"a": Upload(HostPath("/proc/x"), (("f", b"x"),))}, shell)
    assert _left(tmp_path) == []


@every_shell
def test_staging_goes_whatever_becomes_of_the_steps(shell: tuple[str, ...], tmp_path: Path) -> None:
    uploads = {name: Upload(HostPath(f"{tmp_path}/{name}"), (("f", b"x"),)) for name in "abc"}
    staging = stage(local(), uploads, shell)
    scripts = {"a": "exit 3", "b": 'kill -9 $$; rm -rf "$staging"', "c": "touch never"}
    sections = [
        Section(name, Script(text), step=True, staging=staging[name], needs=("a",) if name == "c" else ())
        for name, text in scripts.items()
    ]
    events = go(compose(sections, lock=Lock("me", 0), shell=shell))
    assert isinstance(events[-1], Done)
    assert _left(tmp_path) == []


@every_shell
def test_what_killed_runs_left_goes_with_the_next(shell: tuple[str, ...], tmp_path: Path, home: Path) -> None:
    def send(name: str) -> dict[str, str]:
        return stage(local(), {name: Upload(HostPath(f"{tmp_path}/{name}\n dir"), (("f", b"x"),))}, shell)

    send("never used")
    record = next(home.rglob("staging/*"))
    (record.parent / "0123.0").write_text(f"{tmp_path}/precious")
    (tmp_path / "precious").mkdir()
    (record.parent / "4567.0").touch()
    # Another run comes in between: it tidies up, and the one that lost its files plans again.
    slow, quick = send("slow"), send("quick")
    assert any(isinstance(event, Finished) for event in _use(shell, quick))
    assert [type(event) for event in _use(shell, slow)] == [Hello, Waited, Done]
    assert _left(tmp_path) == []
    assert (tmp_path / "precious").is_dir()


@every_shell
def test_an_upload_that_another_run_clears_away(
    shell: tuple[str, ...], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files arrive, a run with the host's lock takes them for those of one that never came: plan again."""
    taken = 'tar() { command tar "$@" && rm -rf "$PWD"; }\n'
    monkeypatch.setattr(upload, "STAGE", taken + upload.STAGE)
    uploads = {name: Upload(HostPath(f"{tmp_path}/{name}"), (("f", b"x"),)) for name in "ab"}
    staging = stage(local(), uploads, shell)
    assert [type(event) for event in _use(shell, staging)] == [Hello, Waited, Done]
    assert _left(tmp_path) == []


@pytest.mark.full
def test_memory_stays_flat(tmp_path: Path) -> None:
    size = 200_000_000
    with (tmp_path / "big").open("wb") as file:
        for _ in range(size // 1_000_000):
            file.write(os.urandom(1_000_000))
    code = f"""
import hashlib, re
from pathlib import Path
from engine.program.upload import stage
from engine.model import *
from tests.shells.programs import local
path = Path({str(tmp_path / "big")!r})
digest = hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
many = tuple((f"d/{{n}}", SourceFile("", path, {size}, 0o644, digest)) for n in range(1))
print(stage(local(), {{"a": Upload(HostPath({str(tmp_path / "t")!r}), many)}})["a"])
# The rusage would count what this was forked from, too.
print(re.search("VmHWM: *([0-9]+)", Path("/proc/self/status").read_text().expandtabs())[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    where, peak = done.stdout.splitlines()
    assert (Path(where) / "d/0").stat().st_size == size
    assert int(peak) < 100_000, "kilobytes"
    shutil.rmtree(tmp_path / "t")


@pytest.mark.full
@every_shell
def test_a_full_disk(shell: tuple[str, ...], tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(mount)], check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        with pytest.raises(HostFailed, match="unpacked"):
            stage(local(), {"a": Upload(HostPath(str(mount)), (("f", b"x" * 3_000_000),))}, shell)
        assert list(mount.iterdir()) == []
    finally:
        subprocess.run(["umount", str(mount)], check=True)
