"""A restart of the real service: what it would end, what it ends in, and who gets in after it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from demo.sandbox import USER, Sandbox
from tests.integration.main_job import Ran, Starts, assert_goal, command, engine, environment, sandbox
from tests.integration.standin import picture

pytestmark = pytest.mark.docker


def converged(box: Sandbox) -> None:
    """The end state, and a ledger that says so."""
    box.build(node="right", password="right-user", service="current")
    done = engine(box, "apply", "-y")
    assert done.code == 0, (done.out, done.err)


def text(box: Sandbox, verb: str, *words: str) -> Ran:
    """A command, as people read it, with blanks squeezed."""
    done = subprocess.run(
        command(box, verb, *words), capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(box)
    )
    return Ran(done.returncode, " ".join(done.stdout.split()), done.stderr)


def submit(box: Sandbox, token: str, prefix: str = "one") -> None:
    """A workflow that goes on for as long as the file standin.hold is there."""
    (box.comfyui / "standin.hold").touch()
    body = json.dumps({"prompt": picture(prefix=prefix)}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asking = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
    asking.request("POST", "/prompt", body, headers)
    assert asking.getresponse().status == 200
    asking.close()


# --- what it would end ----------------------------------------------------------------------------------------------


def test_jobs_are_waited_for_and_the_plan_says_so(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        converged(box)
        submit(box, box.token)
        submit(box, box.token, "two")
        planned = text(box, "plan", "--restart", "comfyui")
        assert "restart because it was requested" in planned.out
        assert "busy 2 jobs running or queued; a restart waits for up to 600 s" in planned.out
        assert box.token not in planned.out + planned.err
        starts = Starts(box)
        given_up = text(box, "apply", "-y", "--restart", "comfyui", "-e", "jobs_end_within=2s")
        assert given_up.code == 1
        assert "it was not idle within 2 s, so it was left running (restart still due)" in given_up.out
        assert '"queue_remaining":2' in given_up.out
        assert starts.count() == 0
        words = command(box, "apply", "-y", "--restart", "comfyui")
        running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment(box))
        time.sleep(4)
        assert starts.count() == 0
        (box.comfyui / "standin.hold").unlink()
        out, _ = running.communicate(timeout=120)
        assert running.returncode == 0, out
        assert starts.count() == 1
        assert len(list((box.comfyui / "output").glob("*.png"))) == 2, "a job was lost"
        assert_goal(box, USER)


def test_while_the_token_is_replaced(tmp_path: Path) -> None:
    """The running service knows the old token alone: asked with the new one it answers 401, and then its restart is
    what it needs. With the old one its jobs are waited for."""
    with sandbox(tmp_path) as box:
        converged(box)
        old, box.token = box.token, box.stale_token
        box.token_file.write_text(f"{box.token}\n")
        submit(box, old)
        planned = text(box, "plan")
        assert "/prompt does not know the credential (401); a restart is not waited for" in planned.out
        before = box.root / "old.token"
        before.touch(mode=0o600)
        before.write_text(f"{old}\n")
        known = ("-e", f"running_token_file={before}")
        assert "busy 1 job running or queued" in text(box, "plan", *known).out
        starts = Starts(box)
        given_up = text(box, "apply", "-y", *known, "-e", "jobs_end_within=1s")
        assert (given_up.code, starts.count()) == (1, 0)
        # The file holds the new token by now, and the restart is not lost.
        assert box.password.read_text().startswith(box.token)
        assert "comfyui restart because login-password changed" in text(box, "plan", *known).out
        done = engine(box, "apply", "-y")
        assert done.code == 0, (done.out, done.err)
        assert_goal(box, USER)
        assert starts.count() == 1


# --- what it ends in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ready", "moment"),
    [
        pytest.param("use token=", "after it was ready", id="after it was ready"),
        pytest.param("To see the GUI", "before it is ready", id="before", marks=pytest.mark.full),
    ],
)
def test_a_service_that_ends_soon_after_its_start(ready: str, moment: str, tmp_path: Path) -> None:
    """Exit code and log are the reason, and nobody waits for a container that is gone."""
    with sandbox(tmp_path) as box:
        converged(box)
        switches = {"DIES_SECONDS": "3", "DIES_CODE": "7", "READ_SECONDS": "0.5", "START_SECONDS": "20"}
        box.switches.write_text("".join(f"COMFYUI_{name}={value}\n" for name, value in switches.items()))
        start = time.monotonic()
        done = text(box, "apply", "-y", "--restart", "comfyui", "-e", f"ready_log={ready}")
        took = time.monotonic() - start
        assert done.code == 1
        assert re.search(r"ended with exit code 7, \d+ s after its start", done.out), done.out
        assert "The stand-in ends here, as it was told to." in done.out
        assert "comfyui restarted" not in done.out
        assert box.token not in done.out + done.err
        assert took < 30, f"{took:.0f} s of waiting for a container that is gone"
        box.switches.unlink()
        healed = engine(box, "apply", "-y")
        assert healed.code == 0, (healed.out, healed.err)
        assert_goal(box, USER)


def test_checks_alone_do_not_wait_for_what_has_ended(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        converged(box)
        box.switches.write_text("COMFYUI_DIES_SECONDS=3\nCOMFYUI_READ_SECONDS=20\n")
        subprocess.run(["docker", "restart", "-t", "0", box.container()], check=True, capture_output=True)
        start = time.monotonic()
        done = engine(box, "apply", "-y", "--only", "kind:http-assert")
        assert done.code == 1
        assert time.monotonic() - start < 30
        words = done.outcomes()["refuses-strangers"]["words"]
        assert "service comfyui-qwen ended with exit code 1, " in words
        assert "The stand-in ends here, as it was told to." in words
        assert box.token not in done.out


# --- who gets in ----------------------------------------------------------------------------------------------------


def test_what_would_let_others_in_is_removed(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        converged(box)
        guests, other = box.password.with_name("GUEST_MODE"), box.comfyui / "PASSWORD"
        guests.touch()
        other.write_text(f"{box.stale_token}\n")
        planned = engine(box, "plan")
        changes = {name for name, step in planned.steps().items() if step["status"] == "change"}
        assert changes == {"no-guest-mode", "no-other-password"}
        starts = Starts(box)
        done = engine(box, "apply", "-y")
        assert done.code == 0, (done.out, done.err)
        assert not guests.exists()
        assert not other.exists()
        # What is not read by the running service needs no restart of it.
        assert starts.count() == 0
        box.restart()
        assert_goal(box, USER)
