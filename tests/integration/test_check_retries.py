"""How long an apply waits for a check: as long as it may where something could still come, else not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from demo.sandbox import free_port
from engine.errors import Refused
from engine.kinds.http_assert import HttpAssert
from engine.model import (
    Action,
    Change,
    DeclaredResource,
    Facts,
    Host,
    HostDeclaration,
    Params,
    Resource,
    Script,
    State,
)
from engine.program.section import Lock
from engine.run.apply import apply as carry_out
from engine.run.host import HostRun, Settings
from engine.transports import Options, connect


@dataclass(frozen=True)
class Flag(Resource):
    """A file is there, unless `refused`: then something must not be touched."""

    kind: ClassVar[str] = "flag"
    params: ClassVar[Params] = {}
    path: str
    refused: bool = False

    def probe(self) -> Script:
        return Script('if [ -e "$path" ]; then fact there yes; fi', {"path": self.path})

    def actual(self, facts: Facts) -> State | None:
        if self.refused:
            raise Refused("in the way")
        return {"there": True} if "there" in facts else None

    def desired(self, facts: Facts) -> State | None:
        return {"there": True}

    def actions(self, change: Change) -> Iterator[Action]:
        yield Action("make it", Script(': >"$path"', {"path": self.path}))


def apply(tmp_path: Path, *declared: DeclaredResource) -> tuple[dict[str, str], float]:
    """Verdicts of an apply, and the seconds it took."""
    transport = connect(Host("here", vars={"ansible_connection": "local"}), Options(tmp_path))
    settings = Settings(fingerprint=lambda secret: "secret:ffffff", lock=Lock("the test", 5.0))
    run = HostRun(HostDeclaration(Host("here"), declared), transport, transport, settings, lambda event: None)
    started = time.monotonic()
    try:
        report = carry_out(run)
    finally:
        transport.close()
    return {outcome.step.name: outcome.verdict for outcome in report.outcomes}, time.monotonic() - started


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def silent() -> HttpAssert:
    """A check of a port that nobody listens on."""
    return HttpAssert(url=f"http://127.0.0.1:{free_port()}/")


def test_a_check_that_could_still_come_is_waited_for(tmp_path: Path, silent: HttpAssert) -> None:
    flag = DeclaredResource("flag", Flag(str(tmp_path / "flag")))
    check = DeclaredResource("check", silent, needs=("flag",), timeout=4)
    for _ in range(2):
        verdicts, seconds = apply(tmp_path, flag, check)
        assert verdicts["check"] == "failed"
        assert 2 < seconds < 30


def test_a_check_behind_something_refused_is_asked_once(tmp_path: Path, silent: HttpAssert) -> None:
    refused = DeclaredResource("refused", Flag(str(tmp_path / "other"), refused=True))
    check = DeclaredResource("check", silent, needs=("refused",), timeout=60)
    free = DeclaredResource("free", Flag(str(tmp_path / "free")))
    verdicts, seconds = apply(tmp_path, refused, check)
    assert verdicts == {"refused": "refused", "check": "failed"}
    assert seconds < 20
    verdicts, seconds = apply(tmp_path, free, refused, check)
    assert verdicts == {"free": "changed", "refused": "refused", "check": "failed"}
    assert seconds < 20
