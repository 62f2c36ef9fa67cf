"""Tests for kinds: the contract suite, and cases as data. Needs pytest; nothing of the engine imports this.

    from engine.kit.testing import contract_suite
    from my_link import MyLink

    TestMyLink = contract_suite(MyLink, {"path": "{place}/current", "target": "releases/42"}, other={"target": "43"})

gives the kind every test of the contract, against this machine, under each shell that it has (dash, bash,
bash --posix, busybox sh): what is absent is made; made again, nothing changes; what drifted is put right; what is in
the way is left alone; looking writes nothing; what an apply reports is what its plan said; no secret shows; odd
values arrive as they are; in a directory of another user nothing is written through that user's links, and nothing is
looked for or written at a path that leads elsewhere after it was pinned.
A check passes, fails with `other`, and changes nothing.

`cases(MyLink)` runs what lies in the folder `cases` beside the module: see `engine.kit.cases`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from engine.kit.cases import cases, make
from engine.kit.kind import Kind
from engine.model import DeclaredResource, Host, HostDeclaration, HostPlan, HostReport, Output, Secret
from engine.program.section import Lock
from engine.run.apply import apply
from engine.run.host import HostRun, Settings
from engine.transports import Options
from engine.transports.local import LocalTransport

SHELLS: Mapping[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "bash": ("bash",),
    "bash --posix": ("bash", "--posix"),
    "busybox sh": ("busybox", "sh"),
}
"""The shells that a script must run under; those that this machine lacks are left out."""

ODD = (
    "with blanks  and 'single' and \"double\" quotes",
    "$HOME `id` $(id) ${x} $$",
    "-n",
    "--help",
    "*?[a-z]{1,2}~!#&|;<>()",
    "back\\slash \\n %s %%",
    "Grüße 雪 \U0001f600",
)
"""Values that a shell, or a program that is handed them carelessly, reads otherwise than they are meant."""


Setup: TypeAlias = Callable[[Path], contextlib.AbstractContextManager[Mapping[str, str]]]

NAMED_AGAIN = "it was led elsewhere: after `pin`, name `$name`, and never the path again"
STRANGER = 65534
"""The user id of another user of this machine: nobody."""


def here() -> dict[str, tuple[str, ...]]:
    """The shells of this machine."""
    return {name: argv for name, argv in SHELLS.items() if shutil.which(argv[0])}


def snapshot(path: Path) -> dict[str, tuple[Any, ...]]:
    """Type, mode, owner, inode, times and content of all there is at and below a path, by relative name."""
    found: dict[str, tuple[Any, ...]] = {}
    for item in [path, *sorted(path.rglob("*"))] if path.is_dir() and not path.is_symlink() else [path]:
        if os.path.lexists(item):
            info, content = item.lstat(), ""
            if stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(item.read_bytes()).hexdigest()
            elif stat.S_ISLNK(info.st_mode):
                content = os.readlink(item)
            marks = (info.st_mode, info.st_uid, info.st_gid, info.st_ino, info.st_mtime_ns, info.st_ctime_ns)
            found[str(item.relative_to(path))] = (*marks, content)
    return found


class Machine:
    """This machine as the host of one resource. `shell` stands for `sh`; its home directory is `home`."""

    def __init__(self, home: Path, shell: Sequence[str] = ("sh",)) -> None:
        self.home, self.shell = home, tuple(shell)
        self.trap: Trap | None = None

    def plan(self, resource: Kind) -> HostPlan:
        """What an apply would do."""
        with self._run(resource) as run:
            return run.plan()

    def apply(self, resource: Kind) -> tuple[HostPlan, HostReport]:
        """What was planned, and what came of it."""
        with self._run(resource) as run:
            return run.plan(), apply(run)

    @contextlib.contextmanager
    def _run(self, resource: Kind, timeout: float = 120.0) -> Iterator[HostRun]:
        before = os.environ.get("HOME")
        os.environ["HOME"] = str(self.home)
        host = Host("here")
        transport = _Shell(LocalTransport(host, Options(self.home)), self.shell, self.trap)
        declared = HostDeclaration(host, (DeclaredResource("it", resource, timeout=timeout),))
        settings = Settings(fingerprint=lambda secret: f"secret:{secret.digest[:6]}", lock=Lock("tests", 30))
        try:
            yield HostRun(declared, transport, transport, settings, lambda event: None)
        finally:
            transport.close()
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before


class Trap:
    """Directories `ours`, which is root's, and `elsewhere`, below one of another user's, who can move `ours` away.

    A script that has pinned `ours`, in the `phase` given, finds at the path of `ours` a link to `elsewhere`.
    """

    _PINNED = b"_engine_act\n_engine_pinned=$_engine_place\n"
    """Of files.sh: the end of going to a directory."""

    def __init__(self, place: Path, phase: str) -> None:
        self.place, self.phase = place, phase
        theirs = place / "theirs"
        self.ours, self.elsewhere, self.away = theirs / "ours", theirs / "elsewhere", theirs / "away"
        place.chmod(0o755)
        for directory in (theirs, self.ours, self.elsewhere):
            directory.mkdir()
        os.chown(theirs, STRANGER, STRANGER)
        self.script = place / "trap"
        link = f"mv {self.ours} {self.away} && ln -s elsewhere {self.ours} && chown -h {STRANGER} {self.ours}"
        self.script.write_text(f"#!/bin/sh\n[ -d {self.away} ] || {{ {link}; }}\n")
        self.script.chmod(0o755)

    @property
    def sprung(self) -> bool:
        """Whether a script has pinned the directory."""
        return self.away.exists()

    def armed(self, program: bytes) -> bytes:
        """A program in which `pin` springs the trap. Nothing here is changed by quoting it."""
        spring = f"case ${{phase-}}$_engine_place in {self.phase}{self.ours}*) {self.script} ;; esac\n"
        return program.replace(self._PINNED, self._PINNED + spring.encode())


class _Shell:
    """A transport whose `sh` is another shell; the scripts meet the trap, if there is one."""

    def __init__(self, inner: LocalTransport, shell: Sequence[str], trap: Trap | None = None) -> None:
        self.inner, self.shell, self.trap = inner, shell, trap

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        words = [*self.shell, *argv[1:]] if argv[0] == "sh" else argv
        return self.inner.run(words, [self.trap.armed(b"".join(stdin))] if self.trap else stdin)

    def close(self) -> None:
        self.inner.close()


class ProcessList(threading.Thread):
    """Notes what the arguments and environments of all processes hold while it runs, if it is one of `texts`."""

    def __init__(self, texts: Iterable[str]) -> None:
        super().__init__(daemon=True)
        self.texts = [text.encode() for text in texts]
        self.found: set[bytes] = set()
        self.over = threading.Event()

    def run(self) -> None:
        own = str(os.getpid())
        while not self.over.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and entry.name != own:
                    self.inspect(entry)

    def inspect(self, process: Path) -> None:
        """At one process, which may be gone."""
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                data = (process / name).read_bytes()
                self.found.update(text for text in self.texts if text in data)

    def __enter__(self) -> ProcessList:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def filled(params: Mapping[str, Any], place: Path | str, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Parameters with `{place}`, and the names of what else is given, replaced in every text."""
    words = {"place": str(place), **(given or {})}

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            for name, word in words.items():
                value = value.replace(f"{{{name}}}", word)
            return value
        if isinstance(value, Mapping):
            return {key: fill(item) for key, item in value.items()}
        return tuple(map(fill, value)) if isinstance(value, list | tuple) else value

    return {name: fill(value) for name, value in params.items()}


class Contract:
    """The tests of the contract. A subclass made by `contract_suite` says which kind, and what of it."""

    kind: type[Kind]
    params: Mapping[str, Any]
    other: Mapping[str, Any]
    absent: Mapping[str, Any]
    odd: tuple[str, ...]
    obstacle: str
    setup: Setup
    given: Mapping[str, str]

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Path]:
        """A fresh directory that only we can write; what the kind needs besides is there while the test runs."""
        with tempfile.TemporaryDirectory(prefix="contract-") as made, self.setup(tmp_path) as self.given:
            yield Path(made).resolve()

    @pytest.fixture(params=list(here()))
    def machine(self, request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
        """This machine, with each shell in turn."""
        return Machine(tmp_path, here()[request.param])

    def resource(self, place: Path, **changed: Any) -> Kind:
        """The kind with its parameters, some of them changed."""
        return make(self.kind, filled({**self.params, **changed}, place, self.given))

    def gone(self, place: Path) -> Kind:
        """The kind with parameters that say that it is not there."""
        # What says how it should be says nothing of what is not there.
        needed = {name: value for name, value in self.params.items() if self.kind.fields()[name].required}
        return make(self.kind, filled(self.absent or {**needed, "state": "absent"}, place, self.given))

    def test_its_life(self, machine: Machine, place: Path) -> None:
        """Absent → made → nothing to do → drifted → put right, each apply as its plan said."""
        resource = self.resource(place)
        assert _verdict(machine.apply(resource)) == "changed", "what was absent was not made"
        assert _verdict(machine.apply(resource)) == "unchanged", "applied again, it changed something"
        if self.other:
            assert _verdict(machine.apply(self.resource(place, **self.other))) == "changed", "`other` is not a drift"
            assert _verdict(machine.apply(resource)) == "changed", "what drifted was not put right"
            assert _verdict(machine.apply(resource)) == "unchanged"
        if "absent" in self._states():
            gone = self.gone(place)
            assert _verdict(machine.apply(gone)) == "changed", "it was not removed"
            assert _verdict(machine.apply(gone)) == "unchanged", "removed again, it changed something"

    def test_a_check_passes_and_fails(self, machine: Machine, place: Path) -> None:
        """And changes nothing, either way."""
        before = snapshot(place)
        assert _verdict(machine.apply(self.resource(place))) == "unchanged", "what holds was changed"
        plan, report = machine.apply(self.resource(place, **self.other))
        assert plan.steps[0].outlook in ("failing", "check"), "the plan does not say that `other` fails"
        assert report.outcomes[0].verdict == "failed", "`other` does not fail"
        assert snapshot(place) == before, "it wrote something"

    def test_looking_writes_nothing(self, machine: Machine, place: Path) -> None:
        resource = self.resource(place)
        for _ in range(2):
            before = snapshot(place), snapshot(machine.home)
            machine.plan(resource)
            assert (snapshot(place), snapshot(machine.home)) == before, "its probe wrote something"
            machine.apply(resource)

    def test_what_is_in_the_way_is_left_alone(self, machine: Machine, place: Path) -> None:
        path = self._path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.obstacle == "directory":
            path.mkdir()
            (path / "theirs").write_text("theirs\n")
        else:
            path.write_text("theirs\n")
        before = snapshot(path)
        plan, report = machine.apply(self.resource(place))
        assert plan.steps[0].outlook in ("refused", "error"), "the plan does not say that something is in the way"
        assert report.outcomes[0].verdict in ("refused", "failed")
        assert snapshot(path) == before, "what was in the way was touched"

    def test_odd_values(self, machine: Machine, place: Path) -> None:
        """Each arrives as it is: applied, nothing is left to do."""
        made = "unchanged" if self.kind.check else "changed"
        for name in self.odd:
            for number, value in enumerate(ODD):
                below = place / f"{name}-{number}"
                below.mkdir()
                resource = self.resource(below, **{name: value})
                assert _verdict(machine.apply(resource)) == made, f"{name}: {value!r}"
                assert _verdict(machine.apply(resource)) == "unchanged", f"{name}: {value!r}"

    def test_odd_paths(self, machine: Machine, place: Path) -> None:
        for value in ODD:
            below = place / value.replace("/", "_")
            below.mkdir()
            resource = self.resource(below)
            assert _verdict(machine.apply(resource)) == "changed", repr(value)
            assert _verdict(machine.apply(resource)) == "unchanged", repr(value)

    def test_no_secret_shows(self, machine: Machine, place: Path) -> None:
        secrets = {
            name: Secret(f"canary-{name}-{os.urandom(6).hex()}", name) for name in _secrets(self.kind, self.params)
        }
        values = [secret.reveal() for secret in secrets.values()]
        with ProcessList(values) as processes:
            plan, report = machine.apply(self.resource(place, **secrets))
        assert report.outcomes[0].verdict in ("changed", "passed"), "with a secret it was not made"
        assert not processes.found, "a secret was in the arguments or the environment of a process"
        shown = json.dumps([asdict(plan), asdict(report)], default=str)
        assert not [value for value in values if value in shown], "a secret is in plan or report"

    def test_another_users_directory(self, machine: Machine, place: Path) -> None:
        """Nothing is written through a link that another user put on the way."""
        theirs, ours = place / "theirs", place / "ours"
        theirs.mkdir()
        ours.mkdir(mode=0o700)
        place.chmod(0o755)
        os.chown(theirs, STRANGER, STRANGER)
        (theirs / "way").symlink_to(ours)
        os.chown(theirs / "way", STRANGER, STRANGER, follow_symlinks=False)
        before = snapshot(ours)
        machine.apply(self.resource(theirs / "way"))
        assert snapshot(ours) == before, "it was written through another user's link: pin the path first"

    def test_made_as_the_owner_of_the_directory(self, machine: Machine, place: Path) -> None:
        """In another user's directory it acts as that user, or refuses."""
        path = self._path(place / "theirs")
        place.chmod(0o755)
        (place / "theirs").mkdir()
        os.chown(place / "theirs", STRANGER, STRANGER)
        _, report = machine.apply(self.resource(place / "theirs"))
        if os.path.lexists(path):
            assert path.lstat().st_uid == STRANGER, "root made something in another user's directory"
        else:
            assert report.outcomes[0].verdict in ("failed", "refused")

    def test_it_probes_only_where_it_has_pinned(self, machine: Machine, place: Path) -> None:
        """Another user, who can move the directory away, does so between `pin` and what follows it."""
        trap = Trap(place, "plan")
        resource = self.resource(trap.ours)
        machine.apply(self.resource(trap.elsewhere))
        wanted = machine.plan(resource).steps[0]
        machine.trap = trap
        found = machine.plan(resource).steps[0]
        assert trap.sprung, "it was looked for without a pin: pin the path first"
        same = (found.outlook, found.attributes) == (wanted.outlook, wanted.attributes)
        assert same or found.outlook in ("refused", "error"), NAMED_AGAIN

    def test_it_writes_only_where_it_has_pinned(self, machine: Machine, place: Path) -> None:
        """The same while it is made, changed and removed."""
        situations: list[tuple[Callable[[Path], Kind] | None, Callable[[Path], Kind]]] = [(None, self.resource)]
        situations.append((self.resource, lambda where: self.resource(where, **self.other)))
        if "absent" in self._states():
            situations.append((self.resource, self.gone))
        for number, (before, after) in enumerate(situations):
            below = place / str(number)
            below.mkdir()
            trap = Trap(below, "apply")
            for directory in (trap.ours, trap.elsewhere):
                if before is not None:
                    machine.apply(before(directory))
            found = snapshot(trap.elsewhere)
            machine.trap = trap
            machine.apply(after(trap.ours))
            machine.trap = None
            assert snapshot(trap.elsewhere) == found, NAMED_AGAIN

    def test_the_parameters_are_described(self) -> None:
        assert self.kind.summary.endswith("."), "the docstring begins with a sentence on what the kind is for"
        for name, schema in self.kind.params.items():
            assert schema.get("description"), f"{name}: say what it is, as the second part of Annotated"

    def _states(self) -> Sequence[Any]:
        return tuple(self.kind.params.get("state", {}).get("enum", ()))

    def _path(self, place: Path) -> Path:
        """Where the thing is."""
        name = _path_parameter(self.kind, self.params)
        assert name is not None
        return Path(str(filled({name: self.params[name]}, place)[name]))


def _path_parameter(kind: type[Kind], params: Mapping[str, Any]) -> str | None:
    """The first parameter that is a path below `{place}`."""
    paths = (name for name, schema in kind.params.items() if schema.get("host_path"))
    return next((name for name in paths if str(params.get(name, "")).startswith("{place}/")), None)


def _secrets(kind: type[Kind], params: Mapping[str, Any]) -> list[str]:
    """Parameters given as text that may be secrets, and any: what `setup` gives must be what it is."""
    texts = {name: value for name, value in params.items() if isinstance(value, str) and "{" not in value}
    return [name for name in texts if kind.params[name].get("secret")]


def contract_suite(
    kind: type[Kind],
    params: Mapping[str, Any],
    *,
    other: Mapping[str, Any] | None = None,
    absent: Mapping[str, Any] | None = None,
    odd: Sequence[str] = (),
    obstacle: str = "directory",
    setup: Callable[[Path], contextlib.AbstractContextManager[Mapping[str, str]]] = lambda place: (
        contextlib.nullcontext({})
    ),
) -> type[Contract]:
    """The contract suite of a kind, as a class for pytest to collect: give it a name that begins with `Test`.

    params    parameters as a state file has them; `{place}` is a fresh directory
    other     parameters with which the thing is another one: applied, they are the drift to be put right; of a check:
              with which it fails
    absent    parameters with which it must not be there, where those are more than the required ones and
              `state: absent`
    odd       names of parameters that may be any text of one line
    obstacle  what is put in the way at the path: `directory`, `file`, or nothing
    setup     what the kind needs besides, such as a server: handed a directory, it is entered before each test and
              left after it; `{NAME}` in parameters stands for the text that it gives under that name
    """
    given: dict[str, Any] = {"kind": kind, "params": params, "other": other or {}, "odd": tuple(odd)}
    given |= {"absent": absent or {}, "obstacle": obstacle, "setup": staticmethod(setup)}
    # A test of what the kind does not have is no test of it.
    path = None if kind.check else _path_parameter(kind, params)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    asked = {
        "test_its_life": not kind.check,
        "test_a_check_passes_and_fails": kind.check and bool(other),
        "test_what_is_in_the_way_is_left_alone": bool(path and obstacle),
        "test_odd_values": bool(odd),
        "test_odd_paths": bool(path),
        "test_no_secret_shows": bool(_secrets(kind, params)),
        "test_another_users_directory": bool(path and root),
        "test_made_as_the_owner_of_the_directory": bool(path and root),
        "test_it_probes_only_where_it_has_pinned": bool(path and root),
        "test_it_writes_only_where_it_has_pinned": bool(path and root),
    }
    given |= {name: None for name, fits in asked.items() if not fits}
    return type(f"Test{kind.__name__}", (Contract,), given)


def _verdict(done: tuple[HostPlan, HostReport]) -> str:
    """What became of the resource; it MUST be what its plan said."""
    plan, report = done
    step, outcome = plan.steps[0], report.outcomes[0]
    said = f"{outcome.reason or step.reason}\n{outcome.output}".strip()
    as_planned = {"converged": ("unchanged", "passed"), "change": ("changed",)}
    as_planned["check"] = ("changed", "unchanged", "passed")
    right = outcome.verdict in as_planned.get(step.outlook, ())
    assert right, f"planned: {step.outlook}, done: {outcome.verdict}: {said}"
    if step.outlook == "change" and step.attributes:
        assert outcome.step.attributes == step.attributes, "the report does not show the change that was planned"
    return {"passed": "unchanged"}.get(outcome.verdict, outcome.verdict)


__all__ = ["ODD", "SHELLS", "Contract", "Machine", "cases", "contract_suite", "filled", "make", "snapshot"]
