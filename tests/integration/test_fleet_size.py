"""What a run costs the controller grows with the number of hosts, and no faster."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.integration.project import Project, Ran
from tests.sshd import needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]

MEMORY = 300e6
"""Bytes that the controller may hold, whatever the number of hosts."""
A_HOST = 1e6
"""Bytes that it may hold for each host."""


@pytest.mark.parametrize("sizes", [(1, 10, 40), pytest.param((1, 10, 50, 200), marks=pytest.mark.full)], ids=max)
def test_costs_grow_with_the_number_of_hosts(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    project = Project(tmp_path)
    files = {
        f"file-{n}": {"file-sync": {"path": f"{{{{ target }}}}/{n}", "content": "{{ word }}\n" * 20, "mode": "0640"}}
        for n in range(5)
    }
    project.state(files, vars={"word": ""})
    with Fleet(tmp_path, max(sizes), config=["LogLevel ERROR"]) as fleet:
        project.inventory(fleet.inventory())
        changes, idle = {}, {}
        for size in sizes:
            words = ["--limit", ",".join(fleet.names[:size]), "-e", f"word=for{size}"]
            changes[size], idle[size] = project.run("apply", *words), project.run("apply", *words)
            assert changes[size].code == idle[size].code == 0, changes[size].out + idle[size].out
            assert f"{5 * size} unchanged" in idle[size].out
    for runs in (changes, idle):
        assert_linear(runs)


def assert_linear(runs: dict[int, Ran]) -> None:
    """`runs` by number of hosts."""
    one, ten = runs[1], runs[10]
    for size, ran in list(runs.items())[2:]:
        told = f"{size} hosts: {ran.cpu:.2f} s, {ran.memory / 1e6:.0f} MB; 10: {ten.cpu:.2f} s; 1: {one.cpu:.2f} s"
        # A start costs as much as many hosts, so what grows with the hosts stays well below this, and what grows with
        # their square does not. A difference of two short times would tell less: processors are not equally fast.
        assert ran.cpu < ten.cpu * size / 10, told
        assert 1e6 < ran.memory < MEMORY, told
        assert ran.memory - one.memory < A_HOST * (size - 1), told
