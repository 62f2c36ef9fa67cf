"""ssh is asked once for all hosts where its configuration makes no difference between them, and only there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import Unreachable
from engine.model import Host
from engine.transports.ssh.config import Settings, target
from engine.transports.ssh.resolver import Resolver

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the OpenSSH client")


@pytest.fixture
def asked(tmp_path: Path) -> Callable[[], int]:
    """How often ssh was asked. Its stand-in counts, and is ssh otherwise."""
    counter = tmp_path / "counter"
    script = tmp_path / "ssh"
    script.write_text(f'#!/bin/sh\necho >> {counter}\nexec {shutil.which("ssh")} "$@"\n')
    script.chmod(0o755)
    return lambda: counter.read_text().count("\n") if counter.exists() else 0


def resolve(tmp_path: Path, name: str, **variables: object) -> Settings:
    chosen = {"ansible_ssh_common_args": f"-F {tmp_path}/config", "ansible_ssh_executable": f"{tmp_path}/ssh"}
    return Resolver(target(Host(name, vars=chosen | variables), tmp_path)).settings()


def test_asked_once_where_it_makes_no_difference(tmp_path: Path, asked: Callable[[], int]) -> None:
    (tmp_path / "config").write_text("# Host one\nHost *\n  User anna\n  ConnectTimeout 4\nHost=*\n  Port 2200\n")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: resolve(tmp_path, f"gpu{number}"), range(20)))
    assert asked() == 1
    assert [each.hostname for each in found] == [f"gpu{number}" for number in range(20)]
    assert {(each.user, each.port, each.connect_timeout) for each in found} == {("anna", 2200, 4)}


def test_what_the_inventory_says_is_each_hosts_own(tmp_path: Path, asked: Callable[[], int]) -> None:
    (tmp_path / "config").write_text("Host *\n  User anna\n  Port 2200\n")
    first = resolve(tmp_path, "a", ansible_port=1, ansible_user="x")
    second = resolve(tmp_path, "b", ansible_port=2, ansible_user="y", ansible_host="10.0.0.2")
    assert asked() == 1
    third = resolve(tmp_path, "c")
    assert asked() == 2
    assert [(each.hostname, each.port, each.user) for each in (first, second, third)] == [
        ("a", 1, "x"),
        ("10.0.0.2", 2, "y"),
        ("c", 2200, "anna"),
    ]


@pytest.mark.parametrize(
    "config",
    [
        "Host gpu2\n  Port 3\n",
        "Host * !gpu1\n  Port 3\n",
        "Match host gpu2\n  Port 3\n",
        'Match exec "test %h = gpu2"\n  Port 3\n',
        "IdentityFile ~/.ssh/%h\n",
        "HostName other\n",
        "CanonicalizeHostname yes\n",
        "Include {directory}/included\n",
    ],
)
def test_asked_for_each_where_it_may(tmp_path: Path, asked: Callable[[], int], config: str) -> None:
    (tmp_path / "included").write_text("Host gpu2\n  Port 3\n")
    (tmp_path / "config").write_text(config.format(directory=tmp_path))
    found = [resolve(tmp_path, f"gpu{number}") for number in (1, 2, 3)]
    assert asked() == 3
    if "Port 3" in config or "Include" in config:
        assert [each.port for each in found] in ([22, 3, 22], [22, 3, 3])


@pytest.mark.parametrize("name", ["GPU1", "anna@gpu", "ssh://gpu"])
def test_a_name_that_is_more_than_a_name_is_asked_for(tmp_path: Path, asked: Callable[[], int], name: str) -> None:
    (tmp_path / "config").write_text("")
    resolve(tmp_path, "gpu1")
    settings = resolve(tmp_path, name)
    assert asked() == 2
    assert settings.hostname in ("gpu1", "gpu")


def test_a_file_that_changed_is_read_again(tmp_path: Path, asked: Callable[[], int]) -> None:
    file = tmp_path / "config"
    file.write_text("Port 1\n")
    assert resolve(tmp_path, "a").port == 1
    file.write_text("Port 22222\n")
    assert resolve(tmp_path, "b").port == 22222
    os.utime(file, (1, 1))
    assert resolve(tmp_path, "c").port == 22222
    assert asked() == 3


def test_a_failure_is_told_of_the_host_it_concerns(tmp_path: Path, asked: Callable[[], int]) -> None:
    (tmp_path / "config").write_text("NoSuchOption 1\n")
    for name in ("a", "b"):
        with pytest.raises(Unreachable, match=f"^{name}: the SSH configuration cannot be used") as caught:
            resolve(tmp_path, name)
        assert "nosuchoption" in str(caught.value).lower()
        assert "debug1" not in str(caught.value)
