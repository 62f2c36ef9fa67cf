"""A second kind of service: what it takes from the kit, under each shell."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import pytest

from engine.kit import Change, HostPath, Restarts, Script, Watch
from engine.kit.services import SERVICES
from engine.model import Tense
from tests.compose_lab import Failed, run_script

SHELLS = [("dash",), ("bash",), ("bash", "--posix"), ("busybox", "sh")]


class Daemon(Restarts):
    """A process runs; what it is made of are files in a directory.

    ticker:
      daemon: { place: /srv/ticker }
    """

    place: Annotated[HostPath, "Its directory."]
    state: Annotated[Literal["running", "stopped", "absent"], "What it shall be."] = "running"
    proves: Annotated[bool, "Whether its start shows that it has read its files."] = False

    service_sh = r"""
    service_find() {
      ledger_name=daemon.ticker
      if [ -r "$place/started" ]; then
        read -r status id_list starts <"$place/started"
      fi
    }
    service_start() {
      started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
      printf 'running %s %s\n' "$(($(cat "$place/count") + 1))" "$started" >"$place/started"
      echo "$(($(cat "$place/count") + 1))" >"$place/new"
      mv "$place/new" "$place/count"
      [ -e "$place/lazy" ] || cp "$place/settings" "$place/loaded"
    }
    service_restart() { [ -e "$place/stubborn" ] || service_start; }
    service_stop() { echo "exited $id_list $starts" >"$place/started"; }
    service_remove() { rm "$place/started"; }
    service_wait() { seen_ready=$proves; }
    """


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    if shutil.which(found[0]) is None:
        pytest.skip(f"{found[0]} is not here")
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "count").write_text("0\n")
    (tmp_path / "settings").write_text("one")
    return tmp_path


def daemon(place: Path, **keys: object) -> Daemon:
    script = 'sum=$(sha256 <"$path"); at=$(stat -c %.9Z "$path"); fact fingerprint "$sum"; fact ctime "$at"'
    watch = Watch("settings", Script(script, {"path": str(place / "settings")}))
    return Daemon(place=HostPath(place), restart_on=(watch,), **keys)


def observe(resource: Daemon, shell: tuple[str, ...] = ("sh",)) -> Change:
    facts = run_script(resource.probe(), "plan", shell)
    return Change(resource.actual(facts), resource.desired(facts), facts)


def apply(resource: Daemon, shell: tuple[str, ...] = ("sh",)) -> str:
    """What was done, by its verb; nothing where nothing differs."""
    change = observe(resource, shell)
    if not change.differing() and (change.before is None) == (change.after is None):
        return ""
    for action in resource.actions(change):
        run_script(action.script, "apply", shell)
    after = observe(resource, shell)
    assert not after.differing()
    return resource.verb(change)


def ran(script: Script | None, shell: tuple[str, ...] = ("sh",)) -> None:
    assert script is not None
    run_script(script, "apply", shell)


def test_its_life(place: Path, shell: tuple[str, ...]) -> None:
    service = daemon(place)
    assert apply(service, shell) == "create"
    assert apply(service, shell) == ""
    ran(service.mark(), shell)
    (place / "settings").write_text("two")
    assert apply(service, shell) == "restart"
    assert (place / "loaded").read_text() == "two"
    assert apply(service, shell) == ""
    assert apply(service.replace(state="stopped"), shell) == "stop"
    assert apply(service, shell) == "start"
    assert apply(service.replace(state="absent"), shell) == "remove"
    assert apply(service.replace(state="absent"), shell) == ""
    assert not list((place / "home/.local/state/engine/ledger").iterdir())


def test_what_was_read_late_is_not_vouched_for(place: Path, shell: tuple[str, ...]) -> None:
    service = daemon(place)
    (place / "lazy").touch()
    apply(service, shell)
    # It reads another content than the one it was started with, which is then put back.
    (place / "settings").write_text("wrong")
    shutil.copy(place / "settings", place / "loaded")
    (place / "settings").write_text("one")
    (place / "lazy").unlink()
    assert apply(service, shell) == "restart"
    assert (place / "loaded").read_text() == "one"


@pytest.mark.parametrize("proven", ["by its start", "by a check", ""])
def test_a_drift_that_was_put_back(place: Path, proven: str) -> None:
    service = daemon(place, proves=proven == "by its start")
    apply(service)
    if proven == "by a check":
        ran(service.prove())
    ran(service.mark())
    (place / "settings").write_text("two")
    (place / "settings").write_text("one")
    assert apply(service) == ("" if proven else "restart")
    (place / "settings").write_text("three")
    assert (observe(service).before or {})["settings"] == ("changed" if proven else "newer than its start")


@pytest.mark.parametrize("recorded", [False, True])
def test_content_that_could_not_be_inspected_is_not_said_to_have_changed(place: Path, recorded: bool) -> None:
    service = daemon(place)
    apply(service)
    ledger = place / "home/.local/state/engine/ledger/daemon.ticker"
    if not recorded:
        ledger.unlink()
    blind = Watch("settings", Script("fact fingerprint ''; fact ctime ''"))
    change = observe(service.replace(restart_on=(blind,)))
    assert (change.before or {})["settings"] == Tense.NOT_KNOWN
    assert service.verb(change) == "restart"


def test_ready_alone_does_not_prove_what_checks_are_to_prove(place: Path) -> None:
    """A check that fails in the end leaves the entry unproven: the content is compared by its ctime, too."""
    service = daemon(place, proves=True)
    for action in service.actions(observe(service)):
        run_script(replace(action.script, vars={**action.script.vars, "checks_prove": True}), "apply")
    assert not observe(service).differing()
    shutil.copy(place / "settings", place / "same")
    (place / "same").rename(place / "settings")
    assert (observe(service).before or {})["settings"] == "newer than its start"
    ran(service.prove())
    assert (observe(service).before or {})["settings"] == "newer than its start"
    apply(service)
    (place / "settings").write_text("one")
    assert not observe(service).differing()


def test_only_what_it_was_started_with_is_proven(place: Path) -> None:
    service = daemon(place)
    apply(service)
    (place / "settings").write_text("two")
    ran(service.prove())
    (place / "settings").write_text("one")
    assert apply(service) == "restart"


def test_a_ledger_of_an_older_build_is_no_entry(place: Path) -> None:
    service = daemon(place)
    apply(service)
    ledger = place / "home/.local/state/engine/ledger/daemon.ticker"
    words = ledger.read_text()
    assert words.splitlines()[0] == "onetrip ledger 2"
    entry = next(line for line in words.splitlines() if line.startswith("entry "))
    content = next(line for line in words.splitlines() if line.startswith("content ")).split()
    for other in (f"{entry}\nwatch {content[1]} settings\n", words.replace("ledger 2", "ledger 3"), ""):
        ledger.write_text(other)
        assert (observe(service).before or {})["settings"] == "newer than its start"
    assert apply(service) == "restart"
    assert ledger.read_text().splitlines()[0] == "onetrip ledger 2"


def test_a_restart_that_did_not_happen(place: Path) -> None:
    service = daemon(place)
    apply(service)
    (place / "settings").write_text("two")
    (place / "stubborn").touch()
    with pytest.raises(Failed, match="the service runs since before"):
        apply(service)


def test_nothing_of_what_runs_it_is_in_the_kit() -> None:
    assert not {"docker", "compose", "podman"} & set(SERVICES.lower().replace("_", " ").split())
