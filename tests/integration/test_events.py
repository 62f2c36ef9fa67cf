"""A run that a program follows: JSON lines on standard error, one document on standard output."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import engine.views
from tests.integration.project import Project

CANARY = "canary-9f2Kq7vT"
SCHEMA = json.loads(Path(engine.views.__file__).with_name("event.schema.json").read_text())


def three_hosts(tmp_path: Path) -> Project:
    """Three local hosts, of which the last fails."""
    project = Project(tmp_path)
    project.inventory({name: {"ansible_connection": "local"} for name in ("one", "two", "three")})
    project.write("token", CANARY)
    (project.home / "three").write_text("a file where a directory is wanted\n")
    project.state(
        {
            "a": {
                "file-sync": {
                    "path": "~/{{ host.name }}/{{ host.os }}",
                    "content": "{{ secrets.token }}\n",
                    "parents": True,
                }
            },
            "b": {"file-sync": {"path": "~/{{ host.name }}/b", "content": "b\n"}},
        },
        secrets={"token": {"file": "token"}},
    )
    return project


def followed(text: str) -> list[dict[str, Any]]:
    """The events, each as the published schema says."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        Draft202012Validator(SCHEMA).validate(event)
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    return events


def test_an_apply_is_told_as_it_happens(tmp_path: Path) -> None:
    project = three_hosts(tmp_path)
    ran = project.run("apply", "--format", "json", "--batches", "one,100%", "--max-failures", "3")
    assert ran.code == 1
    assert CANARY not in ran.out + ran.err
    assert ran.data["type"] == "report"
    events = followed(ran.err)
    told = {name: [event for event in events if event.get("host") == name] for name in ("one", "two", "three")}
    for name, batch in (("one", 1), ("two", 2), ("three", 2)):
        assert {event["batch"] for event in told[name]} == {batch}
        assert [event["event"] for event in told[name]][:3] == ["host-observing", "host-observed", "host-started"]
    steps = [(e["event"], e.get("resource"), e.get("ok")) for e in told["two"][3:]]
    assert steps == [
        ("step-started", "a", None),
        ("step-finished", "a", True),
        ("step-started", "b", None),
        ("step-finished", "b", True),
        ("host-finished", None, True),
    ]
    assert [(e["ok"], e["changed"]) for e in events if e["event"] == "host-finished" and e["host"] != "three"] == [
        (True, 2),
        (True, 2),
    ]
    assert [e["ok"] for e in told["three"] if e["event"] == "host-finished"] == [False]


def test_a_plan_and_a_quiet_run(tmp_path: Path) -> None:
    project = three_hosts(tmp_path)
    plan = project.run("plan", "--format", "json", "--limit", "one")
    assert plan.data["type"] == "plan"
    assert [event["event"] for event in followed(plan.err)] == ["host-observing", "host-observed"]
    assert project.run("plan", "--format", "json", "--limit", "one", "-q").err == ""
    told = followed(project.run("plan", "--format", "json", "--limit", "one", "-vv").err)
    assert "note" in {event["event"] for event in told}
    assert CANARY not in json.dumps(told)
