"""What compose-restart and pip-install make of facts, and what the planner makes of that."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from engine.kinds.compose_restart import ComposeRestart
from engine.kinds.compose_restart.look import COMPOSE
from engine.kinds.pip_install import PipInstall
from engine.kit.services import SERVICES
from engine.model import (
    CURRENT,
    Change,
    DeclaredResource,
    Facts,
    Host,
    HostDeclaration,
    HostPath,
    Script,
    Unknown,
    Watch,
)
from engine.plan.planner import Observation, plan_host
from engine.views.wording import reason_text

WATCHES = (Watch("settings", Script("")), Watch("node/one", Script("")))
RUNNING = {
    "missing": "",
    "client": "docker compose",
    "gone": "",
    "status": "running",
    "ids": "0123456789abcdef,fedcba9876543210",
    "want": "a" * 64,
    "config": "a" * 64,
    "image": "sha256:" + "b" * 64,
    "want_image": "sha256:" + "b" * 64,
    "health": "none",
    "late": "",
    "watch.0": CURRENT,
    "watch.1": CURRENT,
}


def web(**keys: object) -> ComposeRestart:
    return ComposeRestart(project_dir=HostPath("/srv/shop"), service="web", restart_on=WATCHES, **keys)


def change(resource: ComposeRestart, facts: Facts) -> Change:
    return Change(resource.actual(facts), resource.desired(facts), facts)


@pytest.mark.parametrize(
    ("found", "verb", "differing"),
    [
        ({}, "", ()),
        ({"status": "absent"}, "create", ("service", "config", "settings", "node/one")),
        ({"status": "exited"}, "start", ("service",)),
        ({"status": "created"}, "start", ("service",)),
        ({"status": "paused"}, "start", ("service",)),
        ({"status": "restarting"}, "restart", ("service",)),
        ({"late": "1"}, "restart", ("service",)),
        ({"config": "c" * 64}, "recreate", ("config", "container")),
        ({"status": "exited", "config": "c" * 64}, "recreate", ("service", "config", "container")),
        ({"want_image": "sha256:" + "c" * 64}, "recreate", ("image", "container")),
        ({"watch.1": "changed"}, "restart", ("node/one",)),
        ({"watch.1": "changed", "config": "c" * 64}, "recreate", ("config", "container", "node/one")),
        ({"health": "unhealthy"}, "", ()),
    ],
)
def test_what_is_due(found: Facts, verb: str, differing: tuple[str, ...]) -> None:
    due = change(web(), RUNNING | found)
    assert due.differing() == differing
    if verb:
        assert web().verb(due) == verb


def test_stopped_and_absent() -> None:
    for status in ("exited", "created", "dead"):
        assert not change(web(state="stopped"), RUNNING | {"status": status}).differing()
    due = change(web(state="stopped"), RUNNING)
    assert due.differing() == ("service",)
    assert web(state="stopped").verb(due) == "stop"
    due = change(web(state="absent"), RUNNING)
    assert due.after is None
    assert web(state="absent").verb(due) == "remove"
    assert web(state="absent").watches() == web(state="stopped").watches() == ()


def test_health_is_shown_and_not_compared() -> None:
    assert web().show(RUNNING | {"health": "unhealthy"}) == {"health": "unhealthy"}
    assert web().show(RUNNING | {"health": "healthy"}) == {}
    assert "health" not in (web().actual(RUNNING) or {})


@pytest.mark.parametrize(("given", "seconds"), [(7, 7), ("90", 90), ("90s", 90), ("2m", 120), ("1h", 3600)])
def test_durations(given: int | str, seconds: int) -> None:
    assert web(ready={"timeout": given}).probe().vars["ready_timeout"] == seconds


def planned(
    observations: dict[str, Facts], *resources: DeclaredResource, settled: bool = False
) -> dict[str, tuple[str, str]]:
    declaration = HostDeclaration(Host("h"), resources)
    seen = {name: Observation(facts) for name, facts in observations.items()}
    steps = plan_host(declaration, seen, fingerprint=lambda secret: secret.digest[:6], settled=settled).steps
    return {step.name: (step.outlook, reason_text(step.reason)) for step in steps}


def test_a_missing_project_is_an_error_unless_something_will_make_it() -> None:
    missing = "/srv/shop is not there"
    facts = {"missing": missing}
    pip = PipInstall(packages=("x",), container={"project_dir": "/srv/shop", "service": "web"})
    first = DeclaredResource("first", ComposeRestart(project_dir=HostPath("/srv/first"), service="web"))
    two = [first, DeclaredResource("web", web(), ("first",)), DeclaredResource("pip", pip, ("first",))]
    idle = {"first": RUNNING, "web": facts, "pip": {"missing_project": missing}}
    assert planned(idle, *two) == {"first": ("converged", ""), "web": ("error", missing), "pip": ("error", missing)}
    busy = idle | {"first": {"status": "absent", "want": "a" * 64}}
    assert {name: outlook for name, (outlook, _) in planned(busy, *two).items()} == {
        "first": "change",
        "web": "check",
        "pip": "check",
    }
    assert planned(busy, *two, settled=True)["web"] == ("error", missing)


def test_what_only_an_action_can_find_out_is_no_error() -> None:
    pip = PipInstall(packages=("x",), container={"project_dir": "/srv/shop", "service": "web"})
    facts = {"unknown": "service web has no container yet"}
    assert pip.actual(facts) == {"requirements": Unknown("service web has no container yet")}
    assert planned({"pip": facts}, DeclaredResource("pip", pip))["pip"][0] == "check"


def test_requirements() -> None:
    pip = PipInstall(packages=("x",))
    assert pip.actual({"missing": "", "count": "0"}) == pip.desired({}) == {"requirements": "satisfied"}
    assert pip.actual({"missing": "a, b", "count": "2"}) == {"requirements": "2 missing: a, b"}
    assert pip.actual({"absent": "/r"}) == {
        "requirements": Unknown("the requirements file /r is not there", upstream=True)
    }


@pytest.mark.parametrize("sed", ["sed", "busybox sed"])
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('WARNING: The "canary" variable is not set. Defaulting to a blank string.\n', ""),
        (
            'time="x" level=warning msg="The \\"canary\\" variable is not set."\n Container web  Starting\n',
            "Starting",
        ),
        (
            'ERROR: Invalid interpolation format for "environment": "A=${2b}canary\ncanary\n"\n',
            "(write $$ for a literal $",
        ),
        ("invalid interpolation format for services.web.\nYou may need to escape\n${2b}canary\n", "services.web."),
        (
            'failed to read /p/.env: line 1: unexpected character "$" in variable name "A$=canary"\n',
            "/p/.env: line 1",
        ),
        ('unexpected "$2b$12$canary" found\n', "unexpected (not shown) found"),
        ("no such service: nosuch\n", "no such service: nosuch\n"),
    ],
)
def test_what_compose_says_is_passed_on_without_values(said: str, kept: str, sed: str) -> None:
    if shutil.which(sed.split()[0]) is None:
        pytest.skip(f"{sed} is not here")
    text = SERVICES + COMPOSE.replace("  sed -e", f"  {sed} -e", 1) + "\ncompose_words"
    done = subprocess.run(["sh", "-c", text], input=said, capture_output=True, text=True, check=True)
    assert kept in done.stdout
    assert "canary" not in done.stdout
