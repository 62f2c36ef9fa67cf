"""What was agreed to is what is replaced: an edit between the look and the action is left, and said."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Project
from tests.integration.test_question import Terminal

FORMS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "content": ({"content": "new\n"}, {"it": "old\n"}),
    "content, new": ({"content": "new\n"}, {}),
    "a large source": ({"source": "big"}, {"it": "old\n"}),
    "template": ({"template": "page.j2"}, {"it": "old\n"}),
    "first line": ({"first_line": "new"}, {"it": "old\nsecond\n"}),
    "dotenv": ({"dotenv": {"A": "new"}}, {"it": "A=old\nB=1\n"}),
    "tree": ({"source": "tree"}, {"it/a": "old\n"}),
    "tree, delete": ({"source": "tree", "delete": True}, {"it/a": "new\n", "it/stranger": "old\n"}),
    "mode": ({"mode": "0600"}, {"it": "old\n"}),
    "absent": ({"state": "absent"}, {"it": "old\n"}),
    "directory": ({"state": "directory"}, {}),
}
EDITS: dict[str, Callable[[Path], object]] = {
    form: lambda at: at.write_text("edited\nby hand\n") for form in FORMS
} | {
    "dotenv": lambda at: at.write_text("A=edited\nB=1\n"),
    "tree": lambda at: (at / "a").write_text("edited\n"),
    "tree, delete": lambda at: (at / "another").write_text("mine\n"),
    "mode": lambda at: at.chmod(0o640),
    "absent": lambda at: (at.unlink(), at.mkdir()),
}


def as_left(at: Path) -> dict[str, tuple[int, str]]:
    paths = [at, *sorted(at.rglob("*"))]
    return {
        str(path): (stat.S_IMODE(path.stat().st_mode), path.read_text() if path.is_file() else "") for path in paths
    }


def laid_out(tmp_path: Path, form: str) -> Project:
    """A state of two files, the second of this form, and what is there of it."""
    project = Project(tmp_path, {"ansible_connection": "local"})
    (project.root / "big").write_text("new\n" * 20_000)
    (project.root / "page.j2").write_text("new\n")
    (project.root / "tree").mkdir()
    (project.root / "tree/a").write_text("new\n")
    params, there = FORMS[form]
    for name, text in there.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = {"before": {"file-sync": {"path": str(tmp_path / "before"), "content": "x"}}}
    project.state(before | {"it": {"file-sync": {"path": str(tmp_path / "it"), **params}}})
    return project


@pytest.mark.parametrize("form", FORMS)
def test_a_file_edited_while_the_question_stands(tmp_path: Path, form: str) -> None:
    project, at = laid_out(tmp_path, form), tmp_path / "it"
    terminal = Terminal(project, "apply", "state.yaml", pipe=True)
    terminal.asked()
    EDITS[form](at)
    left = as_left(at)
    code, out = terminal.answered("y")
    assert code == 1, out + terminal.shown
    assert "changed since it was planned" in out
    assert as_left(at) == left
    assert (tmp_path / "before").exists(), "the others go on"


@pytest.mark.parametrize("form", FORMS)
def test_what_did_not_change_is_replaced(tmp_path: Path, form: str) -> None:
    project = laid_out(tmp_path, form)
    done = project.run("apply", "-y")
    assert done.code == 0, done.out + done.err


def test_nothing_is_in_the_way_of_what_the_same_apply_makes(tmp_path: Path) -> None:
    """One file of several resources, and what comes into a directory that the same apply makes."""
    project = Project(tmp_path, {"ansible_connection": "local"})
    (tmp_path / "env").write_text("A=old\n")
    at = str(tmp_path / "made")
    project.state(
        {
            "made": {"file-sync": {"path": at, "state": "directory"}},
            "in-it": {"file-sync": {"path": f"{at}/file", "content": "new"}},
            "one": {"file-sync": {"path": str(tmp_path / "env"), "dotenv": {"A": "new"}}},
            "two": {"file-sync": {"path": str(tmp_path / "env"), "dotenv": {"B": "new"}}},
            "three": {"file-sync": {"path": str(tmp_path / "env"), "mode": "0600"}},
        }
    )
    done = project.run("apply", "-y")
    assert done.code == 0, done.out + done.err
