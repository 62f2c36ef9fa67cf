"""`become` of one resource: everything of it runs as that user, in the program that runs all the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.become import ASKING, CAROL, DAVE, FREE, PASSWORD, Machine, machine, needs_become, owner
from tests.integration.project import Project

pytestmark = needs_become

RULES = [FREE, f"Defaults use_pty\n{FREE}", ASKING]


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine(sudoers=FREE, doas=f"permit nopass {CAROL} as {DAVE}") as made:
        yield made


@pytest.fixture
def target(host: Machine) -> Path:
    return host.everybodys()


def mine(target: Path, name: str, user: Any, content: str = "x\n", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"file-sync": {"path": f"{target}/{name}", "content": content, **more}}
    return found if user is None else {**found, "become": user}


@pytest.mark.parametrize("rules", RULES, ids=["free", "pty", "password"])
def test_each_file_is_its_users_in_one_exec(tmp_path: Path, host: Machine, target: Path, rules: str) -> None:
    host.rules(rules)
    password = {"ansible_become_password": PASSWORD} if rules == ASKING else {}
    made = Project(tmp_path, {**host.variables(), **password})
    secret = {"ansible": "it's 'a' \"secret\" $HOME `id`\n"}["ansible"]
    made.state(
        {
            "a": mine(target, "a", DAVE, mode="0600"),
            "b": mine(target, "b", True, secret),
            "c": mine(target, "c", None),
            "d": {"file-sync": {"path": "~/d", "content": "home\n"}, "become": DAVE},
            "e": mine(target, "e", CAROL),
            "f": mine(target, "f", False),
        }
    )
    for verb, execs in (("plan", 1), ("apply", 2), ("plan", 1), ("apply", 1)):
        host.forget()
        ran = made.run(verb, "--format", "json")
        assert ran.code == 0, ran.err + ran.out
        assert ran.trips() == host.execs() == execs
    assert set(ran.verdicts().values()) == {"unchanged"}
    owners = {path.name: owner(path) for path in target.iterdir()}
    assert owners == {"a": DAVE, "b": "root", "c": CAROL, "e": CAROL, "f": CAROL}
    assert (target / "b").read_text() == secret
    assert (host.home(DAVE) / "d").read_text() == "home\n"
    assert owner(host.home(DAVE) / "d") == DAVE


@pytest.mark.parametrize("rules", RULES, ids=["free", "pty", "password"])
def test_bulk_content_is_for_that_user_alone(tmp_path: Path, host: Machine, target: Path, rules: str) -> None:
    host.rules(rules)
    password = {"ansible_become_password": PASSWORD} if rules == ASKING else {}
    made = Project(tmp_path, {**host.variables(), **password})
    for n in range(20):
        made.write(f"tree/{n}", f"{n}\n" * 20000)
    tree = {"path": f"{target}/tree", "source": "tree"}
    other = {"path": f"{target}/other", "source": "tree"}
    made.state({"tree": {"file-sync": tree, "become": DAVE}, "other": {"file-sync": other}})
    ran = made.run("apply", "--format", "json")
    assert (ran.code, ran.trips()) == (0, 4), ran.err + ran.out
    assert {owner(path) for path in (target / "tree").rglob("*")} == {DAVE}
    assert {owner(path) for path in (target / "other").rglob("*")} == {CAROL}
    assert sorted(path.name for path in target.iterdir()) == ["other", "tree"], "staging was left behind"
    for user in (CAROL, DAVE):
        assert not list((host.home(user) / ".local/state/engine").glob("*/staging/*"))
    assert made.run("apply", "--format", "json").trips() == 1


def test_on_a_host_that_becomes_root(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = Project(tmp_path, {**host.variables(), "ansible_become": True, "ansible_become_password": PASSWORD})
    made.state({"a": mine(target, "a", DAVE), "b": mine(target, "b", "root"), "c": mine(target, "c", None)})
    ran = made.run("apply", "--format", "json")
    assert (ran.code, ran.trips()) == (0, 2), ran.err + ran.out
    assert {path.name: owner(path) for path in target.iterdir()} == {"a": DAVE, "b": "root", "c": "root"}


def test_by_doas(tmp_path: Path, host: Machine, target: Path) -> None:
    made = Project(tmp_path, {**host.variables(), "ansible_become_method": "doas"})
    made.state({"a": mine(target, "a", DAVE), "b": {**mine(target, "b", "root"), "needs": []}})
    ran = made.run("apply")
    assert ran.code == 1
    assert owner(target / "a") == DAVE
    assert "carol cannot become root: doas: Operation not permitted" in ran.out
    assert not (target / "b").exists()


@pytest.mark.parametrize(
    ("rules", "password", "message"),
    [
        (ASKING, None, "carol cannot become dave: sudo: a password is required (set ansible_become_password"),
        (ASKING, "another one", "carol cannot become dave: sudo: 1 incorrect password attempt"),
        ("", PASSWORD, "carol is not in the sudoers file"),
        (f"Defaults requiretty\n{FREE}", None, "you must have a tty"),
    ],
)
def test_refusals_are_of_that_resource_alone(
    tmp_path: Path, host: Machine, target: Path, rules: str, password: str | None, message: str
) -> None:
    host.rules(rules)
    made = Project(tmp_path, {**host.variables(), "ansible_become_password": password})
    made.state({"a": mine(target, "a", DAVE), "b": {**mine(target, "b", None), "needs": []}})
    ran = made.run("plan")
    assert ran.code == 1
    assert message in ran.out
    assert made.run("apply").code == 1
    assert [path.name for path in target.iterdir()] == ["b"]


def test_the_password_shows_nowhere(tmp_path: Path, host: Machine, target: Path) -> None:
    host.rules(ASKING)
    made = Project(tmp_path, {**host.variables(), "ansible_become_password": PASSWORD})
    script = {"a": mine(target, "a", DAVE)}
    made.state(script)
    ran = made.run("apply", "-vv")
    assert ran.code == 0, ran.err
    assert "_engine_password=" in ran.err
    for text in (ran.out, ran.err, json.dumps(made.events()), host.log()):
        assert PASSWORD not in text


def test_rollback_as_that_user(tmp_path: Path, host: Machine, target: Path) -> None:
    made = Project(tmp_path, host.variables())
    made.state({"a": mine(target, "a", DAVE, "one\n", mode="0600")})
    assert made.run("apply").code == 0
    made.state({"a": mine(target, "a", DAVE, "two\n", mode="0600")})
    assert made.run("apply").code == 0
    assert list((host.home(DAVE) / ".local/state/engine/kept").glob("*/*"))
    ran = made.run("engine", "rollback", made.runs()[-1], "-y", state="")
    assert ran.code == 0, ran.err + ran.out
    assert (target / "a").read_text() == "one\n"
    assert owner(target / "a") == DAVE


def test_a_reviewed_plan_with_another_user_is_refused(tmp_path: Path, host: Machine, target: Path) -> None:
    made = Project(tmp_path, host.variables())
    made.state({"a": mine(target, "a", DAVE)})
    assert made.run("plan", "--out", "saved.json").code == 0
    made.state({"a": mine(target, "a", "root")})
    assert made.run("apply", "saved.json", state="").code == 5
    assert list(target.iterdir()) == []
