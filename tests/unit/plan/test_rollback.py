"""What a rollback declares, and what it says that it cannot put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from engine.kinds.compose_restart import ComposeRestart
from engine.kinds.file_sync import FileSync
from engine.kinds.git_clone import GitClone
from engine.kinds.http_assert import HttpAssert
from engine.kinds.pip_install import PipInstall
from engine.model import DeclaredResource, Host, HostDeclaration, HostPath, Lost, Params, Plain, Resource
from engine.plan.rollback import Changed, rolled_back
from engine.views.wording import reason_text

COMMIT = "1a1bfd3" * 5 + "1a1bf"
PLACE = HostPath("~/kept")


@dataclass(frozen=True)
class Stranger(Resource):
    """A kind that says nothing of rollbacks."""

    kind: ClassVar[str] = "stranger"
    params: ClassVar[Params] = {}


@dataclass(frozen=True)
class Reversible(Stranger):
    """A kind that can be put back, and says no more."""

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return self


def compose(state: str = "running") -> ComposeRestart:
    return ComposeRestart(project_dir=HostPath("/srv/web"), service="web", state=state)


def clone(state: str = "present", on_dirty: str = "fail") -> GitClone:
    return GitClone(repo="https://example.org/a.git", path=HostPath("/srv/a"), state=state, on_dirty=on_dirty)


def file(**params: object) -> FileSync:
    return FileSync(path=HostPath("/srv/file"), **params)  # type: ignore[arg-type]


REVISION = {"revision": COMMIT, "remote": "https://example.org/a.git"}
UP = {"service": "running", "config": "a", "image": "b", "container": "c", "code": "current"}
CASES: dict[str, tuple[Resource, Mapping[str, Plain] | None, tuple[str, ...], str]] = {
    "a stranger's kind": (Stranger(), {"a": "b"}, ("a",), "what stranger changed stays as it is"),
    "a stranger's kind that is reversible": (Reversible(), {"a": "b"}, ("a",), ""),
    "pip": (PipInstall(packages=("a",)), {"requirements": "1 missing"}, ("requirements",), "packages that were"),
    "a restart": (compose(), UP, ("container", "code"), ""),
    "a start": (compose(), {**UP, "service": "exited"}, ("service",), ""),
    "a new service": (compose(), None, ("service",), "service web was created, and stays"),
    "another image": (compose(), UP, ("image", "container"), "service web was made anew"),
    "another configuration": (compose(), UP, ("config", "container"), "service web was made anew"),
    "a service that was stopped": (compose("stopped"), UP, ("service",), "service web was stopped"),
    "a service that was removed": (compose("absent"), UP, ("service",), "was removed"),
    "a clone": (clone(), None, ("revision", "remote"), ""),
    "another revision": (clone(), REVISION, ("revision",), ""),
    "another remote": (clone(), REVISION, ("remote",), "remote stays as it is"),
    "discarded": (clone(on_dirty="discard"), REVISION, ("revision", "uncommitted"), "uncommitted were discarded"),
    "stashed": (clone(on_dirty="stash"), REVISION, ("revision", "uncommitted"), "uncommitted are in git's stash"),
    "submodules": (clone(), REVISION, ("revision", "submodules"), ""),
    "submodules alone": (clone(), REVISION, ("submodules",), "submodules stay as they are"),
    "a checkout that was removed": (clone("absent"), REVISION, ("revision", "remote"), "files in it that git does"),
    "an empty checkout": (clone(), {"revision": None}, ("revision",), "nothing was checked out before"),
    "a file": (file(content="a"), {"content": "b"}, ("content",), ""),
    "a file that was removed": (file(state="absent"), {"type": "file"}, ("type",), ""),
    "a directory that was removed": (file(state="absent"), {"type": "directory"}, ("type",), "it is not a file"),
    "a directory": (file(state="directory"), None, ("type",), "it is not a file (directory)"),
    "behind a link": (file(content="a", follow=True), {"content": "b"}, ("content",), "what a link leads to"),
    "a check": (HttpAssert(url="http://localhost/"), {"status": 401}, ("status",), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_kind_says_what_it_cannot_put_back(name: str) -> None:
    resource, prior, changed, said = CASES[name]
    host = HostDeclaration(Host("gpu1"), (DeclaredResource("it", resource),))
    _, lost = rolled_back(host, {"it": Changed(prior, changed, resource.kind)}, lambda name: PLACE)
    assert len(lost) == bool(said)
    for each in lost:
        assert (each.host, each.name) == ("gpu1", "it")
        assert said in reason_text(each.reason)


def test_what_can_be_put_back_is_declared_although_something_is_lost() -> None:
    resources = (
        DeclaredResource("code", clone()),
        DeclaredResource("packages", PipInstall(packages=("a",)), needs=("code",)),
    )
    found, lost = rolled_back(
        HostDeclaration(Host("gpu1"), resources),
        {
            "code": Changed(REVISION, ("revision", "remote"), "git-clone"),
            "packages": Changed({"requirements": "1 missing"}, ("requirements",), "pip-install"),
            "gone": Changed(None, ("content",), "file-sync"),
            "check": Changed({"status": 401}, ("status",)),
        },
        lambda name: PLACE,
    )
    assert [declared.name for declared in found.resources] == ["code"]
    assert found.resources[0].needs == ()
    assert [(each.name, reason_text(each.reason).split(",")[0]) for each in lost] == [
        ("code", "remote stays as it is"),
        ("packages", "packages that were installed stay; versions that were replaced do not come back"),
        ("gone", "it is not declared any more"),
        ("check", "it is not declared any more"),
    ]
    assert isinstance(lost[0], Lost)
