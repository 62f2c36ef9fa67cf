"""A Compose service that restarts on files of other users: what they hold is looked at as their users."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.become import needs_become
from tests.compose_lab import Lab, labs
from tests.integration.project import Project

pytestmark = [pytest.mark.docker, needs_become]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    yield from labs("docker compose", tmp_path, monkeypatch)


@pytest.mark.parametrize("service_user", [None, "root"])
def test_marks_and_ledger_agree(
    lab: Lab, tmp_path: Path, request: pytest.FixtureRequest, service_user: str | None
) -> None:
    """nobody's file cannot be read by others, the other one is root's; the service is seen to as root."""
    place = Path(tempfile.mkdtemp(prefix="engine-become-", dir="/tmp"))
    request.addfinalizer(lambda: shutil.rmtree(place))
    os.chown(place, 65534, 65534)
    lab.write(command=["sleep", "600"])
    made = Project(tmp_path / "made_here")

    def declare(his: str, ours: str) -> None:
        web: dict[str, Any] = {
            "compose-restart": {
                "project_dir": str(lab.path),
                "project_name": lab.name,
                "service": "web",
                "restart_on": ["his", "ours"],
            }
        }
        made.state(
            {
                "his": {
                    "file-sync": {"path": f"{place}/his", "content": his, "mode": "0600"},
                    "become": "nobody",
                },
                "ours": {"file-sync": {"path": f"{tmp_path}/ours", "content": ours}},
                "web": {**web, **({"become": service_user} if service_user else {})},
            }
        )

    def verdicts() -> dict[str, str]:
        ran = made.run("apply", "--format", "json")
        assert ran.code == 0, ran.err + ran.out
        return ran.verdicts()

    declare("one", "one")
    assert verdicts() == {"his": "changed", "ours": "changed", "web": "changed"}
    assert verdicts() == {"his": "unchanged", "ours": "unchanged", "web": "unchanged"}
    assert (place / "his").stat().st_uid == 65534
    started = lab.started()
    for his, ours in (("two", "one"), ("two", "two")):
        declare(his, ours)
        found = verdicts()
        assert found["web"] == "changed", found
        assert lab.started() != started
        started = lab.started()
        assert set(verdicts().values()) == {"unchanged"}
    assert lab.started() == started
    # Written by somebody else, in that user's name.
    (place / "his").write_text("three")
    declare("three", "two")
    assert verdicts() == {"his": "unchanged", "ours": "unchanged", "web": "changed"}
