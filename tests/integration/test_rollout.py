"""Many hosts, each a directory of this machine: batches, the rule that stops them, hosts that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.blocking_commands import BlockingCommands, eventually

BIN = Path(sys.executable).parent
STATE = """\
name: fleet
hosts: all
rollout: { batches: [canary, 50%, 100%] }
vars: { content: one }
resources:
  there:
    file-sync: { path: "{{ directory }}/there", content: "{{ content }}\\n" }
  after:
    file-sync: { path: "{{ directory }}/after", content: "{{ content }}\\n" }
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A project with ten hosts, h01 to h10; h03 is the canary."""
    hosts: dict[str, Any] = {}
    for number in range(1, 11):
        (tmp_path / f"h{number:02}").mkdir()
        hosts[f"h{number:02}"] = {"ansible_connection": "local", "directory": str(tmp_path / f"h{number:02}")}
    groups = {"all": {"hosts": hosts, "children": {"canary": {"hosts": {"h03": {}}}}}}
    (tmp_path / "inventory.yaml").write_text(json.dumps(groups))
    (tmp_path / "fleet.yaml").write_text(STATE)
    (tmp_path / "home").mkdir()
    return tmp_path


def environment(project: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(project / "home"), "NO_COLOR": "1"}


def run(project: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def begin(project: Path, env: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """An apply in the background."""
    return subprocess.Popen(
        [str(BIN / "apply"), "fleet.yaml", "-y", *words],
        cwd=project,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(project: Path) -> list[str]:
    return sorted(path.parent.name for path in project.glob("h*/after"))


def events(project: Path) -> list[dict[str, Any]]:
    """What the journal of the only run holds."""
    (journal,) = (project / ".engine/runs").glob("*.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n")]


def unwritable(directory: Path) -> None:
    """What even root cannot write a file to: there is a directory of its name."""
    (directory / "there").mkdir()


def test_all_hosts_converge_batch_by_batch(fleet: Path) -> None:
    code, out, err = run(fleet, "apply", "fleet.yaml", "-y")
    assert code == 0, out + err
    assert len(done(fleet)) == 10
    assert "batches of 1, 4, 5" in out
    code, out, _ = run(fleet, "apply", "fleet.yaml", "-y")
    assert code == 0
    assert "Converged: all 10 hosts" in out
    assert "2 unchanged" in out


def test_a_canary_that_fails_stops_the_rollout_with_one_host_touched(fleet: Path) -> None:
    unwritable(fleet / "h03")
    code, out, _ = run(fleet, "apply", "fleet.yaml", "-y")
    assert code == 1
    assert done(fleet) == []
    assert not list(fleet.glob("h0[124-9]/*"))
    assert "9 not started" in out


def test_a_later_failure_stops_what_comes_after_it(fleet: Path) -> None:
    unwritable(fleet / "h01")
    code, out, _ = run(fleet, "apply", "fleet.yaml", "-y")
    assert code == 1
    assert done(fleet) == ["h02", "h03", "h04", "h05"]
    assert "5 not started" in out


def test_failures_that_are_put_up_with(fleet: Path) -> None:
    unwritable(fleet / "h01")
    code, out, err = run(fleet, "apply", "fleet.yaml", "-y", "--max-failures", "1")
    assert code == 1, out + err
    assert len(done(fleet)) == 9


def test_a_host_that_cannot_be_reached_has_failed_and_retry_goes_on(fleet: Path) -> None:
    inventory = json.loads((fleet / "inventory.yaml").read_text())
    host = inventory["all"]["hosts"]["h02"]
    lost = {**host, "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    inventory["all"]["hosts"]["h02"] = lost
    (fleet / "inventory.yaml").write_text(json.dumps(inventory))
    code, out, _ = run(fleet, "apply", "fleet.yaml", "-y")
    assert code == 1, out
    assert "1 unreachable" in out
    assert done(fleet) == ["h01", "h03", "h04", "h05"]

    inventory["all"]["hosts"]["h02"] = host
    (fleet / "inventory.yaml").write_text(json.dumps(inventory))
    (journal,) = (fleet / ".engine/runs").glob("*.jsonl")
    code, out, err = run(fleet, "engine", "retry", journal.stem, "-y")
    assert code == 0, out + err
    assert len(done(fleet)) == 10


def test_ctrl_c_finishes_running_steps_starts_none_and_reports(fleet: Path) -> None:
    slow = fleet / "slow"
    (fleet / "fleet.yaml").write_text(
        STATE.replace('content: "{{ content }}\\n" }\n  after', 'content: "{{ content }}\\n", owner: root }\n  after')
    )
    # A chown that takes its time, first in the path of what runs on the hosts.
    slow.mkdir()
    (slow / "chown").write_text('#!/bin/sh\n: >"$0.ran"\nsleep 2\nexec /bin/chown "$@"\n')
    (slow / "chown").chmod(0o755)
    env = {**environment(fleet), "PATH": f"{slow}:{os.environ['PATH']}"}
    child = begin(fleet, env)
    deadline = time.monotonic() + 60
    while not (slow / "chown.ran").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    timer = threading.Timer(90, child.kill)
    timer.start()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    timer.cancel()
    assert child.returncode == 130, out + err
    assert (fleet / "h03/there").exists(), "the running step was finished"
    assert done(fleet) == []
    assert "Stopping" in err


def test_ctrl_c_in_a_pause_ends_it(fleet: Path) -> None:
    child = begin(fleet, environment(fleet), "--pause", "99999999h")
    eventually(lambda: done(fleet) == ["h03"], "the canary is not done")
    eventually(lambda: "host" in [event["event"] for event in events(fleet)], "the canary does not end")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, out + err
    assert done(fleet) == ["h03"]
    assert "Stopped: 1 converged, 9 not started." in out


def test_ctrl_c_is_an_answer_to_the_question(fleet: Path) -> None:
    controller, terminal = os.openpty()
    child = subprocess.Popen(
        [str(BIN / "apply"), "fleet.yaml"],
        cwd=fleet,
        env=environment(fleet),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    said = b""
    while b"Apply this?" not in said:
        said += os.read(controller, 1 << 16)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    os.close(controller)
    assert not list(fleet.glob("h*/*"))
    assert not list((fleet / ".engine").glob("runs/*"))


def test_retry_goes_in_the_same_batches(fleet: Path) -> None:
    unwritable(fleet / "h01")
    run(fleet, "apply", "fleet.yaml", "-y", "--batches", "h01,100%", "--max-failures", "0%")
    (only,) = (fleet / ".engine/runs").glob("*.jsonl")
    code, out, err = run(fleet, "engine", "retry", only.stem, "-y")
    assert code == 1, out + err
    assert "9 not started" in out
    assert done(fleet) == []


def test_what_goes_wrong_here_for_one_host_leaves_the_others_told(fleet: Path) -> None:
    """A source that shrinks while it is sent: the hosts before it are done, and reported."""
    (fleet / "large").write_bytes(b"x" * 4_000_000)
    (fleet / "fleet.yaml").write_text(
        STATE.replace('content: "{{ content }}\\n" }\n  after', "source: large }\n  after")
    )
    gates = BlockingCommands(fleet / "gates", ["tar"])
    gates.close("tar", " ", lock=fleet / "h03" / "after")
    env = {**environment(fleet), "PATH": f"{gates.directory}:{os.environ['PATH']}"}
    child = begin(fleet, env, "--forks", "1")
    gates.wait()
    (fleet / "large").write_bytes(b"x")
    gates.open()
    out, err = child.communicate(timeout=120)
    assert child.returncode == 1, out + err
    assert done(fleet) == ["h03"]
    assert "1 converged" in out
    assert "5 not started" in out
    assert f"{fleet}/large" in out
