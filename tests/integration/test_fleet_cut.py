"""The connection to a host is cut at random places: nothing is half-written, the next run converges, and the one
after it finds nothing to do."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.blocking_commands import eventually
from tests.fleet import processes_of
from tests.integration.project import Project, Ran, own_sshd
from tests.relay import Relay
from tests.sshd import Sshd, needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]

CUTS = 4
"""Cuts of one test, half of them after a number of bytes, half after a time."""
LOST = re.compile(
    r"^(the connection to \S+ was cut"
    r"|\S+ (closed the connection (before any SSH banner|during the key exchange)|refused to run a program)"
    r"|\S+ ended the program without an exit status|\S+ closed the connection)"
)

Files = dict[str, tuple[str, int]]


class Far:
    """A host behind a relay, and a state of two versions."""

    def __init__(self, directory: Path, project: Project, relay: Relay, sshd: Sshd) -> None:
        self.project, self.relay, self.sshd = project, relay, sshd
        self.target, self.origin = directory / "target", directory / "origin"
        self.target.mkdir()
        (self.target / ".env").write_text("# what others wrote stays\nOTHER=1\n")
        self.commits = self._publish()

    def _publish(self) -> list[str]:
        """A repository of two commits, and the sources of two trees."""
        noise = random.Random(4)  # noqa: S311
        git(None, "init", "-q", "-b", "main", str(self.origin))
        commits = []
        for version in (0, 1):
            for number in range(20):
                (self.origin / f"file-{number}").write_text(f"{version} {number}\n" * 500)
                tree = self.project.root / f"tree-{version}" / f"d{number % 3}" / f"file-{number}"
                tree.parent.mkdir(parents=True, exist_ok=True)
                # Some are there in one version only, one is large.
                if number % 5 != version:
                    tree.write_bytes(noise.randbytes(400_000 if number == 7 else 3000))
            git(self.origin, "add", ".")
            git(self.origin, "commit", "-q", "-m", str(version))
            commits.append(git(self.origin, "rev-parse", "HEAD"))
        return commits

    def declare(self, version: int) -> None:
        """Write the state file of a version."""
        top = self.target
        self.project.state(
            {
                "text": {
                    "file-sync": {
                        "path": f"{top}/text",
                        "content": f"version {version}\n" * 2000,
                        "mode": ("0640", "0600")[version],
                    }
                },
                "tree": {
                    "file-sync": {"path": f"{top}/tree", "source": f"tree-{version}", "delete": True},
                },
                "env": {"file-sync": {"path": f"{top}/.env", "dotenv": {"VERSION": f"number {version}"}}},
                "checkout": {
                    "git-clone": {
                        "repo": f"file://{self.origin}",
                        "path": f"{top}/checkout",
                        "revision": self.commits[version],
                    }
                },
            }
        )

    def apply(self) -> Ran:
        return self.project.run("apply", "--format", "json")

    def files(self, *, checkout: bool = True) -> Files:
        """Every file on the host, but those git keeps for itself: content and mode."""
        found = {}
        # A program that still runs may put something away meanwhile, which `rglob` does not forgive.
        for top, _, names in os.walk(self.target):
            for path in (Path(top, name) for name in names):
                name = str(path.relative_to(self.target))
                if not name.startswith("checkout/.git/" if checkout else "checkout/"):
                    with suppress(FileNotFoundError):
                        found[name] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
        return found

    def settle(self) -> None:
        """Wait until nothing runs on the host any more."""
        eventually(lambda: not processes_of(self.project.home), "programs are left on the host", 120)
        eventually(lambda: self.sshd.connections() == 0, "connections are left on the host")

    def leftovers(self) -> list[str]:
        """What programs keep on the host while they run."""
        kept = self.project.home.glob(".local/state/engine/*/*")
        found = [path for path in kept if path.name.startswith(("lock", "over."))]
        found += self.project.home.glob(".local/state/engine/*/staging/*")
        found += (self.target / "checkout/.git").glob("*.lock")
        return [str(path) for path in found]


def git(directory: Path | None, *words: str) -> str:
    config = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "safe.directory=*"]
    done = subprocess.run(["git", *config, *words], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def far_host(directory: Path) -> Iterator[Far]:
    with own_sshd(directory) as sshd, Relay("127.0.0.1", sshd.port) as relay:
        known = sshd.known_hosts.read_text()
        sshd.known_hosts.write_text(known.replace(f":{sshd.port} ", f":{relay.port} "))
        project = Project(directory, sshd.variables() | {"ansible_port": relay.port})
        yield Far(directory, project, relay, sshd)


def applied(far: Far, version: int) -> tuple[Files, int, float]:
    """A version that is applied without a cut: files, bytes on the line, and seconds between connection and end."""
    far.declare(version)
    before, accepted = far.relay.passed, far.relay.accepted
    running = far.project.begin("apply", "--format", "json")
    eventually(lambda: far.relay.accepted > accepted, "it does not connect")
    connected = time.monotonic()
    ran = running.end()
    assert ran.code == 0, ran.out + ran.err
    return far.files(), far.relay.passed - before, time.monotonic() - connected


def cut_after(relay: Relay, seconds: float, over: threading.Event) -> None:
    """Cut so long after the next connection."""
    accepted = relay.accepted
    while relay.accepted == accepted:
        if over.wait(0.005):
            return
    if not over.wait(seconds):
        relay.cut()


def assert_whole(found: Files, old: Files, new: Files) -> None:
    """Every file is the old one or the new one."""
    for name in old.keys() | new.keys():
        assert found.get(name) in (old.get(name), new.get(name)), f"{name} is neither the old one nor the new one"


def cut_once(far: Far, cut: Callable[[], Ran], old: Files, new: Files) -> int:
    """One run that is cut, what it leaves, and the next ones; the exit code of the one that was cut."""
    ran = cut()
    plain = {name: what for name, what in far.files(checkout=False).items() if "/.engine" not in f"/{name}"}
    assert_whole({**old, **plain}, old, new)
    assert ran.out, (ran.code, ran.err)
    (host,) = ran.data["hosts"]
    if ran.code == 0:
        assert host["status"] == "converged"
        assert far.files() == new
    else:
        assert (ran.code, host["status"]) == (4, "unreachable"), ran.out + ran.err
        assert LOST.match(host["error"]), host["error"]
    assert "Traceback" not in ran.err

    healed = far.apply()
    assert healed.code == 0, healed.out + healed.err
    assert far.files() == new
    assert git(far.target / "checkout", "status", "--porcelain") == ""
    assert far.leftovers() == []
    far.settle()
    return ran.code


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.full if n else ()) for n in range(200 // CUTS)])
def test_cut_anywhere(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    with far_host(tmp_path) as far:
        applied(far, 0)
        one, _, _ = applied(far, 1)
        zero, size, seconds = applied(far, 0)
        versions = (zero, one)
        codes = []
        for number in range(CUTS):
            version = (number + 1) % 2
            old, new = versions[1 - version], versions[version]
            far.declare(version)

            def by_size() -> Ran:
                # As often within what plans as within what is uploaded.
                far.relay.cut_after(chance.choice([chance.randrange(size // 8), chance.randrange(size)]))
                ran = far.apply()
                far.relay.cut_after(None)
                return ran

            def by_time() -> Ran:
                over = threading.Event()
                cutter = threading.Thread(target=cut_after, args=(far.relay, chance.uniform(0, seconds), over))
                cutter.start()
                ran = far.apply()
                over.set()
                cutter.join()
                return ran

            codes.append(cut_once(far, by_time if number % 2 else by_size, old, new))
            if number % 4 == 3:
                idle = far.apply()
                assert idle.code == 0, idle.out + idle.err
                assert set(idle.verdicts().values()) == {"unchanged"}
        assert codes.count(4) >= CUTS // 3, codes
