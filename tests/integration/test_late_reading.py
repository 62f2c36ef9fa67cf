"""ComfyUI reads PASSWORD some seconds after its start has returned: what it runs with may be another content than the
one the restart was for. Whatever happened in between, the applies that follow reach the goal."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from demo import image
from demo.sandbox import USER, Sandbox
from tests.integration.main_job import assert_goal, command, engine, environment, sandbox

pytestmark = pytest.mark.docker


def assert_healed(box: Sandbox, user: str | None) -> None:
    """At the latest the second run from now on has restarted the service, and then nothing is left to do."""
    first = engine(box, "apply", "-y", "-e", "patience=20s")
    second = engine(box, "apply", "-y", "-e", "patience=20s")
    assert second.code == 0, (first.out, second.out, second.err)
    assert_goal(box, user)


def test_a_left_over_password_that_is_moved_over_the_new_one(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        box.build(node="older", password="stale-user", service="current")
        (box.comfyui / "PASSWORD").write_text(f"{box.stale_token}\n")
        engine(box, "apply", "-y", "-e", "patience=20s")
        # It was removed before the restart that would have moved it, so the user's name is still there.
        assert_healed(box, USER)


def test_another_content_that_was_there_only_while_it_was_read(tmp_path: Path) -> None:
    with sandbox(tmp_path, environment={"COMFYUI_STOPS": "1", "COMFYUI_READ_SECONDS": "4"}) as box:
        box.build(node="older", password="stale-user", service="current")
        (box.root / "home").mkdir()
        started = box.started_at()
        words = command(box, "apply", "-y", "-e", "patience=20s")
        with subprocess.Popen(words, env=environment(box), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
            end = time.monotonic() + 60
            while box.started_at() == started:
                assert time.monotonic() < end
                time.sleep(0.05)
            box.password.write_text(f"{box.stale_token}\n{USER}")
        assert box.status(token=box.stale_token) == 200
        box.password.write_text(f"{box.token}\n{USER}")
        assert_healed(box, USER)


def test_requirements_that_went_to_another_interpreter_first(tmp_path: Path) -> None:
    with sandbox(tmp_path, venv=True) as box:
        box.build(node="absent", password="stale-user", service="before")
        engine(box, "apply", "-y", "-e", f"interpreter={image.PYTHON}", "-e", "patience=5s")
        assert_healed(box, USER)
