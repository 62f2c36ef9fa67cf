"""Fingerprints of secrets: all digits are saved and compared, and people are shown a few."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.project import Project


def test_fingerprints_are_compared_in_full_and_shown_short(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("token", "the secret of today")
    project.state(
        {"a": {"file-sync": {"path": "~/a", "content": "{{ secrets.token }}\n"}}},
        secrets={"token": {"file": "token"}},
    )
    plan = project.run("plan", "--out", "saved.json")
    assert re.search(r"secret:[0-9a-f]{6}\b", plan.out)
    saved = (project.root / "saved.json").read_text()
    (found,) = set(re.findall(r"secret:[0-9a-f]+", saved))
    assert len(found) == len("secret:") + 16
    assert found in project.run("plan", "--format", "json").out
    project.write("token", "the secret of tomorrow")
    refused = project.run("apply", "saved.json", state="")
    assert refused.code == 5
    assert re.search(rf"was to become {found[:13]} when reviewed, would become secret:[0-9a-f]{{6}} now", refused.out)
    applied = project.run("apply")
    assert applied.code == 0, applied.err
    told = project.run("engine", "show", project.runs()[-1], state="").out
    assert re.search(r"content absent → secret:[0-9a-f]{6}$", told, re.MULTILINE)
