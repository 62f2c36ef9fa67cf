"""Between `plan --out` and `apply plan.json`: what changed on a host keeps that host as it is, and only that one."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from demo.sandbox import git, run
from tests.integration.main_job import TOP

BIN = Path(sys.executable).parent
NAMES = ("a", "b", "c")
KEY = "a key that the tests of the review share"

STATE = """\
name: review
hosts: all
vars: { place: "", colour: red }
secrets:
  token: { file: token }
resources:
  settings:
    file-sync: { path: "{{ place }}/settings", content: "colour = {{ colour }}\\n", mode: "0640", owner: root }
  credential:
    file-sync: { path: "{{ place }}/credential", first_line: "{{ secrets.token }}", mode: "0600" }
  tree:
    file-sync: { path: "{{ place }}/tree", source: assets, delete: true }
  code:
    git-clone: { repo: ROOT/code.git, path: "{{ place }}/code", revision: main }
  gone:
    file-sync: { path: "{{ place }}/gone", state: absent }
  done:
    file-sync: { path: "{{ place }}/done", content: "as it should be\\n", mode: "0644", owner: root }
"""


@dataclass(frozen=True)
class Team:
    """A project with three local hosts, each in a directory of its own, and a plan of it that was reviewed."""

    root: Path

    @property
    def plan(self) -> Path:
        return self.root / "plan.json"

    def host(self, name: str) -> Path:
        return self.root / "hosts" / name

    def command(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.root / "home"), "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        return subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=self.root,
            env={name: text for name, text in {**os.environ, **home, **env}.items() if text},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    def reset(self) -> None:
        """Hosts and repository as they were when the plan was made."""
        for name in ("hosts", "code.git"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            run(["cp", "-a", str(self.root / "pristine" / name), str(self.root / name)])

    def as_left(self, name: str) -> dict[str, tuple[int, int, bytes]]:
        """Everything below a host's directory, git's own files too: mode, owner, content."""
        found = {}
        for path in sorted(self.host(name).rglob("*")):
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            if path.name not in ("index", "FETCH_HEAD"):  # reading a checkout may refresh its index
                found[str(path)] = (stat.S_IMODE(about.st_mode), about.st_uid, content)
        return found


def lay_out(root: Path) -> None:
    hosts = {name: {"ansible_connection": "local", "place": str(root / "hosts" / name)} for name in NAMES}
    (root / "inventory.yaml").write_text(json.dumps({"all": {"hosts": hosts}}))
    (root / "web.yaml").write_text(STATE.replace("ROOT", str(root)))
    (root / "token").write_text("the-new-credential\n")
    (root / "token").chmod(0o600)
    (root / "home").mkdir()
    (root / "assets/deep").mkdir(parents=True)
    (root / "assets/one.css").write_text("one\n")
    (root / "assets/deep/two.css").write_text("two\n")
    code = root / "pristine/code.git"
    code.mkdir(parents=True)
    git(code, "init", "-q", "-b", "main")
    for name in ("oldest", "older", "newer"):
        (code / "file").write_text(name)
        git(code, "add", "-A")
        git(code, "commit", "-q", "-m", name)
        git(code, "tag", name)
    for name in NAMES:
        host = root / "pristine/hosts" / name
        (host / "tree").mkdir(parents=True)
        (host / "tree/one.css").write_text("an old one\n")
        (host / "settings").write_text("colour = blue\n")
        (host / "settings").chmod(0o600)
        (host / "credential").write_text("the-old-credential\nartist")
        (host / "credential").chmod(0o600)
        (host / "gone").write_text("still here\n")
        (host / "done").write_text("as it should be\n")
        (host / "done").chmod(0o644)
        git(host, "clone", "-q", "--branch", "older", str(code), "code")
        git(host / "code", "remote", "set-url", "origin", str(root / "code.git"))


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Team:
    team = Team(tmp_path_factory.mktemp("review"))
    lay_out(team.root)
    team.reset()
    done = team.command("plan", "web.yaml", "--out", "plan.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return team


@pytest.fixture
def team(reviewed: Team) -> Iterator[Team]:
    """The reviewed plan, and hosts that are what it says."""
    kept = {path: path.read_bytes() for path in reviewed.root.iterdir() if path.is_file()}
    key = (reviewed.root / ".engine/key").read_bytes()
    reviewed.reset()
    yield reviewed
    for path in reviewed.root.iterdir():
        if path.is_file() and path not in kept:
            path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)
    (reviewed.root / ".engine/key").write_bytes(key)
    (reviewed.root / ".engine/key").chmod(0o600)


def moved(branch: Path) -> None:
    (branch / "file").write_text("newest")
    git(branch, "commit", "-qam", "newest")


EDITS: dict[str, tuple[Callable[[Path], object], str]] = {
    "content": (lambda host: (host / "settings").write_text("colour = green\n"), "settings: content"),
    "content brought to its goal": (
        lambda host: (host / "settings").write_text("colour = red\n"),
        "settings: content",
    ),
    "one byte more": (lambda host: (host / "settings").write_text("colour = blue\n\n"), "settings: content"),
    "mode": (lambda host: (host / "settings").chmod(0o604), "settings: mode"),
    "owner": (lambda host: os.chown(host / "settings", 65534, -1), "settings: owner"),
    "file removed": (lambda host: (host / "settings").unlink(), "settings: was present"),
    "file made a directory": (
        lambda host: ((host / "settings").unlink(), (host / "settings").mkdir()),
        "settings: ",
    ),
    "content of what had converged": (lambda host: (host / "done").write_text("edited\n"), "done: content"),
    "mode of what had converged": (lambda host: (host / "done").chmod(0o666), "done: mode"),
    "owner of what had converged": (lambda host: os.chown(host / "done", 65534, -1), "done: owner"),
    "what had converged removed": (lambda host: (host / "done").unlink(), "done: was present"),
    "credential": (
        lambda host: (host / "credential").write_text("the-third-credential\nartist"),
        "credential: line 1",
    ),
    "mode of the credential": (lambda host: (host / "credential").chmod(0o644), "credential: mode"),
    "content in a tree": (lambda host: (host / "tree/one.css").write_text("edited\n"), "tree: "),
    "file added to a tree": (lambda host: (host / "tree/three.css").write_text("three\n"), "tree: "),
    "file removed from a tree": (lambda host: (host / "tree/one.css").unlink(), "tree: "),
    "tree removed": (lambda host: shutil.rmtree(host / "tree"), "tree: "),
    "commit checked out": (lambda host: git(host / "code", "checkout", "-q", "oldest"), "code: revision"),
    "remote": (lambda host: git(host / "code", "remote", "set-url", "origin", "/nowhere"), "code: remote"),
    "uncommitted change": (
        lambda host: (host / "code/file").write_text("by hand"),
        "code: status was change when reviewed, is refused now: 1 file in",
    ),
    "checkout removed": (lambda host: shutil.rmtree(host / "code"), "code: was present"),
    "already gone": (lambda host: (host / "gone").unlink(), "gone: was present"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_one_edit_on_one_host_refuses_that_host_and_no_other(team: Team, edit: str) -> None:
    change, said = EDITS[edit]
    change(team.host("b"))
    left = team.as_left("b")
    done = team.command("apply", "plan.json")
    assert done.returncode == 5, done.stdout + done.stderr
    assert f"b/{said}" in done.stdout
    assert team.as_left("b") == left
    for name in ("a", "c"):
        assert f"{name}/" not in done.stdout
        assert (team.host(name) / "settings").read_text() == "colour = red\n"
        assert (team.host(name) / "credential").read_text() == "the-new-credential\nartist"
        assert not (team.host(name) / "gone").exists()
    assert "the-" not in done.stdout + done.stderr


def test_untouched_hosts_are_applied_as_reviewed(team: Team) -> None:
    done = team.command("apply", "plan.json", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    after = team.command("plan", "web.yaml", "--detailed-exitcode")
    assert after.returncode == 0, after.stdout
    # It says what was to change then: once carried out, it holds no longer.
    again = team.command("apply", "plan.json")
    assert again.returncode == 5
    assert "a/settings: content" in again.stdout


def test_a_branch_that_moved_refuses_every_host_that_follows_it(team: Team) -> None:
    moved(team.root / "code.git")
    left = {name: team.as_left(name) for name in NAMES}
    done = team.command("apply", "plan.json")
    assert done.returncode == 5
    newer, newest = (git(team.root / "code.git", "rev-parse", name).strip() for name in ("newer", "main"))
    for name in NAMES:
        assert f"{name}/code: revision was to become {newer} when reviewed, would become {newest} now" in done.stdout
        assert team.as_left(name) == left[name]


def test_limit_applies_a_part(team: Team) -> None:
    left = team.as_left("a")
    (team.host("a") / "settings").chmod(0o606)
    left = team.as_left("a")
    done = team.command("apply", "plan.json", "--limit", "c")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (team.host("c") / "settings").read_text() == "colour = red\n"
    assert (team.host("b") / "settings").read_text() == "colour = blue\n"
    assert team.as_left("a") == left
    nobody = team.command("apply", "plan.json", "--limit", "nobody")
    assert nobody.returncode == 3
    assert "nobody" in nobody.stderr


def test_two_plans_of_the_same_thing_differ_in_their_time_only(team: Team) -> None:
    assert team.command("plan", "web.yaml", "--out", "again.json").returncode == 0
    first, second = (json.loads((team.root / name).read_text()) for name in ("plan.json", "again.json"))
    times = [document["made"] for document in (first, second)]
    lines = [(team.root / name).read_text().splitlines() for name in ("plan.json", "again.json")]
    differing = [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]]
    assert len(differing) <= 2
    for pair in differing:
        assert all(any(str(value) in line for value in made.values()) for line, made in zip(pair, times, strict=True))
    assert stat.S_IMODE((team.root / "again.json").stat().st_mode) == 0o600


def test_the_plan_is_as_its_published_schema_says(team: Team) -> None:
    schema = json.loads((TOP / "engine/views/saved-plan.schema.json").read_text())
    assert [
        error.message for error in Draft202012Validator(schema).iter_errors(json.loads(team.plan.read_text()))
    ] == []


def refused(team: Team, *words: str, said: tuple[str, ...], code: int = 5, **env: str) -> None:
    left = {name: team.as_left(name) for name in NAMES}
    done = team.command("apply", "plan.json", *words, **env)
    assert done.returncode == code, done.stdout + done.stderr
    for text in said:
        assert text in done.stderr
    assert {name: team.as_left(name) for name in NAMES} == left


@pytest.mark.parametrize("name", ["web.yaml", "inventory.yaml", "assets/one.css"])
def test_an_edited_source_is_refused(team: Team, name: str) -> None:
    path = team.root / name
    kept = path.read_bytes()
    path.write_bytes(kept + b"\n")
    try:
        refused(team, said=(f"{name} changed", "Plan again: plan web.yaml --out plan.json"))
    finally:
        path.write_bytes(kept)


def test_a_source_that_is_new_is_refused(team: Team) -> None:
    new = team.root / "assets/new.css"
    new.write_text("new\n")
    try:
        refused(team, said=("assets/new.css is new",))
    finally:
        new.unlink()


def test_other_variables_are_refused(team: Team) -> None:
    refused(team, "-e", "colour=green", said=("-e colour is new",))
    team.plan.unlink()
    assert team.command("plan", "web.yaml", "-e", "colour=green", "--out", "plan.json").returncode == 0
    refused(team, said=("-e colour is missing",))
    refused(team, "-e", "colour=pink", said=("-e colour changed",))
    assert "green" not in json.dumps(json.loads(team.plan.read_text())["variables"])
    assert team.command("apply", "plan.json", "-e", "colour=green", "--limit", "a").returncode == 0
    assert (team.host("a") / "settings").read_text() == "colour = green\n"


def test_another_inventory_is_refused(team: Team) -> None:
    shutil.copy(team.root / "inventory.yaml", team.root / "other.yaml")
    refused(team, "-i", "other.yaml", said=("has its own inventory",), code=3)
    (team.root / "inventory.yaml").rename(team.root / "elsewhere.yaml")
    refused(team, said=("inventory.yaml",), code=3)


def test_a_secret_that_changed_since_refuses_the_hosts_it_is_for(team: Team) -> None:
    (team.root / "token").write_text("the-fourth-credential\n")
    done = team.command("apply", "plan.json")
    assert done.returncode == 5
    assert "b/credential: line 1 was to become secret:" in done.stdout
    assert (team.host("b") / "settings").read_text() == "colour = blue\n"


def test_without_the_key_it_is_refused_and_the_way_to_share_it_is_told(team: Team) -> None:
    (team.root / ".engine/key").unlink()
    refused(team, said=("there is no key", "ENGINE_KEY", ".engine/key"), ENGINE_KEY="")
    assert not (team.root / ".engine/key").exists()


def test_under_another_key_it_is_refused(team: Team) -> None:
    refused(team, said=("was made with key", "must share one key"), ENGINE_KEY=KEY)


def test_a_key_shared_by_environment_does(team: Team) -> None:
    key = (team.root / ".engine/key").read_text().strip()
    (team.root / ".engine/key").unlink()
    assert team.command("apply", "plan.json", "--limit", "a", ENGINE_KEY=key).returncode == 0


def test_an_edited_plan_is_refused(team: Team) -> None:
    text = team.plan.read_text()
    for edited in (text.replace("0640", "0666"), text + "\n", text.replace('"hosts"', '"hosts" ', 1)):
        assert edited != text
        team.plan.write_text(edited)
        refused(team, said=("was changed after it was made; nothing of it is applied",))
    team.plan.write_text(text[: len(text) // 2])
    refused(team, said=("is not a saved plan",))
