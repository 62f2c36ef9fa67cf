"""plan and apply as another user than the one that connects: the real commands, with real sudo and doas."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.become import ASKING, CAROL, DAVE, FREE, PASSWORD, Machine, machine, needs_become, owner
from tests.integration.project import Project

pytestmark = needs_become


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine(sudoers=FREE, doas=f"permit nopass {CAROL} as {DAVE}") as made:
        yield made


@pytest.fixture
def target(host: Machine) -> Path:
    return host.everybodys()


def project(tmp_path: Path, variables: dict[str, Any], **words: Any) -> Project:
    own = {f"ansible_become_{name}": value for name, value in words.items()}
    return Project(tmp_path, {**variables, **({"ansible_become": True} if words else {}), **own})


def files(target: Path, number: int = 3) -> dict[str, Any]:
    return {f"file-{n}": {"file-sync": {"path": f"{target}/{n}", "content": f"{n}\n"}} for n in range(number)}


@pytest.mark.parametrize("user", ["root", DAVE, CAROL])
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_host_as_another_user(tmp_path: Path, host: Machine, target: Path, user: str, password: str | None) -> None:
    host.rules(ASKING if password else FREE)
    made = project(tmp_path, host.variables(), user=user, password=password)
    made.state(files(target))
    for verb, execs in (("plan", 1), ("apply", 2), ("apply", 1)):
        host.forget()
        ran = made.run(verb, "--format", "json")
        assert ran.code == 0, ran.err
        assert ran.trips() == host.execs() == execs
    assert {owner(path) for path in target.iterdir()} == {user}
    # The lock and what is kept are that user's.
    if user != "root":
        assert owner(host.home(user) / ".local/state/engine") == user
    assert not (host.home(CAROL) / ".local").exists() or user == CAROL


def test_without_ssh(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = project(tmp_path, host.here(), user=DAVE, password=PASSWORD)
    made.state(files(target))
    ran = made.run("apply", "--format", "json")
    assert (ran.code, ran.trips()) == (0, 2), ran.err
    assert {owner(path) for path in target.iterdir()} == {DAVE}


def test_bulk_content(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(f"Defaults use_pty\n{ASKING}")
    made = project(tmp_path, host.variables(), user=DAVE, password=PASSWORD)
    for n in range(40):
        made.write(f"tree/{n}", f"{n}\n" * 20000)
    made.state({"tree": {"file-sync": {"path": f"{target}/tree", "source": "tree"}}})
    ran = made.run("apply", "--format", "json")
    assert (ran.code, ran.trips()) == (0, 3), ran.err
    assert {owner(path) for path in (target / "tree").rglob("*")} == {DAVE}
    assert (target / "tree/7").read_text() == "7\n" * 20000
    assert [path.name for path in target.iterdir()] == ["tree"], "staging was left behind"
    assert made.run("apply", "--format", "json").trips() == 1


def test_the_command_line_fills_in(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = Project(tmp_path)
    made.inventory({"here": host.variables()})
    made.state(files(target))
    words = ["--become", "--become-user", DAVE, "-K"]
    command = made.command("apply", *words)
    ran = typed(made, command, f"{PASSWORD}\n")
    assert ran.returncode == 0, ran.stderr
    assert {owner(path) for path in target.iterdir()} == {DAVE}
    # What the inventory says comes first.
    made.inventory({"here": {**host.variables(), "ansible_become_user": "root", "ansible_become_password": PASSWORD}})
    for path in target.iterdir():
        path.unlink()
    assert typed(made, command, "wrong\n").returncode == 0
    assert {owner(path) for path in target.iterdir()} == {"root"}
    made.inventory({"here": {**host.variables(), "ansible_become": False}})
    for path in target.iterdir():
        path.unlink()
    assert typed(made, command, "\n").returncode == 0
    assert {owner(path) for path in target.iterdir()} == {CAROL}


def typed(made: Project, command: list[str], text: str) -> Any:
    import subprocess

    return subprocess.run(
        command, cwd=made.root, env=made.environment(), input=text, capture_output=True, text=True, timeout=120
    )


def test_what_is_asked_for_again(tmp_path: Path, host: Machine, target: Path) -> None:
    """A retry, a saved plan and a rollback become whom the run became."""
    made = Project(tmp_path)
    made.inventory({"here": host.variables()})
    made.state({**files(target, 1), "locked": {"file-sync": {"path": f"{target}/no/x", "content": "x"}}})
    ran = made.run("apply", "-b", "--become-user", DAVE)
    assert ran.code == 1
    (target / "no").mkdir()
    os.chown(target / "no", 23001, 23001)
    (run,) = made.runs()
    ran = made.run("engine", "retry", run, "-y", state="")
    assert ran.code == 0, ran.err + ran.out
    assert owner(target / "no/x") == DAVE

    made.state({"saved": {"file-sync": {"path": f"{target}/saved", "content": "x"}}})
    assert made.run("plan", "-b", "--become-user", DAVE, "--out", "saved.json").code == 0
    assert made.run("apply", "saved.json", "-b", state="").code == 3
    assert made.run("apply", "saved.json", state="").code == 0
    assert owner(target / "saved") == DAVE

    made.state({"saved": {"file-sync": {"path": f"{target}/saved", "content": "y"}}})
    assert made.run("apply", "-b", "--become-user", DAVE).code == 0
    ran = made.run("engine", "rollback", made.runs()[-1], "-y", state="")
    assert ran.code == 0, ran.err
    assert (target / "saved").read_text() == "x"
    assert owner(target / "saved") == DAVE


def test_the_password_shows_nowhere(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = Project(tmp_path)
    made.inventory({"here": {**host.variables(), "note": f"x {PASSWORD} y"}})
    made.state({"a": {"file-sync": {"path": f"{target}/a", "content": f"{PASSWORD}\n"}}})
    ran = typed(made, made.command("apply", "-b", "-K", "-vv", "--diff"), f"{PASSWORD}\n")
    assert ran.returncode == 0, ran.stderr
    assert (target / "a").read_text() == f"{PASSWORD}\n"
    assert "a program of" in ran.stderr
    for text in (ran.stdout, ran.stderr, json.dumps(made.events())):
        assert PASSWORD not in text
    for path in (made.root / ".engine").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in host.log()


@pytest.mark.parametrize(
    ("sudoers", "password", "message"),
    [
        (ASKING, "another one", "the password is wrong"),
        (ASKING, None, "set ansible_become_password, run with -K, or give the user a NOPASSWD rule"),
        ("", PASSWORD, "carol is not in the sudoers file"),
        (f"Defaults requiretty\n{FREE}", None, "remove `requiretty` from"),
    ],
)
def test_refusals(
    tmp_path: Path, host: Machine, target: Path, sudoers: str, password: str | None, message: str
) -> None:
    host.rules(sudoers)
    made = project(tmp_path, host.variables(), user="root", password=password)
    made.state(files(target))
    for verb in ("plan", "apply"):
        ran = made.run(verb)
        assert ran.code == 1
        assert message in ran.out + ran.err
        assert "cannot become root with sudo, so nothing was run" in ran.out + ran.err
        assert "Traceback" not in ran.err
        assert "#begin" not in ran.out + ran.err
    assert list(target.iterdir()) == []


def test_a_way_that_is_not_there_is_invalid_input(tmp_path: Path) -> None:
    made = project(tmp_path, {"ansible_connection": "local"}, method="runas")
    made.state({"a": {"file-sync": {"path": f"{tmp_path}/a", "content": "x"}}})
    ran = made.run("plan")
    assert ran.code == 3
    assert "here: unknown method `runas` (ansible_become_method)" in ran.err
    assert stat.S_ISDIR(tmp_path.stat().st_mode)


def test_unlock_as_the_user_that_locked(tmp_path: Path, host: Machine, target: Path) -> None:
    made = project(tmp_path, host.variables(), user=DAVE)
    made.state({"a": {"file-sync": {"path": f"{target}/a", "content": "x"}}})
    assert made.run("apply").code == 0
    (directory,) = (host.home(DAVE) / ".local/state/engine").glob("*/staging")
    lock = directory.parent / "lock"
    lock.write_text("id 1\nwho nobody@nowhere\nsince then\nboot never\nproc 1 1\n")
    lock.chmod(0o644)
    ran = made.run("engine", "unlock", "here", "--show", state="")
    assert "a dead program left a lock: nobody@nowhere" in ran.out
    assert "is broken" in made.run("engine", "unlock", "here", state="").out
    assert not lock.exists()


def test_facts_are_of_whom_was_become(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = project(tmp_path, host.variables(), user=DAVE, password=PASSWORD)
    made.state({"a": {"file-sync": {"path": f"{target}/a", "content": "{{ host.user }} {{ host.home }}"}}})
    ran = made.run("apply", "--format", "json")
    assert (ran.code, ran.trips()) == (0, 2), ran.err
    assert (target / "a").read_text() == f"{DAVE} {host.home(DAVE)}"
