"""package on real managers: apt, dnf and pacman in containers, each with a repository of two versions.

apk is not in Debian: its scripts are tested by cases alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused
from engine.kinds.package import Package
from engine.kit.testing import SHELLS, Machine, contract_suite
from engine.model import Unknown
from engine.run.apply import apply as carry_out
from tests.harness import Failed, apply, converge, observe, watch
from tests.integration.project import Project
from tests.packages import Box, machine

pytestmark = pytest.mark.docker

NEWER = {"apt": "2.0", "dnf": "2.0-1", "pacman": "2.0-1"}
OLDER = {"apt": "1.0", "dnf": "1.0-1", "pacman": "1.0-1"}
FORGET = {
    "apt": "rm -rf /var/lib/apt/lists/*",
    "dnf": "rm -rf /var/cache/dnf/*",
    "pacman": "rm -f /var/lib/pacman/sync/*",
}
REFRESH = {"apt": "apt-get update", "dnf": "dnf makecache --refresh", "pacman": "pacman -Sy"}
EMPTY = """
dpkg --purge --force-hold tool tool-library tool-rival >/dev/null 2>&1 || :
apt-mark unhold tool >/dev/null
apt-get update
"""
LOCKING = """
import fcntl, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)
"""
FILES = r"find / -xdev -path /proc -prune -o -path /sys -prune -o -printf '%p %T@ %C@\n' | sort"


def within(box: Box, shell: tuple[str, ...] = ("sh",), user: str = "root") -> tuple[str, ...]:
    """The shell of a container, for the harness."""
    return ("docker", "exec", "-i", "-u", user, box.name, *shell)


@pytest.fixture(scope="module")
def container() -> Iterator[Box]:
    with machine("apt") as box:
        yield box


@pytest.fixture
def box(container: Box) -> Box:
    """apt, with an index and nothing installed."""
    container.sh(EMPTY)
    return container


class TestPackage(
    contract_suite(Package, {"name": "tool", "version": "2.0"}, other={"version": "1.0"})  # type: ignore[misc]
):
    """The contract, under each shell, in the container."""

    @pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS])
    def machine(self, request: pytest.FixtureRequest, tmp_path: Path, box: Box) -> Machine:
        return Machine(tmp_path, within(box, SHELLS[request.param]))


# --- every manager ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manager", ["apt", "dnf", "pacman"])
def test_the_life_of_a_package(manager: str) -> None:
    """Without an index its version is not known; then it is what the plan names, and exactly that is installed."""
    with machine(manager) as box:
        shell = within(box)
        box.sh(FORGET[manager])
        one = Package(name="tool", version="" if manager == "pacman" else OLDER[manager])
        found = observe(one, shell)
        assert found.actual is None
        assert isinstance((found.desired or {})["tool"], Unknown)
        assert one.show(found.facts) == {"index": "missing", "version": "known after the index is refreshed"}
        assert converge(one, shell) is not None
        assert box.installed() == {"tool": "1.0"}
        first = watch(one, shell)
        if manager == "pacman":
            box.repository.remove("tool", "1.0")
            box.repository.add("tool", "2.0", needs="tool-library")
            box.repository.add("tool-library", "1.0")
            box.repository.publish()
            box.sh(REFRESH[manager])
        newest = Package(name="tool", state="latest")
        change = observe(newest, shell).change
        assert change is not None
        assert change.before == {"tool": OLDER[manager]}
        assert change.after == {"tool": NEWER[manager], "also installs": f"tool-library {OLDER[manager]}"}
        assert converge(newest, shell) is not None
        assert box.installed() == {"tool": "2.0", "tool-library": "1.0"}
        assert converge(newest, shell) is None
        second = watch(one, shell)
        assert first[0] != second[0]
        assert float(second[1]) >= float(first[1]) > 0
        assert converge(Package(name="tool"), shell) is None
        if manager != "pacman":
            assert converge(one, shell) is not None
            assert box.installed()["tool"] == "1.0"
        both = Package(name=("tool", "tool-library"), state="absent")
        assert converge(both, shell) is not None
        assert box.installed() == {}
        assert converge(both, shell) is None
        with pytest.raises(Failed, match="has no package tool-nobody-made in its index; nothing was installed"):
            apply(Package(name="tool-nobody-made"), shell)


@pytest.mark.parametrize("manager", ["apt", "dnf", "pacman"])
def test_what_the_index_does_not_have(manager: str) -> None:
    with machine(manager) as box:
        box.sh(REFRESH[manager])
        shell = within(box)
        unknown = observe(Package(name="nobody-made-it"), shell).desired
        assert unknown is not None
        said = reason(unknown["nobody-made-it"])
        assert said.startswith("there is no package nobody-made-it in the index, which is ")
        version = observe(Package(name="tool", version="9"), shell).desired
        assert version is not None
        said = reason(version["tool"])
        assert said.startswith("version 9 of tool is not in the index, which is ")
        assert OLDER[manager] in said


def reason(value: Any) -> str:
    """Why a value is not known; only a change upstream makes it so."""
    assert isinstance(value, Unknown)
    assert value.upstream
    return value.reason


# --- apt ----------------------------------------------------------------------------------------------------------


def test_a_plan_names_versions_and_the_age_of_the_index(box: Box, tmp_path: Path) -> None:
    project = Project(tmp_path, box.variables)
    project.state({"it": {"package": {"name": ["tool", "tool-library"]}}})
    plan = project.run("plan")
    assert plan.code == 0, plan.out + plan.err
    assert re.search(r"tool +2\.0\n +tool-library +1\.0\n +index \d+ s old\n", plan.out)
    report = project.run("apply", "--format", "json")
    assert (report.code, report.trips()) == (0, 2)
    assert box.installed() == {"tool": "2.0", "tool-library": "1.0"}
    rollback = project.run("engine", "rollback", project.runs()[-1], "-y", state="")
    assert rollback.code == 0, rollback.out + rollback.err
    assert box.installed() == {}


def test_nothing_else_than_what_was_planned_is_installed(box: Box, tmp_path: Path) -> None:
    """A version that is gone, and one that needs something else by now, are drift."""
    project = Project(tmp_path, box.variables)
    project.state({"it": {"package": {"name": "tool"}}})
    assert project.run("plan", "--out", "plan.json").code == 0
    planned = Machine(tmp_path / "home", within(box))
    box.repository.add("tool", "3.0")
    box.repository.publish()
    try:
        with planned._run(Package(name="tool")) as run:
            assert run.plan().steps[0].attributes[0].after == "2.0"
            box.sh(REFRESH["apt"])
            (outcome,) = carry_out(run).outcomes
            assert outcome.verdict == "failed"
            assert outcome.reason is not None
            assert outcome.reason.text.startswith("what would be done has changed since it was planned")
        report = project.run("apply", "plan.json", state="")
        assert report.code == 5, report.out
        assert "2.0" in report.out
        assert box.installed() == {}
    finally:
        box.repository.remove("tool", "3.0")
        box.repository.publish()


def test_an_index_that_is_too_old_is_refreshed(box: Box) -> None:
    resource = Package(name="tool", refresh="2h")
    box.sh("find /var/lib/apt/lists -exec touch -h -d '3 hours ago' {} +")
    found = observe(resource, within(box))
    assert isinstance((found.desired or {})["tool"], Unknown)
    assert resource.show(found.facts)["index"] == "3 h old"
    assert converge(resource, within(box)) is not None
    assert box.installed() == {"tool": "2.0", "tool-library": "1.0"}
    assert int(observe(resource, within(box)).facts["age"]) < 600


def test_a_locked_database(box: Box, tmp_path: Path) -> None:
    holding = [*within(box, ("python3", "-c", LOCKING))]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with Machine(tmp_path, within(box))._run(Package(name="tool"), timeout=20.0) as run:
            run.plan()
            (outcome,) = carry_out(run).outcomes
        box.sh("for p in /proc/[0-9]*; do grep -q 'lock-fronten[d]' $p/cmdline && kill ${p#/proc/}; done; :")
    assert outcome.reason is not None
    assert re.match(r"another program holds the package database: process \d+ \(python3\)", outcome.reason.text)
    assert box.installed() == {}


def test_a_held_package(box: Box) -> None:
    converge(Package(name="tool", version="1.0"), within(box))
    box.sh("apt-mark hold tool")
    with pytest.raises(Refused, match=r"tool is held at the version installed; nothing was changed: release it"):
        observe(Package(name="tool", state="latest"), within(box))
    assert observe(Package(name="tool"), within(box)).change is None


def test_half_configured_packages(box: Box) -> None:
    box.sh("dpkg --unpack /repository/tool_1.0_all.deb")
    with pytest.raises(Refused, match=r"packages are half-configured: tool; .*dpkg --configure -a"):
        observe(Package(name="tool-library"), within(box))


def test_only_root(box: Box) -> None:
    shell = within(box, user="nobody")
    with pytest.raises(Refused, match="only root changes packages: set become: true here"):
        observe(Package(name="tool"), shell)
    converge(Package(name="tool"), within(box))
    assert observe(Package(name="tool"), shell).change is None
    assert observe(Package(name="tool", state="latest"), shell).change is None


def test_nothing_is_removed_to_install_something(box: Box) -> None:
    box.repository.add("tool-rival", "1.0", conflicts="tool")
    box.repository.publish()
    box.sh(REFRESH["apt"])
    converge(Package(name="tool"), within(box))
    with pytest.raises(Refused, match=r"to install tool-rival would remove tool; nothing was changed"):
        observe(Package(name="tool-rival"), within(box))


def test_a_plan_shows_what_goes_along(box: Box) -> None:
    converge(Package(name="tool"), within(box))
    resource = Package(name="tool-library", state="absent")
    assert observe(resource, within(box)).actual == {"tool-library": "1.0", "also removes": "tool"}
    converge(resource, within(box))
    assert box.installed() == {}


def test_a_repository_that_is_declared_before_it(box: Box, tmp_path: Path) -> None:
    """Its packages are not known yet in the plan, and no error."""
    lines = box.sh("cat /etc/apt/sources.list")
    box.sh(f": >/etc/apt/sources.list; {FORGET['apt']}; {REFRESH['apt']}; touch /var/lib/apt/lists/empty_Packages")
    try:
        project = Project(tmp_path, box.variables)
        project.state(
            {
                "repository": {"file-sync": {"path": "/etc/apt/sources.list", "content": lines}},
                "it": {"package": {"name": "tool"}},
            }
        )
        plan = project.run("plan", "--format", "json")
        assert (plan.code, plan.verdicts()) == (0, {"repository": "change", "it": "check"})
        report = project.run("apply", "--format", "json")
        assert report.code == 0, report.out
        assert report.verdicts() == {"repository": "changed", "it": "changed"}
        assert box.installed() == {"tool": "2.0", "tool-library": "1.0"}
    finally:
        box.sh(f"echo '{lines.strip()}' >/etc/apt/sources.list; rm -f /var/lib/apt/lists/empty_Packages")


def test_a_plan_writes_nothing(box: Box) -> None:
    """Not even a cache of the manager's."""
    box.sh("rm -f /var/cache/apt/*.bin")
    before = box.sh(FILES)
    for resource in (Package(name="tool"), Package(name="tool", version="9"), Package(name="tool", state="absent")):
        observe(resource, within(box))
    assert box.sh(FILES) == before


def test_the_example_state(box: Box, tmp_path: Path) -> None:
    """`states/tools.yaml`, with the packages of this repository."""
    project = Project(tmp_path, box.variables)
    project.write("state.yaml", (Path(__file__).parents[2] / "states/tools.yaml").read_text())
    packages = ("-e", "@packages.json")
    project.write("packages.json", '{"packages": ["tool", "tool-library"]}')
    plan = project.run("plan", *packages)
    assert plan.code == 0, plan.out + plan.err
    assert "Plan: 2 to create, 1 to inspect again after apply." in plan.out
    report = project.run("apply", *packages, "--format", "json")
    assert report.code == 0, report.out + report.err
    assert set(report.verdicts().values()) == {"changed"}
    key = box.sh("cat /etc/tools/key")
    assert len(key) == 45
    again = project.run("apply", *packages, "--format", "json")
    assert (again.code, again.trips(), set(again.verdicts().values())) == (0, 1, {"unchanged"})
    assert box.sh("cat /etc/tools/key") == key
