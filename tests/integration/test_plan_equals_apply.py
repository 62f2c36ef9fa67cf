"""What an apply does is what the plan before it said: over generated states and starting points."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.declare.secrets.key import Key
from engine.model import HostPlan
from engine.plan.cause import upstream
from engine.program.section import Lock
from engine.run.apply import apply
from engine.run.host import HostRun, Settings
from engine.transports import Options, connect
from tests.harness import snapshot
from tests.integration.clone_cases import CloneCase, Repositories
from tests.integration.file_cases import ROOT, TREES, FileCase, lay_tree
from tests.integration.generated_states import states
from tests.integration.test_runner import silent

Case = FileCase | CloneCase
STUCK = ("refused", "error", "blocked")


class World:
    """A project on this machine, and a directory that is the host's."""

    def __init__(self, root: Path) -> None:
        self.root, self.project = root, root / "project"
        self.project.mkdir()
        self.repositories = Repositories(root / "repositories")
        (self.project / "inventory.yaml").write_text("all: {hosts: {here: {ansible_connection: local}}}\n")
        for number, tree in enumerate(TREES):
            lay_tree(self.project / f"tree{number}", tree)
        self.inventory = Inventory.load(None, self.project)
        self.key = Key.load(self.project)
        self._counter = count()

    def fresh(self) -> Path:
        """A new host directory; the one before it is removed."""
        for old in self.root.glob("host*"):
            shutil.rmtree(old)
        host = self.root / f"host{next(self._counter)}"
        host.mkdir()
        return host

    def declare(self, cases: list[Case], apart: list[bool]) -> None:
        """Write the state file. `apart`: which resources do not need the one before them."""
        secrets, resources = {}, {}
        for number, (case, alone) in enumerate(zip(cases, apart, strict=True)):
            if case.secret is not None:
                file = self.project / case.secret
                value = str(case.params.get("content", case.params.get("first_line")))
                file.write_bytes(value.encode())
                file.chmod(0o600)
                secrets[case.secret] = {"file": case.secret}
            resources[f"r{number}"] = case.spec() | ({"needs": []} if alone else {})
        state = {"name": "generated", "hosts": "here", "secrets": secrets, "resources": resources}
        (self.project / "state.yaml").write_text(yaml.safe_dump(state, sort_keys=False))

    def run(self) -> HostRun:
        """A run as a command makes it: everything is read anew."""
        declared = load(
            [self.project / "state.yaml"], project=self.project, inventory=self.inventory, extra={}, limit=None
        )
        (host,) = declared.hosts
        transport = connect(host.host, Options(self.project))
        given = Settings(self.key.fingerprint, lock=Lock("the test", 10.0))
        return HostRun(host, transport, transport, given, silent)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="engine-honesty-") as name, pytest.MonkeyPatch.context() as patch:
        (Path(name) / "home").mkdir()
        patch.setenv("HOME", str(Path(name) / "home"))
        yield World(Path(name).resolve())


def cases_of(drawn: list[dict[str, Any]], host: Path, repositories: Repositories) -> list[Case]:
    """The resources at their places on the host."""
    cases: list[Case] = []
    for number, one in enumerate(drawn):
        params = one["params"]
        above = {"deep": host / f"deep{number}", "missing": host / f"missing{number}"}.get(one["place"], host)
        below = None
        if one["place"] == "below a file":
            above = host / f"below{number}"
            above.write_text("in the way\n")
        elif one["place"] == "deep":
            above.mkdir()
        elif one["place"] == "nested" and one["what"] == "file" and not one["apart"]:
            below = next((case.path for case in cases[-1:] if holds_others(case)), None)
            above = below or host
        path = above / one["name"]
        if one["what"] == "clone":
            cases.append(CloneCase(path, params, one["start"], repositories, below))
            continue
        value = params.get("content", params.get("first_line")) or ""
        secret = f"secret{number}" if one["secret"] and value and not {"\n", "\0"} & {value[-1]} else None
        if one["what"] == "file" and params.get("owner") and not ROOT:
            params.pop("owner")
        cases.append(FileCase(path, params, one["start"], below, secret))
    return cases


def holds_others(case: Case) -> bool:
    """Whether a file that is not this resource's may be declared below its path."""
    if isinstance(case, CloneCase):
        return not case.absent
    return not case.params.get("delete") and ("source" in case.params or case.params.get("state") == "directory")


def foretell(cases: list[Case], apart: list[bool]) -> tuple[dict[str, str], dict[str, str]]:
    """Name → outlook, and name → verdict, by what is known of the cases alone."""
    outlooks: dict[str, str] = {}
    verdicts: dict[str, str] = {}
    needs = {f"r{n}": () if apart[n] or not n else (f"r{n - 1}",) for n in range(len(cases))}
    for number, case in enumerate(cases):
        name, foreseen = f"r{number}", case.foresee()
        above = upstream(name, needs)
        pending = any(outlooks[need] in ("change", "check") for need in above)
        made = case.below is not None and outlooks[f"r{number - 1}"] == "change"
        stuck = any(outlooks[need] in STUCK for need in above)
        if foreseen == "doomed":
            foreseen = "check" if pending else "error"
        outlooks[name] = "blocked" if stuck and foreseen in ("change", "check") else foreseen
        if outlooks[name] not in ("change", "check"):
            words = {"converged": "unchanged", "refused": "refused", "blocked": "skipped", "error": "failed"}
            verdicts[name] = words[outlooks[name]]
        elif any(verdicts[need] in ("failed", "skipped") for need in above):
            verdicts[name] = "skipped"
        else:
            lacking = isinstance(case, FileCase) and case.marks_only
            verdicts[name] = "failed" if foreseen == "check" and (not made or lacking) else "changed"
    return outlooks, verdicts


def differing(before: dict[str, Any], after: dict[str, Any], host: Path) -> list[Path]:
    """Paths that are not as they were."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return sorted(host / name for name in names)


def check_touched(touched: list[Path], changed: list[Case]) -> None:
    """Everything said to be changed was touched, and nothing else but the directories they are in."""
    within = {case.path.parent for case in changed}
    within |= {case.target.parent for case in changed if isinstance(case, FileCase)}
    for path in touched:
        assert path in within or any(case.mine(path) for case in changed), f"{path} was touched"
        assert ".engine-" not in path.name, f"{path} was left behind"
    for case in changed:
        assert any(case.mine(path) for path in touched), f"{case.path}: said to be changed, and is as it was"


def check_attributes(planned: HostPlan, again: HostPlan, told: dict[str, str]) -> None:
    """What the plan said an attribute would become is what it is."""
    later = {step.name: step.prior or {} for step in again.steps}
    for step in planned.steps:
        for attribute in step.attributes if told[step.name] == "changed" else ():
            now = later[step.name].get(attribute.name)
            short = attribute.name == "revision" and str(now).startswith(str(attribute.after))
            told_later = attribute.after == "known after apply"
            assert now == attribute.after or short or told_later, (step.name, attribute, now)


def check(drawn: list[dict[str, Any]], world: World) -> None:
    """Plan, apply, plan and apply again in one generated case."""
    host = world.fresh()
    cases = cases_of(drawn, host, world.repositories)
    apart = [one["apart"] for one in drawn]
    for case in cases:
        case.lay()
    world.declare(cases, apart)
    outlooks, verdicts = foretell(cases, apart)

    found = snapshot(host)
    planned = world.run().plan()
    said = {step.name: step.outlook for step in planned.steps}
    assert said == outlooks, (said, outlooks, [step.reason for step in planned.steps])
    assert snapshot(host) == found, "a plan wrote"

    report = apply(world.run())
    told: dict[str, str] = {outcome.step.name: outcome.verdict for outcome in report.outcomes}
    assert told == verdicts, (told, verdicts, [(outcome.reason, outcome.output) for outcome in report.outcomes])
    after = snapshot(host)
    changed = [case for number, case in enumerate(cases) if told[f"r{number}"] == "changed"]
    check_touched(differing(found, after, host), changed)
    for case in changed:
        case.holds([other.path for other in changed])

    again = world.run()
    check_attributes(planned, again.plan(), told)
    second = apply(again)
    assert not any(outcome.verdict == "changed" for outcome in second.outcomes), second.outcomes
    if set(told.values()) <= {"changed", "unchanged"}:
        assert {outcome.verdict for outcome in second.outcomes} == {"unchanged"}
        assert second.trips == 1
    assert snapshot(host) == after, ("a second apply changed something", differing(after, snapshot(host), host))


def test_what_an_apply_changes_is_what_the_plan_said(world: World, full: bool) -> None:
    @settings(
        max_examples=400 if full else 25,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(states())
    def honest(drawn: list[dict[str, Any]]) -> None:
        check(drawn, world)

    honest()
