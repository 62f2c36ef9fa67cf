"""What version 0.1 left on a controller and on hosts is read; what another version left is refused, never misread.

The journal, the backups and the lock record below are what version 0.1 wrote, with paths and processes filled in.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.project import Project

RUN = "20261128-1024-1313"
BACKUPS = {"18f6b0200b6fd32c": "one\n", "cde0fb0dec1400c5": "zero\nrest\n"}
JOURNAL = """\
{"at": "2026-11-28T10:24:04.918Z", "event": "started", "who": "me@vm pid 19393", "state": "s", "rollout": \
{"batches": null, "max_failures": null, "pause": null, "forks": null}, "states": ["PROJECT/state.yaml"], \
"inventory": [], "variables": [], "only": [], "skip": [], "become": {}, "plan": null, "hosts": ["here"]}
{"at": "2026-11-28T10:24:04.919Z", "event": "host-started", "host": "here"}
{"at": "2026-11-28T10:24:04.938Z", "event": "step-started", "host": "here", "name": "greeting"}
{"at": "2026-11-28T10:24:04.946Z", "event": "step-finished", "host": "here", "name": "greeting", "seconds": 0.008, \
"ok": true}
{"at": "2026-11-28T10:24:04.948Z", "event": "step-started", "host": "here", "name": "settings"}
{"at": "2026-11-28T10:24:04.958Z", "event": "step-finished", "host": "here", "name": "settings", "seconds": 0.009, \
"ok": true}
{"at": "2026-11-28T10:24:04.987Z", "event": "resource", "host": "here", "name": "greeting", "kind": "file-sync", \
"verdict": "changed", "verb": "change", "attributes": [{"name": "content", "before": "sha256:2c8b08da5ce6", "after": \
"sha256:27dd8ed44a83"}, {"name": "mode", "before": "0600", "after": "0640"}], "prior": {"content": \
"sha256:2c8b08da5ce6", "mode": "0600"}, "reason": "", "cause": "", "seconds": 0.011}
{"at": "2026-11-28T10:24:04.987Z", "event": "resource", "host": "here", "name": "settings", "kind": "file-sync", \
"verdict": "changed", "verb": "change", "attributes": [{"name": "line 1", "before": "sha256:f9194e73f9e9", "after": \
"sha256:3fc4ccfe7458"}], "prior": {"line 1": "sha256:f9194e73f9e9"}, "reason": "", "cause": "", "seconds": 0.011}
{"at": "2026-11-28T10:24:04.987Z", "event": "host", "host": "here", "error": "", "unreachable": false, "drift": \
false, "started": true, "trips": 2, "seconds": 0.067}
{"at": "2026-11-28T10:24:04.987Z", "event": "finished", "stopped": "", "exit": 0, "seconds": 0.164}
"""
LOCK = """\
id 14cef3741cc0057ba2a201057d300556
who me@desk pid 4711
since 2026-11-28 10:24:44 UTC
boot BOOT
proc PROCESS
group 4194303 480612
step 4194302 480614
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project as version 0.1 left it after an apply that changed two files."""
    project = Project(tmp_path)
    target = tmp_path / "target"
    target.mkdir()
    (target / "greeting").write_text("two\n")
    (target / "greeting").chmod(0o640)
    (target / "settings").write_text("two\nrest\n")
    project.state(
        {
            "greeting": {"file-sync": {"path": f"{target}/greeting", "content": "two\n", "mode": "0640"}},
            "settings": {"file-sync": {"path": f"{target}/settings", "first_line": "two"}},
        }
    )
    project.write(f".engine/runs/{RUN}.jsonl", JOURNAL.replace("PROJECT", str(project.root)))
    backups = project.home / ".local/state/engine/kept" / RUN
    backups.mkdir(parents=True, mode=0o700)
    for name, text in BACKUPS.items():
        (backups / name).write_text(text)
        (backups / name).chmod(0o600)
    return project


def backups(project: Project, run: str = RUN) -> Path:
    return project.home / ".local/state/engine/kept" / run


def test_a_journal_of_version_0_1_is_shown(project: Project) -> None:
    listed = project.run("engine", "history", state="")
    assert listed.out.split() == [RUN, "me@vm", "s", "1", "host,", "2", "changed", "converged"]
    shown = project.run("engine", "show", RUN, state="")
    assert "  changed   greeting  content sha256:2c8b08da5ce6 → sha256:27dd8ed44a83; mode 0600 → 0640" in shown.out
    assert project.run("engine", "retry", RUN, state="").out.startswith("Nothing to retry")


def test_a_run_of_version_0_1_is_rolled_back(project: Project) -> None:
    done = project.run("engine", "rollback", RUN, "-y", state="")
    assert done.code == 0, done.out + done.err
    target = project.root.parent / "target"
    assert (target / "greeting").read_text() == "one\n"
    assert (target / "greeting").stat().st_mode & 0o777 == 0o600
    assert (target / "settings").read_text() == "zero\nrest\n"


def test_what_is_written_now_names_its_version(project: Project) -> None:
    (project.root.parent / "target/greeting").write_text("three\n")
    assert project.run("apply").code == 0
    (run,) = [run for run in project.runs() if run != RUN]
    assert {event["version"] for event in project.events(run)} == {1}
    assert (backups(project, run) / "version").read_text() == "1\n"
    undone = project.run("engine", "rollback", run, "-y", state="")
    assert undone.code == 0, undone.out + undone.err
    assert (project.root.parent / "target/greeting").read_text() == "three\n"


@pytest.mark.parametrize("version", ["7\n", "", "1 0\n"])
def test_backups_of_another_version_are_not_put_back(project: Project, version: str) -> None:
    (backups(project) / "version").write_text(version)
    done = project.run("engine", "rollback", RUN, "-y", state="")
    assert done.code == 1
    found = version.strip() or "unknown"
    assert f"its backup has version {found}, and this engine reads version 1" in done.out
    assert (project.root.parent / "target/greeting").read_text() == "two\n"


@pytest.mark.parametrize("command", ["show", "retry", "rollback"])
def test_a_journal_of_another_version_is_refused(project: Project, command: str) -> None:
    path = project.root / f".engine/runs/{RUN}.jsonl"
    path.write_text(
        path.read_text() + json.dumps({"version": 7, "event": "resource", "address": "here/greeting"}) + "\n"
    )
    refused = project.run("engine", command, RUN, state="")
    assert refused.code == 3
    assert f"{RUN}: was recorded in version 7, and this engine reads version 1" in refused.err
    listed = project.run("engine", "history", state="")
    assert "was recorded in version 7, and this engine reads version 1" in listed.out


def locked(project: Project, **changes: str) -> Path:
    """The lock of a program of version 0.1 that is this process."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    born = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(") ")[2].split()[19]
    text = LOCK.replace("BOOT", boot).replace("PROCESS", f"{os.getpid()} {born}")
    place = project.home / ".local/state/engine" / os.uname().nodename / "lock"
    place.parent.mkdir(parents=True)
    place.write_text("".join(f"{name} {value}\n" for name, value in changes.items()) + text)
    return place


def test_a_lock_of_version_0_1_is_respected(project: Project) -> None:
    (project.root.parent / "target/greeting").write_text("three\n")
    place = locked(project)
    refused = project.run("apply", "--lock-wait", "0")
    assert refused.code == 1
    assert "another apply holds its lock: me@desk pid 4711, since 2026-11-28 10:24:44 UTC (process" in refused.out
    place.write_text(LOCK.replace("BOOT", "another boot").replace("PROCESS", "1 1"))
    assert project.run("apply").code == 0


def test_a_lock_of_another_version_counts_until_it_is_broken(project: Project) -> None:
    (project.root.parent / "target/greeting").write_text("three\n")
    place = locked(project, version="7")
    place.write_text(place.read_text().replace("boot ", "boot of-long-ago-"))
    refused = project.run("apply", "--lock-wait", "0")
    assert refused.code == 1
    assert "(its record has version 7, this engine reads 1)" in refused.out
    assert place.exists()
    assert project.run("engine", "unlock", "here", state="").code == 1
    assert project.run("engine", "unlock", "here", "-y", state="").code == 0
    assert project.run("apply").code == 0
