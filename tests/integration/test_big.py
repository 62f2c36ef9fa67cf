"""Large trees and files over SSH: only what differs travels, and the controller holds next to none of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.project import Project, Ran, own_sshd
from tests.relay import Relay
from tests.sshd import Sshd, needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]

MEMORY = 150e6
"""Bytes that the controller may hold."""
TALK = 400e3
"""Bytes that a run may send and receive beside content: programs, file lists, the SSH protocol."""


class Far(NamedTuple):
    """A project whose host is reached through a relay that counts."""

    project: Project
    relay: Relay
    sshd: Sshd

    def run(self, verb: str, execs: int, code: int = 0) -> tuple[Ran, int]:
        """Run a command that takes so many trips; how many bytes went over the line, both ways."""
        self.sshd.forget()
        before = self.relay.passed
        ran = self.project.run(verb, "--format", "json", timeout=500)
        assert ran.code == code, ran.out + ran.err
        assert ran.trips() == self.sshd.execs() == execs
        assert 1e6 < ran.memory < MEMORY, f"held {ran.memory / 1e6:.0f} MB"
        return ran, self.relay.passed - before


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with own_sshd(tmp_path) as sshd, Relay("127.0.0.1", sshd.port) as relay:
        # The relay has another port, and so another name in known_hosts.
        known = sshd.known_hosts.read_text()
        sshd.known_hosts.write_text(known.replace(f":{sshd.port} ", f":{relay.port} "))
        project = Project(tmp_path, sshd.variables() | {"ansible_port": relay.port})
        yield Far(project, relay, sshd)


def fill(path: Path, size: int, seed: int) -> None:
    """A file that cannot be compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = random.Random(seed)  # noqa: S311
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(noise.randbytes(min(1 << 20, size - start)))


def digests(top: Path) -> dict[str, str]:
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[str(path.relative_to(top))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def test_a_tree_of_a_thousand_files(far: Far, tmp_path: Path) -> None:
    source, target = far.project.root / "tree", tmp_path / "target"
    for n in range(1000):
        fill(source / f"{n % 23}/{n % 7}/{n}", 10_000, n)
    far.project.state({"tree": {"file-sync": {"path": str(target), "source": "tree"}}})

    _, passed = far.run("plan", 1)
    assert passed < TALK
    _, passed = far.run("apply", 3)
    assert digests(target) == digests(source)
    assert 10e6 < passed < 10e6 * 1.2 + TALK

    kept = {path: path.stat().st_ino for path in target.rglob("*")}
    ran, passed = far.run("apply", 1)
    assert ran.verdicts() == {"tree": "unchanged"}
    assert passed < TALK
    assert {path: path.stat().st_ino for path in target.rglob("*")} == kept

    fill(source / "5/3/143", 12_000, 5000)
    fill(source / "new", 1_000, 5001)
    _, passed = far.run("apply", 3)
    assert passed < 13_000 + 2 * TALK
    assert digests(target) == digests(source)
    changed = {str(path.relative_to(target)) for path in target.rglob("*") if kept.get(path) != path.stat().st_ino}
    assert changed == {"5/3/143", "new"}


@pytest.mark.parametrize("size", [20_000_000, pytest.param(200_000_000, marks=pytest.mark.full)])
def test_a_large_file(far: Far, tmp_path: Path, size: int) -> None:
    source, target = far.project.root / "model", tmp_path / "target/model"
    fill(source, size, 1)
    small = {"file-sync": {"path": f"{tmp_path}/target/small", "content": "1\n"}}
    far.project.state(
        {"model": {"file-sync": {"path": str(target), "source": "model", "parents": True}}, "small": small}
    )
    _, passed = far.run("plan", 1)
    assert passed < TALK
    _, passed = far.run("apply", 3)
    assert digests(target.parent)["model"] == digests(source.parent)["model"]
    assert size < passed < size * 1.05 + TALK

    inode = target.stat().st_ino
    ran, passed = far.run("apply", 1)
    assert ran.verdicts() == {"model": "unchanged", "small": "unchanged"}
    assert passed < TALK

    small["file-sync"]["content"] = "2\n"
    far.project.state(
        {"model": {"file-sync": {"path": str(target), "source": "model", "parents": True}}, "small": small}
    )
    ran, passed = far.run("apply", 2)
    assert ran.verdicts() == {"model": "unchanged", "small": "changed"}
    assert passed < TALK
    assert target.stat().st_ino == inode


def test_a_linked_directory_in_the_way_of_a_tree(far: Far, tmp_path: Path) -> None:
    source, target, outside = far.project.root / "tree", tmp_path / "target", tmp_path / "outside"
    for name in ("a/one", "b/two", "b/c/three"):
        fill(source / name, 50_000, len(name))
    outside.mkdir()
    (outside / "two").write_text("mine\n")
    target.mkdir()
    (target / "b").symlink_to(outside)
    far.project.state({"tree": {"file-sync": {"path": str(target), "source": "tree"}}})
    ran, passed = far.run("apply", 1, code=1)
    assert ran.verdicts() == {"tree": "refused"}
    (outcome,) = ran.data["hosts"][0]["outcomes"]
    assert f"{target}/b" in outcome["words"]
    assert "symbolic link" in outcome["words"]
    assert passed < TALK
    assert digests(outside) == {"two": hashlib.sha256(b"mine\n").hexdigest()}
    assert [path.name for path in target.iterdir()] == ["b"]
