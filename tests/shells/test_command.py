"""command on this machine, under each shell: when it runs, as whom, with what; and what is said where it does not."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused
from engine.kinds.command import Command
from engine.kit.services import SERVICES, watch_variables
from engine.kit.testing import ProcessList
from engine.model import HostPath, Script, Secret, Unknown, Watch
from tests.harness import HOME, SHELLS, Failed, apply, carry_out, converge, observe, script, snapshot, watch

STRANGER = 65534
AWKWARD = "-c b'c\"d$HOME`e`\\f\ng ü*[h]"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS])
def some_shell(request: pytest.FixtureRequest) -> Sequence[str]:
    """Two shells by default, for what hardly depends on the shell."""
    return SHELLS[request.param]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of root's that others can reach."""
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def command(place: Path, **params: Any) -> Command:
    paths = {name: HostPath(params[name]) for name in ("creates", "removes") if name in params}
    return Command(**{"cwd": HostPath(place), **params, **paths})


def test_each_guard(shell: Sequence[str], place: Path) -> None:
    for guard in ({"unless": ["test", "-e", "made"]}, {"creates": str(place / "made")}):
        resource = command(place, run=("touch", "made"), **guard)
        assert converge(resource, shell) is not None
        assert converge(resource, shell) is None
        resource = command(place, run="rm made", removes=str(place / "made"))
        assert converge(resource, shell) is not None
        assert converge(resource, shell) is None


def test_words_values_and_input_arrive_as_they_are(shell: Sequence[str], place: Path) -> None:
    """Whatever they hold, and whatever a variable is called that the engine's own scripts use too."""
    names = ("n", "count", "what", "guard_words", "run_words", "phase", "status", "stdin", "cwd", "answer")
    shown = " ".join(f'"${name}"' for name in names)
    text = f'printf "%s|" "$@" >words; cat >input; printf "%s|" {shown} >values'
    resource = command(
        place,
        run=("/bin/sh", "-c", text, "sh", AWKWARD, "--", ""),
        creates=str(place / "values"),
        env=dict.fromkeys(names, AWKWARD),
        stdin=f"\n{AWKWARD}\n\n",
    )
    assert apply(resource, shell) is not None
    assert (place / "words").read_text() == f"{AWKWARD}|--||"
    assert (place / "input").read_text() == f"\n{AWKWARD}\n\n"
    assert (place / "values").read_text() == f"{AWKWARD}|" * len(names)


def test_secrets_are_in_no_process_list(shell: Sequence[str], place: Path) -> None:
    """Those of the environment in that of the command alone; the input nowhere."""
    values = {name: f"canary-{name}-{os.urandom(6).hex()}" for name in ("variable", "input")}
    run = 'sleep 0.3; { tr "\\0" "\\n" </proc/$$/environ | grep TOKEN; cat; } >made'
    resource = command(
        place,
        run=run,
        unless="sleep 0.1; test -s made",
        env={"TOKEN": Secret(values["variable"])},
        stdin=Secret(values["input"]),
    )

    class Arguments(ProcessList):
        def inspect(self, process: Path) -> None:
            for name in ("cmdline", "environ") if "input" in values else ():
                try:
                    data = (process / name).read_bytes()
                except OSError:
                    continue
                wanted = self.texts if name == "cmdline" else [values["input"].encode()]
                self.found.update(text for text in wanted if text in data)

    with Arguments(values.values()) as processes:
        converge(resource, shell)
    assert not processes.found
    assert (place / "made").read_text() == f"TOKEN={values['variable']}\n{values['input']}"


def test_a_plan_runs_the_guard_alone(shell: Sequence[str], place: Path) -> None:
    resource = command(place, run="touch ran", unless="echo noise; echo more >&2; exit 3", stdin="x")
    before = snapshot(place)
    assert observe(resource, shell).actual == {"unless": "fails"}
    assert snapshot(place) == before


@pytest.mark.parametrize(
    ("guard", "status", "why"),
    [
        (("no-such-program-here", "x"), 127, "no-such-program-here"),
        ("no-such-program-here x", 127, "no-such-program-here"),
        (("./not-executable",), 126, "not-executable"),
        ("echo before >&2; kill -TERM $$", 143, "before"),
        ("kill -KILL $$", 137, ""),
    ],
)
def test_a_guard_that_cannot_be_asked(
    guard: Any, status: int, why: str, some_shell: Sequence[str], place: Path
) -> None:
    (place / "not-executable").write_text("x")
    resource = command(place, run="touch ran", unless=guard)
    found = observe(resource, some_shell)
    assert found.actual is not None
    unknown = found.actual["unless"]
    assert isinstance(unknown, Unknown)
    assert unknown.upstream
    assert unknown.reason.startswith(f"unless could not be asked (exit status {status})")
    assert why in unknown.reason
    with pytest.raises(Failed, match=rf"unless could not be asked \(exit status {status}\), so nothing was run"):
        apply(resource, some_shell)
    assert not (place / "ran").exists()


@pytest.mark.parametrize("status", [1, 2, 125, 128, 255])
def test_any_other_status_of_a_guard_means_that_it_will_run(status: int, place: Path) -> None:
    assert observe(command(place, run=("true",), unless=f"exit {status}")).actual == {"unless": "fails"}


@pytest.mark.parametrize(
    ("run", "guard", "said"),
    [
        ("echo tried >>log; echo no such thing >&2; exit 4; true", {}, "the command ended with exit status 4"),
        ("false; touch made", {}, "the command ended with exit status 1"),
        ("kill -KILL $$", {}, "the command was ended by signal 9"),
        (("no-such-program-here",), {}, "the command ended with exit status 127"),
        ("touch other", {}, r"the command succeeded, but after it .*/made is not there"),
        ("touch other", {"unless": "echo hm >&2; exit 3"}, r"after it unless ended with exit status 3 \(hm\)"),
        ("touch other", {"removes": "/bin/sh"}, "the command succeeded, but after it /bin/sh is still there"),
    ],
)
def test_a_command_that_fails_or_is_in_vain(
    run: Any, guard: dict[str, Any], said: str, some_shell: Sequence[str], place: Path
) -> None:
    resource = command(place, run=run, **(guard or {"creates": str(place / "made")}))
    with pytest.raises(Failed, match=said):
        apply(resource, some_shell)
    assert not (place / "made").exists()


def test_it_is_asked_again_right_before_it_runs(shell: Sequence[str], place: Path) -> None:
    """What somebody else has done meanwhile is not done twice."""
    resource = command(place, run="echo run >>log; touch made", unless=["test", "-e", "made"])
    change = observe(resource, shell).change
    assert change is not None
    (place / "made").touch()
    carry_out([resource], [change], shell)
    assert not (place / "log").exists()


def test_what_may_not_be_looked_for_is_not_absent(shell: Sequence[str], place: Path) -> None:
    if os.geteuid() == 0:
        (place / "theirs").mkdir()
        os.chown(place / "theirs", STRANGER, STRANGER)
        (place / "secret").mkdir(mode=0o700)
        resource = Command(run=("touch", "ran"), creates=HostPath(place / "secret/x"), cwd=HostPath(place / "theirs"))
        with pytest.raises(Failed, match=r"permission denied: .*/secret cannot be searched"):
            apply(resource, shell)


@as_root
def test_in_another_users_directory_it_runs_as_that_user(shell: Sequence[str], place: Path) -> None:
    (place / "theirs").mkdir()
    os.chown(place / "theirs", STRANGER, STRANGER)
    run = 'id -u >made; cat >>made; printf "%s\\n" "$A" >>made'
    stdin, variable = Secret("input\n"), Secret("variable")
    resource = command(place / "theirs", run=run, unless="test -s made", env={"A": variable}, stdin=stdin)
    assert converge(resource, shell) is not None
    made = place / "theirs/made"
    assert (made.read_text(), made.stat().st_uid) == (f"{STRANGER}\ninput\nvariable\n", STRANGER)
    assert resource.show(observe(resource, shell).facts) == {"runs as": "nobody"}


@as_root
def test_root_runs_nothing_where_others_can_put_something(shell: Sequence[str], place: Path) -> None:
    place.chmod(0o1777)
    resource = command(place, run="touch ran", unless="touch asked; false")
    with pytest.raises(Refused, match=r"others than root can write .*, so nothing runs there as root"):
        observe(resource, shell)
    assert not list(place.iterdir())


@as_root
def test_a_plan_names_a_program_that_is_not_roots(shell: Sequence[str], place: Path) -> None:
    tool = place / "tool"
    tool.write_text("#!/bin/sh\ntrue\n")
    tool.chmod(0o755)
    os.chown(tool, STRANGER, STRANGER)
    resource = command(place, run=(str(tool),), unless=["test", "-e", "made"])
    assert resource.show(observe(resource, shell).facts) == {"runs": f"{tool}, which belongs to nobody"}


def test_nothing_inherits_what_the_program_reports_through(shell: Sequence[str], place: Path) -> None:
    resource = command(place, run="ls /proc/self/fd >made", unless="ls /proc/self/fd >&2; test -e made", stdin="x")
    apply(resource, shell)
    # `ls` has opened the directory as its own.
    assert set((place / "made").read_text().split()) <= {"0", "1", "2", "3"}


def test_a_service_sees_that_it_ran(shell: Sequence[str], place: Path) -> None:
    """Also one that was cut off in it; and of a command that never ran, nothing newer than itself."""
    run = f"echo $PPID >started; cat >/dev/null; touch made # {place}"
    resource = command(place, run=run, unless=["test", "-e", "made"], stdin="x")
    never = watch(resource, shell)
    assert float(never[1]) == 0
    apply(resource, shell)
    first = watch(resource, shell)
    assert first[0] != never[0]
    assert float(first[1]) > 0
    assert apply(resource, shell) is None
    assert watch(resource, shell) == first
    (place / "made").unlink()
    failing = command(place, run=f"exit 1 # {place}", unless=["test", "-e", "made"])
    with pytest.raises(Failed):
        apply(failing, shell)
    assert float(watch(failing, shell)[1]) > 0


@as_root
def test_a_service_sees_it_as_the_user_it_ran_as(shell: Sequence[str], place: Path) -> None:
    """Within the script of the service, which runs as another one."""
    (place / "theirs").mkdir()
    os.chown(place / "theirs", STRANGER, STRANGER)
    resource = command(place / "theirs", run="true", unless="true")
    text = SERVICES + '\nphase=apply\nwatch 0\nfact found "$fingerprint $ctime"\n'
    variables = watch_variables([Watch("it", resource.watched())])
    # That user has no home directory where a run could be noted.
    with pytest.raises(Failed, match=r"no service can restart on this command: that it ran cannot be noted in"):
        script(Script(text, variables), shell)


def test_the_home_directory_is_where_it_runs_unless_one_is_named(shell: Sequence[str], place: Path) -> None:
    resource = Command(run=f"pwd >{place}/made", creates=HostPath(place / "made"))
    apply(resource, shell)
    assert (place / "made").read_text().strip() == os.path.realpath(HOME.name)


def test_a_daemon_is_not_waited_for(place: Path) -> None:
    resource = command(
        place, run="sleep 60 >/dev/null 2>&1 & echo $! >pid; touch made", unless=["test", "-e", "made"]
    )
    apply(resource)
    pid = int((place / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
