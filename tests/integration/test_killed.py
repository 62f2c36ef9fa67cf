"""Runs of the main job that are killed or cut off: nothing starts any more, and the next run heals everything.

A moment is a place in the run at which a command on the host is held; then the engine is killed, or its connection
is cut; then the next run is begun, which must wait; then the command goes on.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.sandbox import USER, Sandbox
from tests.blocking_commands import BlockingCommands, eventually
from tests.harness import snapshot
from tests.integration.main_job import Ran, Starts, assert_goal, command, engine, environment, sandbox
from tests.relay import Relay
from tests.sshd import SSHD, Sshd, public

STEPS = ("login-node", "login-password", "login-requirements", "comfyui")
LEFT = ("no-other-password", "no-guest-mode")
CHECKS = ("refuses-strangers", "refuses-empty-token", "accepts-token")
COMMANDS = ("git", "docker", "docker-compose", "mv", "ln", "curl")


@dataclass(frozen=True)
class Moment:
    """`name` with `words` in its arguments is held, before its work or `after` it; `done`: how many steps the killed
    run gets to do, the running one with it. `between`: the program is held behind the running step, not in it."""

    name: str
    words: str
    done: int
    after: bool = False
    between: bool = False


MOMENTS = {
    "before-all": Moment("ln", "/lock ", 0, after=True, between=True),
    "in-mark": Moment("mv", "/ledger/", 0),
    "behind-mark": Moment("mv", "/ledger/", 0, after=True, between=True),
    "in-node-fetch": Moment("git", " fetch ", 1),
    "in-node-checkout": Moment("git", " checkout ", 1, after=True),
    "in-node-place": Moment("mv", "/ComfyUI-Login ", 1),
    "behind-node": Moment("mv", "/ComfyUI-Login ", 1, after=True, between=True),
    "in-password-before": Moment("mv", "/PASSWORD ", 2),
    "in-password-after": Moment("mv", "/PASSWORD ", 2, after=True),
    "behind-password": Moment("mv", "/PASSWORD ", 2, after=True, between=True),
    "in-requirements-before": Moment("docker", " install ", 3),
    "in-requirements-after": Moment("docker", " install ", 3, after=True),
    "behind-requirements": Moment("docker", " install ", 3, after=True, between=True),
    "in-restart-before": Moment("docker", " restart ", 4),
    "in-restart-after": Moment("docker", " restart ", 4, after=True),
    "behind-restart": Moment("docker", " restart ", 4, after=True, between=True),
    "in-check": Moment("curl", " --max-time 30 ", 4),
    "behind-check": Moment("curl", " --max-time 30 ", 4, after=True, between=True),
}
HOWS = ("kill", "kill-ssh", "cut")
ALL = list(itertools.product(HOWS, MOMENTS))
SAMPLE = {
    ("cut", "before-all"),
    ("kill", "in-node-fetch"),
    ("cut", "behind-password"),
    ("kill-ssh", "in-requirements-before"),
    ("cut", "in-restart-before"),
    ("kill", "in-check"),
}
"""What runs without --full: each way, each step, and boundaries between them."""

assert set(ALL) >= SAMPLE


class Held:
    """A sandbox whose host-side commands can be held, and the runs of the main job on it."""

    def __init__(self, box: Sandbox, gates: BlockingCommands, variables: Mapping[str, str]) -> None:
        self.box, self.gates, self.variables = box, gates, variables
        self.home = box.root / "home"
        self.home.mkdir()
        name = Path("/proc/sys/kernel/hostname").read_text().strip()
        self.lock = self.home / ".local/state/engine" / name / "lock"
        self.disconnect: Callable[[subprocess.Popen[bytes]], None] = self.kill

    def begin(self) -> subprocess.Popen[bytes]:
        """An apply in the background, its report in a file."""
        words = [*command(self.box, "apply", "-y"), "--format", "json"]
        env = {**environment(self.box), **self.variables}
        with (self.box.root / "out").open("wb") as out, (self.box.root / "err").open("wb") as err:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)

    def end(self, process: subprocess.Popen[bytes]) -> Ran:
        """Wait for the end of the run that was begun last."""
        code = process.wait(120)
        return Ran(code, (self.box.root / "out").read_text(), (self.box.root / "err").read_text())

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """As `kill -9` does it."""
        process.kill()
        process.wait()

    # --- the program on the host -------------------------------------------------------------------------------

    def records(self) -> list[Path]:
        """What programs that hold the lock, or wait for it, have written of themselves."""
        return list(self.lock.parent.glob("lock.*"))

    def waited_for(self) -> bool:
        """Whether another program waits for the one that holds the lock."""
        return len(self.records()) == 2

    def processes(self, what: str) -> list[int]:
        """Of the program that holds the lock: `proc` itself, `step` the steps it started."""
        lines = [line.split() for line in self.lock.read_text().splitlines()]
        return [int(line[1]) for line in lines if line[0] == what]

    def hold_behind_step(self) -> int:
        """Stop the program, let the running step end; the program's process."""
        (program,) = self.processes("proc")
        os.kill(program, signal.SIGSTOP)
        self.gates.open()
        steps = self.processes("step")
        eventually(lambda: not steps or over(steps[-1]), "the running step did not end")
        return program


def over(pid: int) -> bool:
    """Whether a process has ended, be it that its parent does not know yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def members(session: int) -> list[int]:
    """The processes of a session, such as a program and all it has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(stat.parent.name))
    return found


@contextmanager
def held(directory: Path, how: str) -> Iterator[Held]:
    """A sandbox at the usual starting point, reached locally or through a relay to an sshd of its own."""
    with ExitStack() as stack:
        box = stack.enter_context(sandbox(directory, "v2"))
        box.build(node="absent", password="stale-user", service="before")
        gates = BlockingCommands(box.root / "gates", COMMANDS)
        path = f"{gates.directory}:{os.environ['PATH']}"
        if how == "kill":
            yield Held(box, gates, {"PATH": path})
            return
        if SSHD is None or os.geteuid() != 0:
            pytest.skip("needs OpenSSH's sshd, and root to start it")
        own = {"PATH": path, "HOME": str(box.root / "home"), "DOCKER_CONFIG": environment(box)["DOCKER_CONFIG"]}
        settings = " ".join(f"{name}={value}" for name, value in own.items())
        sshd = stack.enter_context(Sshd(box.root / "sshd", config=[f"SetEnv {settings}"]))
        relay = stack.enter_context(Relay(sshd.address, sshd.port))
        sshd.known_hosts.write_text(f"[{relay.address}]:{relay.port} {public(sshd.host_key())}\n")
        box.write_inventory(**sshd.variables() | {"ansible_port": relay.port})
        run = Held(box, gates, {})

        def disconnect(process: subprocess.Popen[bytes]) -> None:
            if how == "cut":
                relay.cut()
                assert run.end(process).code == 4
            else:
                run.kill(process)
            eventually(lambda: sshd.connections() == 0, "the server holds the connection")

        run.disconnect = disconnect
        yield run


@pytest.mark.docker
@pytest.mark.parametrize(
    ("how", "moment"),
    [pytest.param(*case, id="-".join(case), marks=() if case in SAMPLE else pytest.mark.full) for case in ALL],
)
def test_a_killed_run(how: str, moment: str, tmp_path: Path) -> None:
    at = MOMENTS[moment]
    with held(tmp_path, how) as run:
        starts = Starts(run.box)
        run.gates.close(at.name, at.words, after=at.after, lock=run.lock)
        killed = run.begin()
        run.gates.wait()
        program = run.hold_behind_step() if at.between else 0
        run.disconnect(killed)

        following = run.begin()
        eventually(lambda: run.waited_for() or over(following.pid), "the next run neither waits nor ends")
        # Where nothing is left to be done, nothing has to be waited for.
        assert at.done == len(STEPS) or run.waited_for()
        if at.between:
            os.kill(program, signal.SIGCONT)
        else:
            run.gates.open()
        healed = run.end(following)
        eventually(lambda: not run.records(), "the killed run's program does not end")
        assert healed.code == 0, (healed.out, healed.err)
        verdicts = {name: outcome["status"] for name, outcome in healed.outcomes().items()}
        ours = {step: "unchanged" if n < at.done else "changed" for n, step in enumerate(STEPS)}
        assert verdicts == ours | dict.fromkeys(LEFT, "unchanged") | dict.fromkeys(CHECKS, "passed")
        assert_goal(run.box, USER)
        assert starts.count() == 1
        assert_settled(run.box, starts)


@pytest.mark.docker
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(name, marks=() if name == "in-restart-after" else pytest.mark.full)
        for name, at in MOMENTS.items()
        if not at.between
    ],
)
def test_a_host_that_goes_down(moment: str, tmp_path: Path) -> None:
    """All of the program on the host is killed, the running step with it."""
    at = MOMENTS[moment]
    with held(tmp_path, "kill") as run:
        starts = Starts(run.box)
        run.gates.close(at.name, at.words, after=at.after, lock=run.lock)
        begun = run.begin()
        run.gates.wait()
        os.killpg(run.processes("group")[0], signal.SIGKILL)
        failed = run.end(begun)
        assert failed.code == 1, (failed.out, failed.err)
        assert "was killed" in failed.out
        healed = run.end(run.begin())
        assert healed.code == 0, (healed.out, healed.err)
        assert_goal(run.box, USER)
        # What was restarted, but not written down in the ledger, may be restarted once more.
        assert 1 <= starts.count() <= (2 if moment == "in-restart-after" else 1)
        assert_settled(run.box, starts)


@pytest.mark.docker
def test_killed_while_it_looks(tmp_path: Path) -> None:
    with held(tmp_path, "kill") as run:
        starts, found = Starts(run.box), snapshot(run.box.workspace)
        run.gates.close("docker", " ps ")
        killed = run.begin()
        session = os.getsid(run.gates.wait())
        run.kill(killed)
        run.gates.open()
        eventually(lambda: not members(session), "the program does not end")
        assert snapshot(run.box.workspace) == found
        assert not any(run.home.iterdir())
        assert starts.count() == 0


@pytest.mark.docker
@pytest.mark.full
def test_killed_while_it_waits(tmp_path: Path) -> None:
    """A run that waits for the lock is killed: it never takes its turn, and the one that holds the lock goes on."""
    with held(tmp_path, "kill") as run:
        starts = Starts(run.box)
        run.gates.close("git", " fetch ", lock=run.lock)
        first = run.begin()
        run.gates.wait()
        second = run.begin()
        eventually(run.waited_for, "the second run does not wait")
        run.kill(second)
        eventually(lambda: len(run.records()) == 1, "the killed run's program waits on")
        run.gates.open()
        assert first.wait(120) == 0
        assert_goal(run.box, USER)
        assert starts.count() == 1
        assert_settled(run.box, starts)


def assert_settled(box: Sandbox, starts: Starts) -> None:
    """Another apply changes nothing."""
    before, inode = starts.count(), box.password.stat().st_ino
    again = engine(box, "apply", "-y")
    assert again.code == 0, again.out
    assert {outcome["status"] for outcome in again.outcomes().values()} == {"unchanged", "passed"}
    assert (starts.count(), box.password.stat().st_ino) == (before, inode)
