"""States that refer to facts of their hosts, from the command line: planned, applied, reviewed, rolled back."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.become import CAROL, DAVE, PASSWORD, machine, needs_become
from tests.integration.project import Project, Ran, own_sshd
from tests.sshd import Sshd, needs_sshd

HOSTILE = 'vm\'; touch "$HOME/pwned"; $(touch ~/pwned) `touch ~/pwned` {{ 7 * 6 }} \x1b[31m é'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def greeting(project: Project, **more: Any) -> None:
    """A state of which everything depends on facts."""
    project.state(
        {
            "greeting": {
                "file-sync": {
                    "path": "{{ host.home }}/greeting",
                    "content": "{{ host.user }} on {{ host.os }} {{ host.arch }}: {{ host.hostname }}\n",
                }
            },
            "elsewhere": {
                "when": "host.os == 'plan9'",
                "file-sync": {"path": "/never", "content": "{{ undefined_here }}"},
            },
            "each": {
                "for_each": ["{{ host.os }}", "other"],
                "tags": ["many"],
                "file-sync": {"path": "{{ host.home }}/{{ each.key }}", "content": "x\n"},
            },
            **more,
        }
    )


def as_another(project: Project, hostname: str) -> dict[str, str]:
    """An environment in which the machine says that it has another name."""
    commands = project.root.parent / "bin"
    commands.mkdir(exist_ok=True)
    project.root.parent.joinpath("hostname").write_text(hostname)
    fake = commands / "uname"
    fake.write_text(
        f"#!/bin/sh\ncase $1 in -n) cat '{project.root.parent}/hostname' ;; *) exec /bin/uname \"$@\" ;; esac\n"
    )
    fake.chmod(stat.S_IRWXU)
    return {"PATH": f"{commands}:{os.environ['PATH']}"}


def test_a_state_with_facts_is_planned_and_applied(project: Project) -> None:
    greeting(project)
    plan = project.run("plan", "--format", "json")
    assert plan.code == 0, plan.err
    assert plan.verdicts() == {"greeting": "change", "each/linux": "change", "each/other": "change"}
    (host,) = plan.data["hosts"]
    assert host["facts"] == {
        "os": "linux",
        "arch": platform.machine(),
        "user": "root" if os.getuid() == 0 else os.environ["USER"],
        "home": str(project.home),
        "hostname": platform.node(),
    }
    assert (host["trips"], host["invalid"]) == (1, False)
    applied = project.run("apply", "--format", "json")
    assert applied.code == 0, applied.err
    assert applied.trips() == 2
    assert set(applied.verdicts().values()) == {"changed"}
    assert (project.home / "greeting").read_text().endswith(f"{platform.machine()}: {platform.node()}\n")
    assert project.run("apply", "--format", "json").trips() == 1


def test_without_facts_none_is_asked_for(project: Project) -> None:
    project.state({"a": {"file-sync": {"path": "~/a-{{ host.name }}", "content": "x\n"}}})
    environment = as_another(project, "never asked")
    asked = project.root.parent / "asked"
    fake = project.root.parent / "bin/uname"
    fake.write_text(f"#!/bin/sh\ntouch '{asked}'\nexec /bin/uname \"$@\"\n")
    plan = project.run("plan", "--format", "json", env=environment)
    assert plan.data["hosts"][0]["facts"] == {}
    assert not asked.exists()
    greeting(project)
    project.run("plan", env=environment)
    assert asked.exists()


def test_text_shows_facts_when_asked_for_more(project: Project) -> None:
    greeting(project)
    assert "hostname" not in project.run("plan").out
    lines = project.run("plan", "-v").out.splitlines()
    shown = [line.split() for line in lines[1:6]]
    assert shown[0] == ["·", "host", "os", "linux"]
    assert [words[0] for words in shown[1:]] == ["arch", "user", "home", "hostname"]
    told = project.run("plan", "-vv")
    assert "_engine_tell os" in told.err
    assert f"{project.home}/greeting" in told.err, "the program that follows is not shown"
    for view in ("markdown", "html"):
        assert project.run("plan", "--format", view).code == 0


def test_hostile_names_stay_names(project: Project) -> None:
    greeting(project)
    environment = as_another(project, HOSTILE)
    assert project.run("apply", env=environment).code == 0
    assert (project.home / "greeting").read_text().endswith(f": {HOSTILE}\n")
    assert not (project.home / "pwned").exists()
    shown = project.run("plan", "-v", env=environment).out
    assert "\x1b" not in shown
    project.state({"a": {"file-sync": {"path": "{{ host.hostname }}", "content": "x"}}})
    refused = project.run("plan", env=environment)
    assert refused.code == 3
    assert "\x1b" not in refused.out + refused.err


def test_a_host_whose_declaration_is_wrong_keeps_an_apply_from_every_host(project: Project) -> None:
    project.inventory(
        {
            "good": {"ansible_connection": "local", "place": "~/good"},
            "bad": {"ansible_connection": "local", "place": "{{ host.hostname }}/bad"},
        }
    )
    project.state(
        {
            "a": {"file-sync": {"path": "~/first-{{ host.name }}", "content": "x\n"}},
            "b": {"file-sync": {"path": "{{ place }}", "content": "x\n"}},
        }
    )
    plan = project.run("plan")
    assert plan.code == 3
    assert "state.yaml:1:" in plan.out
    assert "expected a path on the host" in plan.out
    assert "good\n  + a " in plan.out
    both = project.run("plan", "--format", "json").data["hosts"]
    assert [(host["host"], host["invalid"], len(host["steps"])) for host in both] == [
        ("good", False, 2),
        ("bad", True, 0),
    ]
    applied = project.run("apply")
    assert applied.code == 3
    assert applied.out == ""
    assert applied.err.startswith("state.yaml:1:")
    assert "on bad" in applied.err
    assert list(project.home.glob("*")) == []
    assert project.run("apply", "--limit", "good").code == 0
    assert (project.home / "good").exists()


def test_what_only_and_skip_name_may_depend_on_facts(project: Project) -> None:
    greeting(project)
    only = project.run("plan", "--only", "each/linux", "--format", "json")
    assert only.verdicts() == {"greeting": "skipped", "each/linux": "change", "each/other": "skipped"}
    skip = project.run("apply", "--skip", "tag:many", "--format", "json")
    assert skip.verdicts() == {"greeting": "changed", "each/linux": "left", "each/other": "left"}
    wrong = project.run("apply", "--only", "each/linus")
    assert wrong.code == 3
    assert "`each/linus` matches no resource [OT1007]\n  did you mean `each/linux`?" in wrong.err
    assert not (project.home / "linux").exists()


def saved(project: Project, environment: dict[str, str]) -> None:
    """A saved plan, made on a machine with the name `first`."""
    project.state(
        {"a": {"file-sync": {"path": "~/a", "content": "{{ 'x' if host.hostname else 'y' }}\n"}}},
    )
    ran = project.run("plan", "--out", "saved.json", env=environment)
    assert ran.code == 0, ran.err


def test_a_saved_plan_holds_only_for_the_facts_it_was_made_with(project: Project) -> None:
    saved(project, as_another(project, "first"))
    refused = project.run("apply", "saved.json", state="", env=as_another(project, "second"))
    assert refused.code == 5, refused.err
    assert "host.hostname was first when reviewed, is second now" in refused.out + refused.err
    assert not (project.home / "a").exists()
    applied = project.run("apply", "saved.json", "--format", "json", state="", env=as_another(project, "first"))
    assert applied.code == 0, applied.err
    assert applied.trips() == 2


def test_a_secret_by_the_name_of_the_host_stays_one(project: Project) -> None:
    project.write("first.token", "canary-of-the-first")
    project.state(
        {"a": {"file-sync": {"path": "{{ host.home }}/a", "content": "{{ secrets.own }}\n"}}},
        secrets={"own": {"file": "{{ host.hostname }}.token"}},
    )
    environment = as_another(project, "first")
    for words in (("plan", "-vv"), ("plan", "--diff"), ("apply", "-vv"), ("apply", "--format", "json")):
        ran = project.run(*words, env=environment)
        assert ran.code == 0, ran.err
        assert "canary" not in ran.out + ran.err
    assert (project.home / "a").read_text() == "canary-of-the-first\n"
    assert all("canary" not in path.read_text() for path in project.root.rglob(".engine/runs/*"))
    missing = project.run("apply", env=as_another(project, "second"))
    assert missing.code == 3
    assert "secret own" in missing.err
    assert "second.token" in missing.err


def test_retry_and_rollback(project: Project) -> None:
    greeting(project)
    (project.home / "greeting").write_text("before\n")
    (project.home / "other").mkdir()
    assert project.run("apply").code == 1
    assert (project.home / "greeting").read_text() != "before\n"
    (run,) = project.runs()
    (project.home / "other").rmdir()
    retried = project.run("engine", "retry", run, "-y", state="")
    assert retried.code == 0, retried.err
    assert (project.home / "other").is_file()
    back = project.run("engine", "rollback", run, "-y", state="")
    assert back.code == 0, back.err
    assert (project.home / "greeting").read_text() == "before\n"


def test_validate_supposes_a_host(project: Project) -> None:
    greeting(project)
    assert project.run("engine", "validate", "state.yaml", state="").code == 0
    greeting(project, wrong={"when": "host.os == 'linux'", "file-sync": {"path": "/x", "content": "{{ nothing }}"}})
    ran = project.run("engine", "validate", "state.yaml", state="")
    assert ran.code == 3
    assert "`nothing` is not defined" in ran.err
    assert "assuming a host with os linux" in ran.err


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with own_sshd(tmp_path) as server:
        yield server


@pytest.mark.sshd
@needs_sshd
def test_over_ssh_facts_cost_no_trip(tmp_path: Path, sshd: Sshd) -> None:
    project = Project(tmp_path, sshd.variables())
    greeting(project)

    def counted(*words: str) -> tuple[Ran, int]:
        sshd.forget()
        before = sshd.logins()
        ran = project.run(*words, "--format", "json")
        assert ran.code == 0, ran.err
        assert sshd.logins() - before == 1
        assert ran.trips() == sshd.execs()
        return ran, sshd.execs()

    assert counted("plan")[1] == 1
    assert counted("apply")[1] == 2
    assert (project.home / "greeting").read_text().endswith(f": {platform.node()}\n")
    assert counted("apply")[1] == 1
    assert counted("plan", "--out", "saved.json")[1] == 1
    project.state({"a": {"file-sync": {"path": "{{ host.user }}", "content": "x"}}})
    sshd.forget()
    wrong = project.run("plan", "--format", "json")
    assert (wrong.code, wrong.trips(), sshd.execs()) == (3, 1, 1)


@needs_become
@pytest.mark.parametrize("password", [None, PASSWORD], ids=["free", "asking"])
def test_the_user_is_the_one_that_programs_run_as(tmp_path: Path, password: str | None) -> None:
    rule = "ALL" if password else "NOPASSWD: ALL"
    with machine(sudoers=f"{CAROL} ALL=(ALL) {rule}") as made:
        own = {"ansible_become": True, "ansible_become_user": DAVE, "ansible_become_password": password}
        project = Project(tmp_path, {**made.variables(), **own})
        project.state({"a": {"file-sync": {"path": "{{ host.home }}/a", "content": "{{ host.user }}\n"}}})
        made.forget()
        ran = project.run("apply", "--format", "json")
        assert ran.code == 0, ran.err
        assert made.execs() == 2
        assert PASSWORD not in project.run("plan", "-vv").err
        facts = project.run("plan", "--format", "json").data["hosts"][0]["facts"]
        assert facts["user"] == DAVE
        assert facts["home"].endswith(DAVE)


MACHINE = ("distribution", "version", "codename", "address", "cores", "memory", "init")


def test_what_the_machine_is_is_known_in_one_trip_and_reviewed(project: Project) -> None:
    text = "\n".join(f"{name} {{{{ host.{name} | default('none') }}}}" for name in MACHINE) + "\n"
    project.state(
        {
            "machine": {"file-sync": {"path": "{{ host.home }}/machine", "content": text}},
            "large": {"when": "host.cores * 1024 > 10 ** 9", "file-sync": {"path": "/never", "content": "x"}},
        }
    )
    plan = project.run("plan", "--format", "json")
    assert plan.code == 0, plan.err
    (host,) = plan.data["hosts"]
    assert host["trips"] == 1
    assert set(host["facts"]) <= {*MACHINE, "home"}
    release = platform.freedesktop_os_release()
    assert host["facts"]["distribution"] == release["ID"]
    assert host["facts"].get("version") == release.get("VERSION_ID")
    assert host["facts"]["cores"] == str(len(os.sched_getaffinity(0)))
    assert project.run("plan", "--out", "plan.json").code == 0

    commands = project.root.parent / "bin"
    commands.mkdir()
    (commands / "nproc").write_text("#!/bin/sh\necho 4096\n")
    (commands / "nproc").chmod(stat.S_IRWXU)
    changed = project.run("apply", "plan.json", state="", env={"PATH": f"{commands}:{os.environ['PATH']}"})
    assert changed.code == 5
    assert "cores" in changed.out + changed.err
    assert not (project.home / "machine").exists()

    applied = project.run("apply", "plan.json", "--format", "json", state="")
    assert applied.code == 0, applied.err
    assert applied.trips() == 2
    found = dict(line.split(" ", 1) for line in (project.home / "machine").read_text().splitlines())
    assert found == {name: host["facts"].get(name, "none") for name in MACHINE}
