"""Two resources of one host that would fight over a path are found when they are declared, with both places."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from engine.declare.registry import kinds
from engine.errors import InvalidInput
from tests.unit.declare.conftest import Project

FILE = {"file-sync": {"path": "/srv/web/a", "content": "x"}}
FIRST = {"file-sync": {"path": "/srv/web/a", "first_line": "x"}}
KEYS = {"file-sync": {"path": "/srv/web/a", "dotenv": {"A": "1", "B": "2"}}}
OTHER_KEYS = {"file-sync": {"path": "/srv/web/a", "dotenv": {"C": "1"}}}
TREE = {"file-sync": {"path": "/srv/web", "source": "tree"}}
SEALED = {"file-sync": {"path": "/srv/web", "source": "tree", "delete": True, "exclude": ["*.log", "cache"]}}
CLONE = {"git-clone": {"repo": "https://example.org/x.git", "path": "/srv/web"}}
GONE = {"file-sync": {"path": "/srv/web", "state": "absent", "delete": True}}
DIRECTORY = {"file-sync": {"path": "/srv/web", "state": "directory"}}


def file(path: str, **params: Any) -> dict[str, Any]:
    return {"file-sync": {"path": path, **(params or {"content": "x"})}}


def load(project: Project, *resources: dict[str, Any], text: str = "", limit: str = "one") -> None:
    project.write("tree/a", "a")
    project.write("tree/sub/b", "b")
    project.write("other/c", "c")
    named = {f"r{number}": resource for number, resource in enumerate(resources)}
    listed = yaml.safe_dump(named, default_flow_style=True, width=1000)
    project.write("state.yaml", text or f"hosts: one\nresources: {listed}\n")
    project.load(limit=None if limit == "all" else limit, kinds=kinds())


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (FILE, FILE, "manage /srv/web/a: both set its content"),
        (FILE, file("/srv//web/./a/"), "manage /srv/web/a: both set its content"),
        (FILE, FIRST, "both set its content"),
        (KEYS, FILE, "both set its content"),
        (FIRST, FIRST, "both set line 1"),
        (KEYS, KEYS, "both set key A, key B"),
        (file("~/a"), file("~//a"), "manage ~/a: both set its content"),
        (FILE, file("/srv/web/a", state="directory"), "one needs a file there, the other a directory"),
        (CLONE, CLONE, "manage /srv/web: both set its content"),
        (CLONE, TREE, "manage /srv/web: both set its content"),
        (TREE, CLONE, "manage /srv/web: both set its content"),
        (TREE, TREE, "both set the files of"),
        (TREE, FILE, "manage /srv/web/a: both set its content"),
        (FIRST, TREE, "manage /srv/web/a: both set its content"),
        (SEALED, file("/srv/web/own"), "removes everything from /srv/web"),
        (file("/srv/web/sub/own"), SEALED, "removes everything from /srv/web"),
        (SEALED, {"git-clone": {**CLONE["git-clone"], "path": "/srv/web/x"}}, "removes everything from /srv/web"),
        (GONE, FILE, "/srv/web, with everything in it, will be removed"),
        (CLONE, GONE, "one needs a directory there, the other nothing"),
        (GONE, GONE, "both remove it"),
        (file("/srv/web"), FILE, "/srv/web will be a file"),
        (file("/x", mode="0600"), file("/x", content="x", mode="0644"), "they set a different mode"),
        (file("/x", owner="a", state="directory"), file("/x", owner="b", state="directory"), "a different owner"),
    ],
)
def test_what_cannot_both_be(project: Project, first: Any, second: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        load(project, first, second)
    (problem,) = raised.value.problems
    assert problem.message.startswith("`r0` and `r1` cannot both manage ")
    assert said in problem.message
    assert str(problem.where).startswith("state.yaml:2:")
    assert problem.hints[0].startswith("the other is at state.yaml:2:")
    assert problem.hints[0].removeprefix("the other is at ") != str(problem.where)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST, KEYS),
        (KEYS, OTHER_KEYS),
        (CLONE, FILE),
        (CLONE, {"git-clone": {**CLONE["git-clone"], "path": "/srv/web/custom_nodes/x"}}),
        (TREE, file("/srv/web/own")),
        (TREE, {"file-sync": {"path": "/srv/web", "source": "other"}}),
        (SEALED, file("/srv/web/access.log")),
        (SEALED, file("/srv/web/cache/x")),
        (SEALED, file("/srv/web/sub", state="directory", mode="0700")),
        (SEALED, file("/srv/web/a", mode="0600")),
        (SEALED, file("/srv/website")),
        (DIRECTORY, CLONE),
        (DIRECTORY, TREE),
        (GONE, file("/srv/web/x", state="absent")),
        (FILE, file("/srv/web/a", mode="0600")),
        (file("/x", mode="0600"), file("/x", content="x", mode="600")),
        (file("~/a"), {**file("~/a"), "become": "somebody"}),
        (FILE, {**FILE, "when": "false"}),
    ],
)
def test_what_can(project: Project, first: Any, second: Any) -> None:
    load(project, first, second)


def test_paths_are_compared_as_rendered_and_only_on_one_host(project: Project) -> None:
    state = (
        "hosts: web\nresources:\n"
        "  a: { file-sync: { path: '/srv/{{ host.name }}', content: x } }\n"
        "  b: { file-sync: { path: /srv/one, content: y } }\n"
    )
    with pytest.raises(InvalidInput) as raised:
        load(project, text=state, limit="all")
    (problem,) = raised.value.problems
    assert problem.message == "`a` and `b` cannot both manage /srv/one: both set its content"
    assert problem.hints == ("the other is at state.yaml:3:3", "on one")
    load(project, text=state, limit="two")


def test_every_one_of_several_is_named(project: Project) -> None:
    with pytest.raises(InvalidInput) as raised:
        load(project, FILE, FILE, FILE)
    assert [problem.message.split(" cannot")[0] for problem in raised.value.problems] == [
        "`r0` and `r1`",
        "`r0` and `r2`",
        "`r1` and `r2`",
    ]
