"""The cases of the shipped kinds, and the runner itself: what it reads, and what it finds wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

from engine.kinds.command import Command
from engine.kinds.cron import Cron
from engine.kinds.directory import Directory
from engine.kinds.docker_image import DockerImage
from engine.kinds.docker_login import DockerLogin
from engine.kinds.docker_network import DockerNetwork
from engine.kinds.docker_volume import DockerVolume
from engine.kinds.download import Download
from engine.kinds.file_sync import FileSync
from engine.kinds.git_clone import GitClone
from engine.kinds.group import Group
from engine.kinds.http_assert import HttpAssert
from engine.kinds.link import Link
from engine.kinds.package import Package
from engine.kinds.systemd_unit import SystemdUnit
from engine.kinds.user import User
from engine.kit import HostPath, InvalidParameter, Kind
from engine.kit.testing import cases

KINDS = Path(__file__).parents[3] / "engine/kinds"

test_command = cases(Command)
test_file_sync = cases(FileSync)
test_git_clone = cases(GitClone)
test_http_assert = cases(HttpAssert)
test_package = cases(Package)
test_directory = cases(Directory)
test_download = cases(Download)
test_link = cases(Link)
test_systemd_unit = cases(SystemdUnit)
test_group = cases(Group)
test_user = cases(User)
test_cron = cases(Cron)
test_docker_network = cases(DockerNetwork)
test_docker_volume = cases(DockerVolume)
test_docker_image = cases(DockerImage)
test_docker_login = cases(DockerLogin)


def test_no_case_is_unread() -> None:
    """What lies in a folder of cases is read or refused by the runner; here: that no folder is left out."""
    folders = {path.parent.name for path in KINDS.glob("*/cases")}
    assert {f"test_{name}" for name in folders} <= globals().keys()
    assert {path.parent.name for path in KINDS.rglob("*.yaml")} == {"cases"}


class Thing(Kind):
    """Something is there."""

    path: Annotated[HostPath, "Where."]
    size: Annotated[int, "How large."] = 3
    from_: Annotated[str, "Where from."] = ""

    attributes = ("size",)
    probe_sh = "fact size 3"
    apply_sh = "true"

    def check_parameters(self) -> None:
        if self.size > 9:
            raise InvalidParameter("size", "nine at most")


def tried(folder: Path, text: str) -> None:
    """Every case of a file with this text."""
    (folder / "some.yaml").write_text(text)
    test: Any = cases(Thing, folder)
    for mark in test.pytestmark:
        for parameters in mark.args[1]:
            test(*parameters.values)


def test_what_is_right_passes(tmp_path: Path) -> None:
    tried(
        tmp_path,
        """
- { name: error, params: { path: /x, size: 10 }, error: nine at most }
- { name: refused, params: { path: /x }, facts: { refused: in the way }, refused: in the way }
- name: changed
  params: { path: ~/x, from: here }
  facts: { size: 4 }
  before: { size: 4 }
  after: { size: 3 }
  differs: [size]
  probe: { vars: { from: here, size: 3 }, args: [] }
  actions: [{ title: change thing ~/x, vars: { size: 3 } }]
""",
    )


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("params: { path: /x }, facts: { size: 4 }, before: { size: 5 }", r"before: found \{'size': 4\}"),
        ("params: { path: /x }, facts: { size: 4 }, differs: []", r"differs: found \['size'\]"),
        ("params: { path: /x }, facts: {}, actions: []", "titles of actions: found"),
        ("params: { path: /x }, facts: {}, actions: [{ title: make thing /x, vars: { size: 4 } }]", "'size': 3"),
        ("params: { path: /x }, probe: { vars: { other: 1 } }", "'other': 'not given'"),
        ("params: { path: /x }, probe: { var: { size: 3 } }", "'var'"),
        ("params: { path: /x }, error: nine at most", "nothing was refused"),
        ("params: { path: /x, size: 10 }, error: eight at most", "found 'size: nine at most'"),
    ],
)
def test_what_is_wrong_is_told(case: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=said):
        tried(tmp_path, f"- {{ name: it, {case} }}\n")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no cases"),
        ({"a.yaml": "- { name: a, params: {}, facts: {}, befor: {} }"}, r"a\.yaml: a case has no key befor"),
        ({"a.yaml": "- { name: a, params: {} }"}, "the case `a` checks nothing"),
        ({"a.yml": "[]"}, r"a\.yml is read by nobody"),
    ],
)
def test_what_is_no_case_is_refused(files: dict[str, str], said: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        cases(Thing, tmp_path)
