"""Runs one resource against this machine as the engine does: probe, actions and verify as programs of `shell`.

    observe(resource, shell)   what its probe finds: facts, actual, desired
    apply(resource, shell)     one apply; the change that was made, None where there was nothing to do
    converge(resource, shell)  apply, then observe again: nothing may be left, and nothing may be touched by looking
    ..._all                    the same for several resources, in one program
    snapshot(path)             all there is at a path, to be compared

Failed is raised where a section fails, with its output; Refused where the resource refuses.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from engine.model import Change, Facts, Host, Phase, Resource, Script, State
from engine.program.compose import compose, run
from engine.program.parser import Finished, LockBusy, Result, Waited
from engine.program.section import Lock, Section
from engine.program.upload import stage
from engine.transports import Options
from engine.transports.local import LocalTransport

SHELLS: dict[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "bash": ("bash",),
    "bash --posix": ("bash", "--posix"),
    "busybox sh": ("busybox", "sh"),
}
HOME = tempfile.TemporaryDirectory(prefix="engine-home-")
"""The home directory of the host: fresh, so that neither its settings nor other tests' locks are in the way."""


LOCK = Lock("tests", 30)
"""Held while actions are carried out, so that what killed programs have staged is cleared away."""


class Failed(AssertionError):
    """A section ended with a status other than 0; holds its output."""


class Waiting(Failed):
    """Nothing was carried out, since a program before was not over; now it is, and what it did must be looked at."""


class Observed(NamedTuple):
    """What a probe found, and what was to be found."""

    facts: Facts
    actual: State | None
    desired: State | None

    @property
    def change(self) -> Change | None:
        """What is to be done; None where nothing is."""
        change = Change(self.actual, self.desired, self.facts)
        if self.actual is self.desired is None:
            return None
        same = self.actual is not None and self.desired is not None and not change.differing()
        return None if same else change


@contextmanager
def transport() -> Iterator[LocalTransport]:
    """This machine, with a home directory of its own."""
    before = os.environ.get("HOME")
    os.environ["HOME"] = HOME.name
    local = LocalTransport(Host("here"), Options(Path(HOME.name)))
    try:
        yield local
    finally:
        local.close()
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


def execute(
    local: LocalTransport, sections: Sequence[Section], shell: Sequence[str], lock: Lock | None = None
) -> dict[str, Result]:
    """Run sections as one program, to its end, so that none is left that holds the lock; the results by name.
    Raises Failed for the first that failed."""
    results: dict[str, Result] = {}
    for event in run(local, compose(sections, shell=shell, lock=lock)):
        if isinstance(event, (Waited, LockBusy)):
            raise Waiting
        if isinstance(event, Finished):
            results[event.section] = event.result
    for name, result in results.items():
        if result.status:
            raise Failed(f"{name} ended with {result.status}: {result.output.strip()}")
    return results


def script(text: Script, shell: Sequence[str] = ("sh",)) -> Result:
    """Run one script."""
    with transport() as local:
        return execute(local, [Section("script", text)], shell)["script"]


def observe(resource: Resource, shell: Sequence[str] = ("sh",), phase: Phase = "plan") -> Observed:
    """Run the probe of a resource and ask the resource what it means."""
    return observe_all([resource], shell, phase)[0]


def observe_all(
    resources: Sequence[Resource], shell: Sequence[str] = ("sh",), phase: Phase = "plan"
) -> list[Observed]:
    """The same for several, in one program."""
    with transport() as local:
        results = execute(local, _probes(resources, phase), shell)
    return _judge(resources, results)


def apply(resource: Resource, shell: Sequence[str] = ("sh",)) -> Change | None:
    """Observe, carry out the actions, observe again in the same program: what the verify pass finds must be what was
    declared."""
    return apply_all([resource], shell)[0]


def apply_all(resources: Sequence[Resource], shell: Sequence[str] = ("sh",)) -> list[Change | None]:
    """The same for several, in one program."""
    for _ in range(3):
        changes = [seen.change for seen in observe_all(resources, shell)]
        with suppress(Waiting):
            carry_out(resources, changes, shell)
            return changes
    raise Waiting


def carry_out(
    resources: Sequence[Resource], changes: Sequence[Change | None], shell: Sequence[str] = ("sh",)
) -> None:
    """Carry out the actions of changes that were found, and observe again in the same program."""
    actions = {
        f"act:{n}:{k}": action
        for n, (resource, change) in enumerate(zip(resources, changes, strict=True))
        if change is not None
        for k, action in enumerate(resource.actions(change))
    }
    if not actions:
        return
    with transport() as local:
        staged = stage(local, {k: a.upload for k, a in actions.items() if a.upload is not None}, shell)
        sections = [
            Section(name, action.script, 120, step=True, phase="apply", staging=staged.get(name))
            for name, action in actions.items()
        ]
        results = execute(local, [*sections, *_probes(resources, "verify", tuple(actions))], shell, LOCK)
    for after in _judge(resources, results):
        left = after.change
        assert left is None, f"not converged: {[(n, after.actual, after.desired) for n in left.differing()]}"


def converge(resource: Resource, shell: Sequence[str] = ("sh",)) -> Change | None:
    """`apply`, after which a look from the outside must find nothing to do."""
    change = apply(resource, shell)
    left = observe(resource, shell).change
    assert left is None, f"not converged: {left}"
    return change


def watch(resource: Resource, shell: Sequence[str] = ("sh",)) -> tuple[str, str]:
    """Fingerprint and ctime of what a service that watches the resource would see."""
    watched = resource.watched()
    assert watched is not None
    facts = script(watched, shell).facts
    return facts["fingerprint"], facts["ctime"]


def snapshot(path: Path) -> dict[str, tuple[object, ...]]:
    """Type, mode, owner, inode, times and content of all there is at and below a path, by relative name."""
    found: dict[str, tuple[object, ...]] = {}
    for item in [path, *sorted(path.rglob("*"))] if path.is_dir() and not path.is_symlink() else [path]:
        if not os.path.lexists(item):
            continue
        info = item.lstat()
        content = ""
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(item.read_bytes()).hexdigest()
        elif stat.S_ISLNK(info.st_mode):
            content = os.readlink(item)
        marks = (info.st_mode, info.st_uid, info.st_gid, info.st_ino, info.st_mtime_ns, info.st_ctime_ns)
        found[str(item.relative_to(path))] = (*marks, content)
    return found


def _probes(resources: Sequence[Resource], phase: Phase, needs: tuple[str, ...] = ()) -> list[Section]:
    return [Section(f"probe:{n}", r.probe(), needs=needs, phase=phase) for n, r in enumerate(resources)]


def _judge(resources: Sequence[Resource], results: Mapping[str, Result]) -> list[Observed]:
    facts = [(resource, results[f"probe:{n}"].facts) for n, resource in enumerate(resources)]
    return [Observed(f, resource.actual(f), resource.desired(f)) for resource, f in facts]
