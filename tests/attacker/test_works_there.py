"""What must go on working where others can write, and be as it was but for what is declared.

Beside the attacker's number (1000, as it were) there is another user (999), who owns something below his home.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacker.arena import MALLORY, PRIVATE, Form, arena, forms

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to users")

OTHER = MALLORY + 1
LINE = PRIVATE.splitlines()[0]
OURS: Mapping[str, Any] = {"owner": OTHER, "mode": "0750"}
Expected = Mapping[str, tuple[str, int | None, int]]
"""Name below the home → content, owner (None: not told) and mode."""


def sync(path: str = "app/file", **params: Any) -> dict[str, Any]:
    return {"file-sync": {"path": f"HOME/{path}", **params}}


def password(text: str = "", **keys: Any) -> dict[str, Any]:
    """A directory that a container made below the home, and what is in it."""
    there = {"app/login/PASSWORD": {"text": text, "owner": 0, "mode": "0600"}} if text else {}
    return {"app/login/": {"owner": 0}, **there, **keys}


def secret(**params: Any) -> dict[str, Any]:
    return sync("app/login/PASSWORD", first_line="SECRET", **params)


WORKS: dict[str, tuple[dict[str, Any], dict[str, Any], Expected]] = {
    "PASSWORD": (
        secret(mode="0600", parents=True),
        password("old\nsecond\n"),
        {"app/login/PASSWORD": (f"{LINE}\nsecond\n", 0, 0o600)},
    ),
    "PASSWORD, missing": (
        secret(mode="0600", parents=True),
        password(),
        {"app/login/PASSWORD": (f"{LINE}\n", 0, 0o600)},
    ),
    "PASSWORD, given": (
        secret(owner="root", group="root", mode="0600"),
        password("old\nsecond\n", **{"app/login/KEY": {"text": "hers\n", "owner": 0}}),
        {"app/login/PASSWORD": (f"{LINE}\nsecond\n", 0, 0o600), "app/login/KEY": ("hers\n", 0, 0o644)},
    ),
    "below another user": (
        sync("app/data/file", content="new\n"),
        {"app/data/": OURS, "app/data/file": {"text": "old\n", "owner": OTHER, "mode": "0600"}},
        {"app/data/file": ("new\n", OTHER, 0o600)},
    ),
    "below another user, line": (
        sync("app/data/file", first_line="new"),
        {"app/data/": OURS, "app/data/file": {"text": "old\nsecond\n", "owner": OTHER, "mode": "0640"}},
        {"app/data/file": ("new\nsecond\n", OTHER, 0o640)},
    ),
    "below another user, mode": (
        sync("app/data/file", mode="0600"),
        {"app/data/": OURS, "app/data/file": {"text": "old\n", "owner": OTHER, "mode": "0644"}},
        {"app/data/file": ("old\n", OTHER, 0o600)},
    ),
    "below another user, new": (
        sync("app/data/file", content="new\n"),
        {"app/data/": OURS},
        {"app/data/file": ("new\n", None, 0o644)},
    ),
    "group-writable": (
        sync(content="new\n"),
        {"app/": {"mode": "0775"}, "app/file": "old\n"},
        {"app/file": ("new\n", MALLORY, 0o644)},
    ),
    "group-writable, root's": (
        sync("app/shared/file", content="new\n"),
        {
            "app/shared/": {"owner": 0, "group": MALLORY, "mode": "0775"},
            "app/shared/file": {"text": "old\n", "owner": 0},
        },
        {"app/shared/file": ("new\n", 0, 0o644)},
    ),
    "setgid": (
        sync(content="new\n"),
        {"app/": {"mode": "2775"}},
        {"app/file": ("new\n", None, 0o644)},
    ),
    "sticky": (
        sync("app/tmp/file", content="new\n"),
        {"app/tmp/": {"owner": 0, "mode": "1777"}, "app/tmp/file": {"text": "old\n", "owner": 0}},
        {"app/tmp/file": ("new\n", 0, 0o644)},
    ),
    "sticky, new": (
        sync("app/tmp/file", content="new\n", owner="root"),
        {"app/tmp/": {"owner": 0, "mode": "1777"}},
        {"app/tmp/file": ("new\n", 0, 0o644)},
    ),
    "sticky, root's directory": (
        sync("app/tmp/x/sub/file", content="new\n", parents=True),
        {"app/tmp/": {"owner": 0, "mode": "1777"}, "app/tmp/x/": {"owner": 0}},
        {"app/tmp/x/sub/file": ("new\n", 0, 0o644)},
    ),
    "backup": (
        sync(content="new\n", backup=2),
        {"app/file": {"text": "old\n", "mode": "0600"}, "app/file.bak": "older\n"},
        {
            "app/file": ("new\n", MALLORY, 0o600),
            "app/file.bak": ("old\n", MALLORY, 0o600),
            "app/file.bak.2": ("older\n", MALLORY, 0o644),
        },
    ),
    "backup, PASSWORD": (
        secret(backup=1),
        password("old\nsecond\n"),
        {
            "app/login/PASSWORD": (f"{LINE}\nsecond\n", 0, 0o600),
            "app/login/PASSWORD.bak": ("old\nsecond\n", 0, 0o600),
        },
    ),
    "keys": (
        sync("app/.env", dotenv={"A": "1"}),
        {"app/.env": {"text": "# hers\nA=0\nB=2\n", "mode": "0640"}},
        {"app/.env": ("# hers\nA='1'\nB=2\n", MALLORY, 0o640)},
    ),
    "given to him": (
        sync(content="new\n", owner=str(MALLORY), mode="0640"),
        {"app/": {}},
        {"app/file": ("new\n", MALLORY, 0o640)},
    ),
    "parents": (
        sync("app/a/b/file", content="new\n", parents=True, owner=str(MALLORY)),
        {"app/": {}},
        {"app/a/b/file": ("new\n", MALLORY, 0o644)},
    ),
    "rollback": (
        sync(content="new\n"),
        {"app/file": {"text": "old\n", "mode": "0600"}},
        {"app/file": ("old\n", MALLORY, 0o600)},
    ),
    "rollback, PASSWORD": (
        secret(),
        password("old\nsecond\n"),
        {"app/login/PASSWORD": ("old\nsecond\n", 0, 0o600)},
    ),
}


@pytest.mark.parametrize("name", WORKS)
def test_it_is_as_declared_and_nothing_is_left(name: str) -> None:
    resource, lay, expected = WORKS[name]
    verbs = ("apply", "rollback") if name.startswith("rollback") else ("apply",)
    with arena(Form(name, resource, lay=lay, verbs=verbs), "nothing") as made:
        made.lay()
        for verb in verbs:
            code, said = made.run(verb)
            assert code == 0, said
        for below, (text, owner, mode) in expected.items():
            info = (made.home / below).lstat()
            assert (made.home / below).read_text() == text
            assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (info.st_uid if owner is None else owner, mode)
            if (made.home / below).parent.stat().st_mode & stat.S_ISGID:
                assert info.st_gid == MALLORY
        files = {str(path.relative_to(made.home)) for path in made.home.rglob("*") if not path.is_dir()}
        assert files == {*expected, *(below for below in lay if not below.endswith("/"))}


@pytest.mark.skipif(not shutil.which("setfacl"), reason="setfacl is missing (scripts/setup tests)")
@pytest.mark.parametrize("owner", [0, MALLORY])
@pytest.mark.parametrize("mode", ["0755", "0775"])
def test_a_default_acl_opens_nothing_and_goes_on(owner: int, mode: str) -> None:
    """The umask counts for nothing below a directory that has one."""
    lay = {"app/acl/": {"owner": owner, "mode": mode}}
    form = Form("acl", sync("app/acl/file", content="new\n", mode="0600", owner=str(owner)), "app/acl/file", lay)
    with arena(form, "nothing") as made:
        made.lay()
        subprocess.run(["setfacl", "-d", "-m", f"u:{OTHER}:rwx,m::rwx", str(made.path.parent)], check=True)
        code, said = made.run("apply")
        assert code == 0, said
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
        as_other = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "cat", str(made.path)]
        assert subprocess.run(as_other, capture_output=True, check=False).returncode != 0
        kept = subprocess.run(["getfacl", "-n", str(made.path)], capture_output=True, text=True, check=True).stdout
        assert f"user:{OTHER}:" in kept


def test_a_clone_belongs_to_the_owner_of_where_it_is() -> None:
    with arena(forms()["clone"], "nothing") as made:
        made.lay()
        code, said = made.run("apply")
        assert code == 0, said
        assert (made.path / "file").read_text() == "newer\n"
        assert {path.lstat().st_uid for path in (made.path, *made.path.rglob("*"))} == {MALLORY}
