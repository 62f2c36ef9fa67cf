"""What the tests of the main job share: a sandbox, the commands run on it, and what must hold at the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo import image
from demo.sandbox import Sandbox, run

TOP = Path(__file__).resolve().parents[2]
IMAGE = f"onetrip-test:{image.made_of()[:12]}"
"""Of its content, so that two checkouts on one machine do not take each other's."""
CLIENTS: dict[str, Sequence[str]] = {"v1": ("docker-compose",), "v2": ("docker", "compose")}


def answers(command: Sequence[str]) -> bool:
    """Whether a program is there and works."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*command], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def missing(client: str) -> str:
    """What this machine lacks for a sandbox with this Compose client; empty: nothing."""
    if not answers(["docker", "info"]):
        return "needs a Docker engine that answers"
    if not answers([*CLIENTS[client], "version"]):
        return f"needs {' '.join(CLIENTS[client])}"
    return ""


@contextmanager
def sandbox(directory: Path, client: str = "v2", **settings: Any) -> Iterator[Sandbox]:
    """A sandbox that is removed at the end; `build` is left to the test. Skips where a part is missing."""
    lacking = missing(client)
    if lacking:
        pytest.skip(lacking)
    image.make(IMAGE)
    name = f"engine-{uuid.uuid4().hex[:10]}"
    box = Sandbox(directory / name, image=IMAGE, compose=CLIENTS[client], **settings)
    try:
        yield box
    finally:
        box.destroy()


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, what it printed, and its JSON where that was asked for."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    def outcomes(self) -> dict[str, dict[str, Any]]:
        """Resource → outcome, of a report on one host."""
        (host,) = self.data["hosts"]
        return {outcome["step"]["name"]: outcome for outcome in host["outcomes"]}

    def steps(self) -> dict[str, dict[str, Any]]:
        """Resource → step, of a plan of one host."""
        (host,) = self.data["hosts"]
        return {step["name"]: step for step in host["steps"]}

    def trips(self) -> int:
        return int(self.data["hosts"][0]["trips"])


def environment(box: Sandbox) -> dict[str, str]:
    """A home of its own, so that tests beside each other do not wait for one another's lock; docker's client
    configuration, with its plugins, stays the user's."""
    docker = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    return {**os.environ, "HOME": str(box.root / "home"), "DOCKER_CONFIG": docker, "NO_COLOR": "1"}


def command(box: Sandbox, verb: str, *words: str) -> list[str]:
    state = str(TOP / "states/qwen.yaml")
    return [str(Path(sys.executable).with_name(verb)), state, "-C", str(box.root), "-i", str(box.inventory), *words]


def engine(box: Sandbox, verb: str, *words: str, timeout: float = 240) -> Ran:
    """Run `plan` or `apply` of states/qwen.yaml on the sandbox, as JSON."""
    (box.root / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [*command(box, verb, *words), "--format", "json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(box),
        timeout=timeout,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Starts:
    """Counts how often the service's container was started since this was made, one-off containers left out."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.since = time.time()

    def count(self) -> int:
        label = f"label=com.docker.compose.project={self.box.workspace.name}"
        told = run(
            [
                "docker", "events", "--since", f"{self.since:.3f}", "--until", f"{time.time():.3f}",
                "--filter", "event=start", "--filter", label,
                "--format", '{{index .Actor.Attributes "com.docker.compose.oneoff"}}',
            ]
        )  # fmt: skip
        return sum(line != "True" for line in told.splitlines())


def assert_goal(box: Sandbox, user: str | None) -> None:
    """The end state: the node at its commit, the credential in line 1, the user in line 2, nobody else gets in."""
    assert box.status() == 401
    assert box.status("/system_stats?token=") == 401
    assert box.status(token=box.token) == 200
    lines = box.password.read_text().split("\n")
    assert lines[0] == box.token
    assert [line for line in lines[1:] if line] == ([user] if user else [])
    head = run(["git", "-c", f"safe.directory={box.node}", "-C", str(box.node), "rev-parse", "HEAD"]).strip()
    assert head == box.commits[-1]
