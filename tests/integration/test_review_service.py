"""A service between review and apply: what is drift, and what may change without harm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demo.sandbox import Sandbox, run
from tests.integration.main_job import command, environment, sandbox


def on_box(box: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    called = command(box, "apply", *words)
    if words[0].endswith(".json"):
        del called[1]
        del called[called.index("-i") : called.index("-i") + 2]
    return subprocess.run(
        called, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(box), timeout=240
    )


@pytest.mark.docker
def test_what_happened_to_a_service_in_between(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        box.build(node="right", password="right-user", service="current")
        done = on_box(box, "-y")
        assert done.returncode == 0, done.stdout + done.stderr
        plan = str(box.root / "plan.json")

        def review() -> None:
            planned = subprocess.run(
                [*command(box, "plan"), "--out", plan], capture_output=True, env=environment(box)
            )
            assert planned.returncode == 0, planned.stderr

        # A restart by hand where all has converged is no drift, and neither is another answer to a check.
        review()
        box.restart()
        done = on_box(box, plan)
        assert done.returncode == 0, done.stdout + done.stderr
        box.lay_password("stale-user")
        review()
        assert box.status(token=box.token) == 200
        box.restart()
        assert box.status(token=box.token) == 401
        done = on_box(box, plan)
        assert done.returncode == 0, done.stdout + done.stderr
        assert box.status(token=box.token) == 200

        box.lay_password("stale-user")
        review()
        wrong = box.password.read_bytes()

        def stopped() -> None:
            run(["docker", "stop", "-t", "0", box.container()])

        def recreated() -> None:
            run([*box.compose, "up", "-d", "--force-recreate", "comfyui-qwen"], cwd=box.workspace)
            box.wait()

        for edit, attribute in ((stopped, "service"), (recreated, "container")):
            edit()
            started = box.started_at()
            done = on_box(box, plan)
            assert done.returncode == 5, done.stdout + done.stderr
            assert f"sandbox/comfyui: {attribute} was " in done.stdout
            assert (box.password.read_bytes(), box.started_at()) == (wrong, started)
