"""The main job from every starting point: one apply reaches the goal or refuses, a second one does nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import get_args

import pytest

from demo.sandbox import USER, Node, Password, Service
from tests.integration.main_job import Starts, assert_goal, engine, sandbox

NODES = [node for node in get_args(Node) if node != "right"]
PASSWORDS = [password for password in get_args(Password) if password != "right-user"]
SERVICES = list(get_args(Service))
ALL = list(itertools.product(("v1", "v2"), NODES, PASSWORDS, SERVICES))

SAMPLE = {
    ("v2", "absent", "stale-user", "before"),
    ("v2", "absent", "absent", "absent"),
    ("v2", "older", "crlf", "current"),
    ("v2", "older", "right", "stopped"),
    ("v2", "cut", "blank-line", "before"),
    ("v2", "dirty", "stale", "before"),
    ("v2", "absent", "directory", "before"),
    ("v1", "absent", "stale-user", "absent"),
    ("v1", "older", "empty", "current"),
    ("v1", "cut", "right", "stopped"),
    ("v1", "plain", "stale", "current"),
}
"""What runs without --full: every value of every axis at least once, with both clients."""

assert set(ALL) >= SAMPLE


@pytest.mark.docker
@pytest.mark.parametrize(
    ("client", "node", "password", "service"),
    [pytest.param(*case, id="-".join(case), marks=() if case in SAMPLE else pytest.mark.full) for case in ALL],
)
def test_from_every_starting_point(
    client: str, node: Node, password: Password, service: Service, tmp_path: Path
) -> None:
    with sandbox(tmp_path, client) as box:
        box.build(node=node, password=password, service=service)
        found = box.password.read_bytes() if box.password.is_file() else None
        starts = Starts(box)

        planned = engine(box, "plan")
        assert starts.count() == 0, "a plan started something"
        applied = engine(box, "apply", "-y")

        # Honesty: what changed is what the plan said would change.
        steps, outcomes = planned.steps(), applied.outcomes()
        changed = {name for name, outcome in outcomes.items() if outcome["status"] == "changed"}
        foretold = {name for name, step in steps.items() if step["status"] == "change"}
        perhaps = {name for name, step in steps.items() if step["status"] == "check" and not step["check"]}
        told = (applied.out, applied.err)
        assert changed - perhaps == foretold - perhaps, told

        if node in ("dirty", "plain"):
            assert (planned.code, applied.code) == (1, 1), told
            assert outcomes["login-node"]["status"] == "refused"
            assert changed == set()
            assert (box.password.read_bytes() if box.password.is_file() else None) == found
            assert starts.count() == 0
            return
        if password == "directory":
            assert (planned.code, applied.code) == (1, 1), told
            assert outcomes["login-password"]["status"] == "refused"
            assert changed <= {"login-node"}
            assert box.password.is_dir()
            assert starts.count() == 0
            return

        assert applied.code == 0, told
        assert applied.trips() <= 3
        assert_goal(box, USER if password == "stale-user" else None)
        assert starts.count() <= (2 if service == "absent" else 1)

        inode, started, again = box.password.stat().st_ino, box.started_at(), engine(box, "apply", "-y")
        assert again.code == 0, (again.out, again.err)
        assert {outcome["status"] for outcome in again.outcomes().values()} == {"unchanged", "passed"}
        assert again.trips() == 1
        assert (box.password.stat().st_ino, box.started_at()) == (inode, started)
