"""The real stories: what PASSWORD and the service were, what happened meanwhile, and where the run was cut.

After each, one or two undisturbed applies end converged, or say what is in the way; no restart is missed; and those
that nothing needed are counted.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.sandbox import USER, Password, Sandbox, Service
from tests.blocking_commands import BlockingCommands, eventually
from tests.integration.main_job import Ran, assert_goal, command, engine, environment, sandbox
from tests.integration.test_killed import COMMANDS, MOMENTS, Held

pytestmark = pytest.mark.docker

PASSWORDS: dict[str, Password] = {
    "absent": "absent",
    "empty": "empty",
    "stale": "stale",
    "user-line": "stale-user",
    "crlf": "crlf",
    "left-over": "stale",
    "changed-in-the-gap": "stale",
    "changed-and-put-back": "stale",
}
SERVICES: dict[str, Service] = {"absent": "absent", "stopped": "stopped", "running": "current", "dies": "current"}
CLIENTS = ("v1", "v2")
KILLS = (
    "never", "before-all", "in-mark", "behind-mark", "in-password-before", "in-password-after", "behind-password",
    "in-requirements-before", "in-requirements-after", "behind-requirements", "in-restart-before", "in-restart-after",
    "behind-restart", "in-check", "behind-check",
)  # fmt: skip
ALL = list(itertools.product(CLIENTS, PASSWORDS, SERVICES, KILLS))
SAMPLE = {
    ("v2", "changed-and-put-back", "running", "in-check"),
    ("v2", "left-over", "stopped", "behind-password"),
    ("v2", "absent", "absent", "in-requirements-before"),
    ("v1", "crlf", "dies", "never"),
}
"""What runs without --full: both versions, every state of the service, and kills on both sides of the restart."""

assert set(ALL) >= SAMPLE
assert set(KILLS) <= {"never", *MOMENTS}

READ = 4
"""Seconds from its start until the service reads PASSWORD."""
PATIENCE = ("-e", "patience=30s")


@dataclass
class Story:
    """One story on its sandbox. `meanwhile` is what others do to PASSWORD while the first apply runs."""

    run: Held
    meanwhile: str
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def box(self) -> Sandbox:
        return self.run.box

    def begin(self) -> subprocess.Popen[bytes]:
        """The first apply."""
        words = [*command(self.box, "apply", "-y", *PATIENCE), "--format", "json"]
        env = {**environment(self.box), **self.run.variables}
        with (self.box.root / "out").open("wb") as out, (self.box.root / "err").open("wb") as err:
            begun = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)
        if self.meanwhile:
            thread = threading.Thread(target=self.disturb, args=(begun, self.box.started_at()))
            thread.start()
            self.threads.append(thread)
        return begun

    def disturb(self, begun: subprocess.Popen[bytes], started: str) -> None:
        """Right after a start, change PASSWORD before it is read; and put it back once it was."""

        def until(holds: Callable[[], bool]) -> bool:
            while begun.poll() is None and not holds():
                time.sleep(0.05)
            return holds()

        if not until(lambda: self.box.started_at() not in ("", started)):
            return
        right = self.box.password.read_bytes()
        self.box.password.write_text(f"{self.box.stale_token}\n")
        if self.meanwhile == "changed-and-put-back":
            until(lambda: self.box.status() != 0)
            self.box.password.write_bytes(right)

    def cut(self, begun: subprocess.Popen[bytes], kill: str) -> bool:
        """Kill all of the program on the host at that moment; whether the run came there."""
        gates, at = self.run.gates, MOMENTS[kill]
        reached = gates.directory / "reached"
        eventually(lambda: reached.exists() or begun.poll() is not None, "the run goes on for too long", 120)
        if not reached.exists():
            return False
        group = self.run.processes("group")[0]
        if at.between:
            self.run.hold_behind_step()
        os.killpg(group, signal.SIGKILL)
        gates.open()
        return True


@contextmanager
def counted(box: Sandbox) -> Iterator[Callable[[], int]]:
    """How often the service's container was started so far, one-off containers left out. Docker is listened to all
    the time: it remembers no more than its last 256 events, whoever's they are."""
    label = f"label=com.docker.compose.project={box.workspace.name}"
    words = ["docker", "events", "--filter", "event=start", "--filter", label]
    words += ["--format", 'start {{index .Actor.Attributes "com.docker.compose.oneoff"}}']
    with tempfile.TemporaryFile() as heard, subprocess.Popen(words, stdout=heard) as listening:

        def count() -> int:
            time.sleep(0.5)
            lines = os.pread(heard.fileno(), 1 << 20, 0).decode().splitlines()
            return sum(line != "start True" for line in lines)

        time.sleep(0.5)
        try:
            yield count
        finally:
            listening.terminate()


@contextmanager
def told(directory: Path, client: str, password: str, service: str) -> Iterator[Story]:
    settings = {"COMFYUI_STOPS": "1", "COMFYUI_READ_SECONDS": str(READ)}
    with sandbox(directory, client, environment=settings) as box:
        box.build(node="right", password=PASSWORDS[password], service=SERVICES[service])
        if password == "left-over":
            (box.comfyui / "PASSWORD").write_text(f"{box.stale_token}\n")
        if service == "dies":
            box.switches.write_text("COMFYUI_DIES_SECONDS=3\nCOMFYUI_DIES_CODE=7\n")
        gates = BlockingCommands(box.root / "gates", COMMANDS)
        run = Held(box, gates, {"PATH": f"{gates.directory}:{os.environ['PATH']}"})
        story = Story(run, password if password.startswith("changed") else "")
        try:
            yield story
        finally:
            for thread in story.threads:
                thread.join(60)


def names_the_cause(ran: Ran) -> None:
    """A run that did not converge says of each resource why."""
    assert ran.code == 1, (ran.out, ran.err)
    failed = {n: o for n, o in ran.outcomes().items() if o["status"] in ("failed", "refused")}
    assert failed, ran.out
    assert all(outcome["words"] for outcome in failed.values()), failed
    checks = [outcome for outcome in failed.values() if outcome["step"]["check"]]
    assert len(checks) < len(failed) or any(outcome["cause"] for outcome in checks), "a bare failure of a check"


@pytest.mark.parametrize(
    ("client", "password", "service", "kill"),
    [pytest.param(*case, id="-".join(case), marks=() if case in SAMPLE else pytest.mark.full) for case in ALL],
)
def test_a_story(
    client: str, password: str, service: str, kill: str, tmp_path: Path, record_property: Callable[[str, Any], None]
) -> None:
    with told(tmp_path, client, password, service) as story, counted(story.box) as starts:
        box = story.box
        if kill != "never":
            at = MOMENTS[kill]
            story.run.gates.close(at.name, at.words, after=at.after, lock=story.run.lock)
        begun = story.begin()
        cut = kill != "never" and story.cut(begun, kill)
        first = story.run.end(begun)
        for thread in story.threads:
            thread.join(60)
        if not cut and first.code:
            names_the_cause(first)
        died = 0
        if service == "dies":
            before = starts()
            again = first if not cut else engine(box, "apply", "-y", *PATIENCE)
            if again.code:
                names_the_cause(again)
                assert "ended with exit code 7" in again.out
            died = max(starts() - before, int(not cut))
            box.switches.unlink()
        healed = engine(box, "apply", "-y", *PATIENCE)
        applies = 1
        if healed.code:
            names_the_cause(healed)
            healed = engine(box, "apply", "-y", *PATIENCE)
            applies = 2
        assert healed.code == 0, (healed.out, healed.err)
        assert_goal(box, USER if password == "user-line" and not story.meanwhile else None)
        done = starts()
        needed = 1 + died + int(bool(story.meanwhile))
        record_property(
            "restarts", ["-".join((client, password, service, kill)), applies, done, max(0, done - needed)]
        )
        assert done - needed <= 1 + int(cut), "more than one start that nothing needed"
        started, again = box.started_at(), engine(box, "apply", "-y")
        assert {outcome["status"] for outcome in again.outcomes().values()} == {"unchanged", "passed"}
        assert (starts(), box.started_at()) == (done, started)
