"""systemd-unit against a real systemd that is process 1."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import systemd
from tests.engine_images import docker
from tests.integration.project import Project

pytestmark = pytest.mark.docker

UNIT = "[Service]\nExecStart=/bin/sh -c 'cat /etc/ticker.conf >/run/loaded; exec sleep {seconds}'\n"
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
    assert "sleep 2000" in box.sh(
        "ps -ww -o args= -p $(systemctl show -P MainPID ticker) || "
        "tr '\\0' ' ' </proc/$(systemctl show -P MainPID ticker)/cmdline"
    )
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


@pytest.mark.parametrize("cut", ["before the reload", "before the restart", "in the content of another"])
def test_a_restart_is_never_lost(box: Box, cut: str) -> None:
    """What a run that was killed left: the file is written, and nobody runs with it."""
    box.unit()
    box.apply()
    started = box.sh("systemctl show -P InvocationID ticker")
    time.sleep(1.1)
    if cut == "in the content of another":
        box.setting = "two"
        box.sh("echo two >/etc/ticker.conf")
    else:
        box.sh("sed -i s/1000/2000/ /etc/systemd/system/ticker.service")
    if cut == "before the restart":
        box.sh("systemctl daemon-reload")
    box.unit(seconds=1000 if box.setting == "two" else 2000)
    assert box.apply()["ticker"] == "changed"
    assert started != box.sh("systemctl show -P InvocationID ticker")
    assert box.sh("cat /run/loaded") == box.setting
    assert set(box.apply().values()) == {"unchanged"}


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
    box.state({"it": {"systemd-unit": {"unit": "systemd-tmpfiles-clean.timer", "enabled": True}}})
    assert "no [Install] section" in box.run("plan").out
    box.state({"it": {"systemd-unit": {"unit": "nope"}}})
    assert "there is no unit nope.service" in box.run("plan").out
    box.state({"it": {"systemd-unit": {"unit": "systemd-tmpfiles-clean.timer", "state": "absent"}}})
    assert "remove its package" in box.run("plan").out
