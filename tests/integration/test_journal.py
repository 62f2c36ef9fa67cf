"""The record of an apply: written as it happens, told after a kill, retried, and free of secrets."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.blocking_commands import eventually

BIN = Path(sys.executable).parent
SECRET = "a-credential-that-nobody-may-see"
STALE = "the-credential-before-it"

STATE = """\
name: web
hosts: all
vars: { place: "" }
secrets:
  token: { file: token }
resources:
  settings:
    file-sync: { path: "{{ place }}/settings", content: "colour = red\\n", mode: "0640" }
  credential:
    file-sync: { path: "{{ place }}/credential", first_line: "{{ secrets.token }}", mode: "0600" }
  last:
    file-sync: { path: "{{ place }}/last/file", content: "last\\n" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two local hosts with a stale file each, and one that nobody answers for."""
    hosts: dict[str, Any] = {}
    for name in ("a", "b"):
        place = tmp_path / "hosts" / name
        (place / "last").mkdir(parents=True)
        (place / "settings").write_text("colour = blue\n")
        (place / "settings").chmod(0o600)
        (place / "credential").write_text(f"{STALE}\nartist")
        (place / "credential").chmod(0o600)
        hosts[name] = {"ansible_connection": "local", "place": str(place)}
    hosts["lost"] = {"ansible_connection": "command", "ansible_command_argv": ["false"], "place": "/nowhere"}
    (tmp_path / "inventory.yaml").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "web.yaml").write_text(STATE)
    (tmp_path / "token").write_text(SECRET + "\n")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "home").mkdir()
    return tmp_path


def start(project: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / words[0]), *words[1:]],
        cwd=project,
        env={**os.environ, "HOME": str(project / "home"), "NO_COLOR": "1", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def command(project: Path, *words: str) -> tuple[int, str]:
    process = start(project, *words)
    out, err = process.communicate(timeout=120)
    assert SECRET not in out + err
    assert STALE not in out + err
    return process.returncode, out + err


def records(project: Path) -> list[Path]:
    return sorted((project / ".engine/runs").glob("*.jsonl"))


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_apply_is_recorded_host_by_host_and_resource_by_resource(project: Path) -> None:
    code, said = command(project, "apply", "web.yaml", "-y", "--limit", "a,b")
    assert code == 0, said
    (path,) = records(project)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert SECRET not in path.read_text()
    assert STALE not in path.read_text()

    told = events(path)
    assert [told[0]["event"], told[-1]["event"]] == ["started", "finished"]
    assert told[0]["hosts"] == ["a", "b"]
    assert told[0]["plan"] is None
    assert "@" in told[0]["who"]
    assert told[-1]["exit"] == 0
    assert [event["at"] for event in told] == sorted(event["at"] for event in told)
    for host in ("a", "b"):
        found = {e["name"]: e for e in told if e["event"] == "resource" and e["host"] == host}
        assert list(found) == ["settings", "credential", "last"]
        assert {e["verdict"] for e in found.values()} == {"changed"}
        assert {e["code"] for e in found.values()} == {""}
        assert all(isinstance(e["seconds"], float) for e in found.values())
        assert {"name": "mode", "before": "0600", "after": "0640"} in found["settings"]["attributes"]
        (line,) = found["credential"]["attributes"]
        assert line["before"].startswith("secret:")
        assert line["after"].startswith("secret:")
        assert line["before"] != line["after"]
        steps = [(e["event"], e["name"]) for e in told if e.get("host") == host and e["event"].startswith("step-")]
        assert steps == [(f"step-{what}", name) for name in found for what in ("started", "finished")]

    # A second run is a record of its own, and the first stays as it was.
    before = path.read_bytes()
    assert command(project, "apply", "web.yaml", "-y", "--limit", "a,b")[0] == 0
    first, second = records(project)
    assert first.read_bytes() == before
    assert {e["verdict"] for e in events(second) if e["event"] == "resource"} == {"unchanged"}

    code, history = command(project, "engine", "history")
    assert code == 0
    rows = history.splitlines()
    assert [row.split()[0] for row in rows] == [first.stem, second.stem]
    assert rows[0].endswith("2 hosts, 6 changed  converged")
    code, shown = command(project, "engine", "show", first.stem)
    assert code == 0
    assert "mode 0600 → 0640" in shown
    assert "exit 0" in shown
    assert "Nothing to retry" in command(project, "engine", "retry", first.stem)[1]


def test_an_apply_of_a_reviewed_plan_names_it(project: Path) -> None:
    assert command(project, "plan", "web.yaml", "--limit", "a", "--out", "plan.json")[0] == 0
    assert not records(project), "a plan is no run"
    assert command(project, "apply", "plan.json")[0] == 0
    (path,) = records(project)
    assert events(path)[0]["plan"].endswith("plan.json")
    assert "plan.json" in command(project, "engine", "show", path.stem)[1]


def test_a_run_that_is_killed_in_the_middle_of_a_step_is_still_told(project: Path) -> None:
    # What writes the last file stops until it is let go.
    tools = project / "tools"
    tools.mkdir()
    going = project / "going"
    mv = tools / "mv"
    mv.write_text(
        f'#!/bin/sh\ncase "$PWD" in */last) : >{going}; until [ -e {going}.on ]; do sleep 0.05; done ;; esac\n'
        'exec /bin/mv "$@"\n'
    )
    mv.chmod(0o755)
    process = start(
        project, "apply", "web.yaml", "-y", "--limit", "a", PATH=f"{tools}{os.pathsep}{os.environ['PATH']}"
    )
    try:
        eventually(going.exists, "the step was not reached")
        (path,) = records(project)
        # What is done on the host is a little ahead of what is heard of it.
        eventually(lambda: events(path)[-1].get("name") == "last", "the step was not told")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    finally:
        Path(f"{going}.on").touch()
    told = events(path)
    assert (told[-1]["event"], told[-1]["name"]) == ("step-started", "last")
    # Cut in the middle of a line, as a machine that loses its power would leave it, it still is told.
    with path.open("a") as file:
        file.write('{"at": "2026-')
    code, history = command(project, "engine", "history")
    assert code == 0
    assert "killed before it ended" in history
    code, shown = command(project, "engine", "show", path.stem)
    assert code == 0
    assert "last event: step-started last" in shown
    assert "The run was killed before it ended." in shown

    eventually((project / "hosts/a/last/file").exists, "the running step did not finish")
    time.sleep(0.2)
    code, said = command(project, "engine", "retry", path.stem, "-y")
    assert code == 0, said
    assert (project / "hosts/a/settings").read_text() == "colour = red\n"
    assert (project / "hosts/b/settings").read_text() == "colour = blue\n", "it was not part of that run"


def test_retry_goes_to_failed_and_unreached_hosts_only(project: Path) -> None:
    # On b a directory is in the way of the last file.
    (project / "hosts/b/last/file").mkdir()
    (project / "hosts/b/last/file/kept").touch()
    code, said = command(project, "apply", "web.yaml", "-y")
    assert code == 1, said
    (path,) = records(project)
    code, history = command(project, "engine", "history")
    assert "2 not converged" in history
    (project / "hosts/b/last/file/kept").unlink()
    (project / "hosts/b/last/file").rmdir()
    # Whatever is done to a since is not the retry's business.
    (project / "hosts/a/settings").write_text("colour = green\n")
    code, said = command(project, "engine", "retry", path.stem, "-y")
    assert code in (1, 4), said
    second = records(project)[-1]
    assert second != path
    assert events(second)[0]["hosts"] == ["b", "lost"]
    assert (project / "hosts/b/last/file").read_text() == "last\n"
    assert (project / "hosts/a/settings").read_text() == "colour = green\n"
    (end,) = [e for e in events(second) if e["event"] == "host" and e["host"] == "lost"]
    assert end["error"]


def test_a_run_that_nobody_knows(project: Path) -> None:
    for verb in ("show", "retry"):
        code, said = command(project, "engine", verb, "nonsense")
        assert code == 3
        assert "there is no run `nonsense`" in said
    assert "This project has no recorded apply" in command(project, "engine", "history")[1]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_run_is_named_by_the_time_in_utc(project: Path, zone: str) -> None:
    before = datetime.now(UTC)
    process = start(project, "apply", "web.yaml", "-y", "--limit", "a", TZ=zone)
    process.communicate(timeout=120)
    assert process.returncode == 0
    (path,) = records(project)
    named = datetime.strptime(path.stem[:13], "%Y%m%d-%H%M").replace(tzinfo=UTC)
    assert before.replace(second=0, microsecond=0) <= named <= datetime.now(UTC)


def test_only_so_many_journals_are_kept(project: Path) -> None:
    runs = project / ".engine/runs"
    runs.mkdir(mode=0o700, parents=True)
    # By name these come after every run of today; they were written before them.
    for number in range(5):
        path = runs / f"29990101-000{number}-0000.jsonl"
        path.write_text("")
        os.utime(path, (number, number))
    words = ("apply", "web.yaml", "-y", "--limit", "a")
    assert start(project, *words).wait(120) == 0
    assert len(records(project)) == 6
    own = records(project)[0]
    assert start(project, *words, ENGINE_KEEP_RUNS="4").wait(120) == 0
    assert {path.name for path in records(project)[2:]} == {f"29990101-000{number}-0000.jsonl" for number in (3, 4)}
    assert own in records(project)
    for wrong in ("0", "many", "-1", ""):
        process = start(project, *words, ENGINE_KEEP_RUNS=wrong)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 3
        assert "ENGINE_KEEP_RUNS: expected a number of runs, 1 or more" in err
    assert len(records(project)) == 4
    assert start(project, *words, ENGINE_KEEP_RUNS="1").wait(120) == 0
    (last,) = records(project)
    assert events(last)[-1]["event"] == "finished"


def test_nothing_is_changed_that_cannot_be_recorded(project: Path) -> None:
    (project / ".engine").mkdir(mode=0o700)
    (project / ".engine/runs").write_text("in the way\n")
    code, told = command(project, "apply", "web.yaml", "-y")
    assert code == 1
    assert f"{project}/.engine/runs/" in told
    assert "cannot be written" in told
    assert "nothing was changed" in told
    assert (project / "hosts/a/settings").read_text() == "colour = blue\n"


def test_a_disk_that_fills_up_takes_the_record_but_not_the_report(project: Path) -> None:
    runs = project / ".engine/runs"
    runs.mkdir(mode=0o700, parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(runs)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root, and the right to mount a file system")
    try:
        code, told = command(project, "apply", "web.yaml", "-y")
    finally:
        subprocess.run(["umount", str(runs)], check=True)
    assert code == 1, told
    assert "No space left on device; this run is only partly recorded" in told
    assert "Failed: 1 host, 2 created, 4 changed." in told, told
    for name in ("a", "b"):
        assert (project / f"hosts/{name}/last/file").read_text() == "last\n"
