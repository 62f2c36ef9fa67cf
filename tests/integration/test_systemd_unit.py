"""systemd-unit against a real systemd that is process 1."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import systemd
from tests.downloads import file_server
from tests.engine_images import docker
from tests.integration.project import Project

pytestmark = pytest.mark.docker

UNIT = "[Service]\nExecStart=/bin/sh -c 'cat /etc/ticker.conf >/run/loaded; exec sleep {seconds}'\n"
RUNS = "tr '\\0' ' ' </proc/$(systemctl show -P MainPID ticker)/cmdline"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[str]:
    with systemd.machine() as name:
        yield name


class Box(Project):
    """A project whose one host is the machine with systemd."""

    machine = ""

    def sh(self, text: str) -> str:
        return docker("exec", self.machine, "sh", "-c", text).strip()

    def apply(self, *words: str, code: int = 0) -> dict[str, str]:
        done = self.run("apply", "--format", "json", *words)
        assert done.code == code, done.out + done.err
        return done.verdicts()

    def unit(self, seconds: int = 1000, **more: Any) -> None:
        """The ticker, with what it reads."""
        params = {"unit": "ticker", "content": UNIT.format(seconds=seconds) + INSTALL, **more}
        file = {"file-sync": {"path": "/etc/ticker.conf", "content": f"{self.setting}\n"}}
        self.state({"settings": file, "ticker": {"systemd-unit": {"restart_on": ["settings"], **params}}})

    setting = "one"


@pytest.fixture
def box(machine: str, tmp_path: Path) -> Iterator[Box]:
    project = Box(tmp_path)
    project.machine = machine
    project.inventory({"box": systemd.variables(machine)})
    yield project
    project.sh(
        "systemctl stop ticker; systemctl disable ticker; rm -rf /etc/systemd/system/ticker* /etc/ticker.conf "
        "/run/loaded /root/.local; systemctl daemon-reload; systemctl reset-failed; true"
    )


def test_its_life(box: Box) -> None:
    box.unit(enabled=True)
    assert box.apply() == {"settings": "changed", "ticker": "changed"}
    assert (
        box.sh("systemctl is-enabled ticker; systemctl is-active ticker; cat /run/loaded") == "enabled\nactive\none"
    )
    assert box.apply() == {"settings": "unchanged", "ticker": "unchanged"}
    started = box.sh("systemctl show -P InvocationID ticker")
    box.setting = "two"
    box.unit(enabled=True)
    assert "restart" in box.run("plan").out
    assert box.apply() == {"settings": "changed", "ticker": "changed"}
    assert box.sh("cat /run/loaded") == "two"
    assert started != box.sh("systemctl show -P InvocationID ticker")
    # Another unit file: loaded, and the unit runs with it.
    box.unit(seconds=2000, enabled=False)
    assert "unit file will change" in box.run("plan").out
    assert box.apply() == {"settings": "unchanged", "ticker": "changed"}
    assert "sleep 2000" in box.sh(RUNS)
    assert box.sh("systemctl is-enabled ticker || true") == "disabled"
    assert set(box.apply().values()) == {"unchanged"}
    box.sh("systemctl stop ticker")
    assert box.apply()["ticker"] == "changed"
    box.state({"ticker": {"systemd-unit": {"unit": "ticker.service", "state": "absent"}}})
    assert box.apply() == {"ticker": "changed"}
    assert box.sh("systemctl is-active ticker; ls /etc/systemd/system/ticker.service 2>&1; true").startswith(
        "inactive"
    )
    assert box.apply() == {"ticker": "unchanged"}


@pytest.mark.parametrize("cut", ["before the reload", "before the restart"])
def test_a_restart_is_never_lost(box: Box, cut: str) -> None:
    """What a run that was killed left: the file is written, and nobody runs with it."""
    box.unit()
    box.apply()
    started = box.sh("systemctl show -P InvocationID ticker")
    time.sleep(1.1)
    box.sh("sed -i s/1000/2000/ /etc/systemd/system/ticker.service")
    if cut == "before the restart":
        box.sh("systemctl daemon-reload")
    box.unit(seconds=2000)
    assert box.apply()["ticker"] == "changed"
    assert started != box.sh("systemctl show -P InvocationID ticker")
    assert "sleep 2000" in box.sh(RUNS)
    assert set(box.apply().values()) == {"unchanged"}


def test_what_it_read_before_it_was_ready(box: Box) -> None:
    """It counts as active long after it has read its files: since its start they may not have changed."""
    slow = "[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c 'cat /etc/ticker.conf >/run/loaded; "
    slow += "sleep $(cat /run/late || echo 0); systemd-notify --ready; exec sleep 1000'\n"
    box.unit(content=slow)
    box.write("ticker.service", slow)
    docker("cp", str(box.root / "ticker.service"), f"{box.machine}:/etc/systemd/system/ticker.service")
    box.sh("sleep 3; echo zero >/etc/ticker.conf; echo 9 >/run/late")
    box.sh("systemctl daemon-reload; systemctl start --no-block ticker")
    box.sh(
        "until grep -q zero /run/loaded; do sleep 0.1; done; echo one >/etc/ticker.conf; chmod 644 /etc/ticker.conf"
    )
    box.sh("until systemctl is-active -q ticker; do sleep 0.1; done; rm /run/late")
    assert box.sh("cat /run/loaded") == "zero"
    assert box.apply()["ticker"] == "changed"
    assert box.sh("cat /run/loaded") == "one"


def test_a_unit_that_fails(box: Box) -> None:
    """The exit code and what it said last are the reason."""
    box.unit(content="[Service]\nExecStart=/bin/sh -c 'echo cannot find the teapot; exit 7'\n")
    done = box.run("apply")
    assert done.code == 1
    assert "exit code 7" in done.out
    assert "cannot find the teapot" in done.out
    # Put right, it starts, though it failed before.
    box.unit()
    assert box.apply()["ticker"] == "changed"


def test_masked_static_and_unknown(box: Box) -> None:
    box.state(
        {"timer": {"systemd-unit": {"unit": "systemd-tmpfiles-clean.timer", "state": "stopped", "masked": True}}}
    )
    assert box.apply() == {"timer": "changed"}
    assert box.apply() == {"timer": "unchanged"}
    assert box.sh("systemctl is-enabled systemd-tmpfiles-clean.timer || true") == "masked"
    box.state({"timer": {"systemd-unit": {"unit": "systemd-tmpfiles-clean.timer"}}})
    assert "masked: false" in box.run("plan").out
    box.state({"timer": {"systemd-unit": {"unit": "systemd-tmpfiles-clean.timer", "masked": False}}})
    assert box.apply() == {"timer": "changed"}
    assert box.apply() == {"timer": "unchanged"}
    units = {"static": {"unit": "systemd-tmpfiles-clean.timer", "enabled": True}, "none": {"unit": "nope"}}
    units["packaged"] = {"unit": "dbus.service", "state": "absent"}
    box.state({name: {"needs": [], "systemd-unit": unit} for name, unit in units.items()})
    planned = box.run("plan").out
    for words in ("no [Install] section", "there is no unit nope.service", "remove its package"):
        assert words in planned


@pytest.fixture
def users_box(tmp_path: Path) -> Iterator[Box]:
    """A machine of its own, on which the systemd of a user can run, too."""
    with systemd.machine("--cgroupns=host") as name:
        project = Box(tmp_path)
        project.machine = name
        yield project


def test_a_unit_of_a_user(users_box: Box) -> None:
    """Run by the systemd of that user; where none runs for them, the plan says what starts one."""
    box = users_box
    box.sh("useradd -m -s /bin/sh ticker")
    box.inventory({"box": {**systemd.variables(box.machine), "ansible_user": "ticker"}})
    unit = {"unit": "own", "scope": "user", "enabled": True}
    unit["content"] = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n"
    box.state({"own": {"systemd-unit": unit}})
    assert "loginctl enable-linger ticker" in box.run("plan").out
    box.sh("loginctl enable-linger ticker; systemctl start user@$(id -u ticker)")
    assert box.apply() == {"own": "changed"}
    assert box.apply() == {"own": "unchanged"}
    assert box.sh("stat -c %U /home/ticker/.config/systemd/user/own.service") == "ticker"
    own = "XDG_RUNTIME_DIR=/run/user/$(id -u ticker) setpriv --reuid=ticker --regid=ticker --init-groups"
    assert box.sh(f"{own} systemctl --user is-active own") == "active"
    box.state({"own": {"systemd-unit": {"unit": "own", "scope": "user", "state": "absent"}}})
    assert box.apply() == {"own": "changed"}
    assert box.sh("find /home/ticker/.config/systemd/user -name own.service") == ""


MOVES = {
    "engine writes, and is killed before the restart": "apply",
    "another writes": "echo stray >/etc/ticker.conf",
    "touched": "touch /etc/ticker.conf",
    "restarted by hand": "systemctl restart ticker",
}


PAIRS = [(first, second) for second in MOVES for first in MOVES]
SAMPLE = ("engine writes, and is killed before the restart", "restarted by hand")


@pytest.mark.parametrize(
    "moves",
    [pytest.param(pair, id=", ".join(pair), marks=() if pair == SAMPLE else pytest.mark.full) for pair in PAIRS],
)
def test_histories(box: Box, moves: tuple[str, str]) -> None:
    """Whatever came before an apply, the ticker runs with what is declared after it, and then nothing is due."""
    box.unit()
    box.apply()
    for move in moves:
        if MOVES[move] == "apply":
            box.setting = "two"
            box.unit()
            box.apply("--only", "settings")
        else:
            box.sh(MOVES[move])
    box.apply()
    assert box.sh("cat /run/loaded; cat /etc/ticker.conf") == f"{box.setting}\n{box.setting}"
    started = box.sh("systemctl show -P InvocationID ticker")
    assert set(box.apply().values()) == {"unchanged"}
    assert started == box.sh("systemctl show -P InvocationID ticker")


def test_the_state_that_comes_with_it(tmp_path: Path) -> None:
    """states/model-server.yaml, as it is, on a machine with systemd."""
    content = bytes(100_000)
    with systemd.machine("--network=host") as name, file_server(content) as server:
        project = Box(tmp_path)
        project.machine = name
        project.inventory({"box": systemd.variables(name)})
        text = (Path(__file__).parents[2] / "states/model-server.yaml").read_text()
        project.write("state.yaml", text.replace("hosts: gpu", "hosts: all"))
        words = ["-e", f"model_url={server.url}", "-e", f"model_sha256={hashlib.sha256(content).hexdigest()}"]
        # The machine has no Python, so nothing answers there.
        words += ["-e", "command=/bin/sleep 1000", "--skip", "answers"]
        assert set(project.apply(*words).values()) == {"changed", "left"}
        assert project.sh("stat -c '%U %s' -L /srv/model-server/current/model.safetensors") == "www-data 100000"
        assert project.sh("systemctl is-enabled model-server; systemctl is-active model-server") == "enabled\nactive"
        assert set(project.apply(*words).values()) == {"unchanged", "left"}
