"""An SSH host as the configuration describes it, and one connection for all that is run there."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import InvalidInput
from engine.model import Host
from engine.transports import Options, connect
from tests.sshd import Sshd
from tests.transports import (
    hello,
    leaving_nothing,
    run,
    unreachable,
    write_config,
)


def test_the_name_of_the_host_is_looked_up_in_the_configuration(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    arguments = write_config(tmp_path / "config", ("gpu1", sshd))
    assert hello(Host("gpu1", vars={"ansible_ssh_common_args": arguments}), options) == b"hello\n"


def test_without_the_openssh_client(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    arguments = write_config(tmp_path / "config", ("gpu1", sshd))
    variables = {"ansible_ssh_common_args": arguments, "ansible_ssh_executable": "/nonexistent/ssh"}
    assert hello(Host("gpu1", vars=variables), options) == b"hello\n"


def test_include_and_match(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    write_config(tmp_path / "included", ("gpu1", sshd))
    (tmp_path / "config").write_text(f"Include {tmp_path}/incl*\nMatch exec true\n  ServerAliveInterval 3\n")
    assert hello(Host("gpu1", vars={"ansible_ssh_common_args": f"-F {tmp_path}/config"}), options) == b"hello\n"


@pytest.mark.parametrize("executable", ["ssh", "/nonexistent/ssh"])
def test_a_configuration_that_cannot_be_read(options: Options, tmp_path: Path, executable: str) -> None:
    (tmp_path / "config").write_bytes(b"Host *\n  Port twentytwo\n")
    variables = {"ansible_ssh_common_args": f"-F {tmp_path}/config", "ansible_ssh_executable": executable}
    assert "the SSH configuration cannot be used" in unreachable(Host("gpu1", vars=variables), options)


def test_a_port_that_is_no_number(options: Options) -> None:
    with pytest.raises(InvalidInput, match="gpu1: ansible_port is `ssh`, not a number"):
        connect(Host("gpu1", vars={"ansible_port": "ssh"}), options)


@pytest.mark.parametrize("executable", ["ssh", "/nonexistent/ssh"])
def test_cbc_is_off_whatever_the_configuration_says(sshd: Sshd, options: Options, executable: str) -> None:
    sshd.config = ("Ciphers aes128-cbc,aes256-cbc",)
    sshd.restart()
    with sshd.client_config.open("a") as config:
        config.write("  Ciphers +aes128-cbc\n")
    text = unreachable(sshd.host(ansible_ssh_executable=executable), options)
    assert "shares no algorithm" in text


def test_which_algorithms_are_used(sshd: Sshd, options: Options) -> None:
    assert hello(sshd.host(), options) == b"hello\n"
    log = sshd.log()
    assert "kex: algorithm: curve25519-sha256@libssh.org" in log
    assert "kex: client->server cipher: aes128-gcm@openssh.com" in log
    with sshd.client_config.open("a") as config:
        config.write("  KexAlgorithms ecdh-sha2-nistp256\n  Ciphers aes256-ctr\n  MACs hmac-sha2-512\n")
    assert hello(sshd.host(), options) == b"hello\n"
    log = sshd.log()
    assert "kex: algorithm: ecdh-sha2-nistp256" in log
    assert "kex: client->server cipher: aes256-ctr MAC: hmac-sha2-512" in log


# --- one connection


def test_one_connection_for_all_that_is_run(sshd: Sshd, options: Options) -> None:
    transport = connect(sshd.host(), options)
    for _ in range(5):
        assert run(transport, "true").status == 0
    assert (sshd.logins(), sshd.execs(), sshd.connections()) == (1, 5, 1)
    transport.close()
    deadline = time.monotonic() + 5
    while sshd.connections() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sshd.connections() == 0


def test_a_connection_that_broke_while_nothing_ran_is_replaced(sshd: Sshd, options: Options) -> None:
    transport = connect(sshd.host(), options)
    run(transport, "true")
    sshd.cut()
    time.sleep(0.2)
    assert run(transport, "echo", "again").stdout == b"again\n"
    assert sshd.logins() == 2
    transport.close()


def test_many_hosts_at_once(shared_sshd: Sshd, options: Options) -> None:
    with leaving_nothing(), ThreadPoolExecutor(12) as pool:
        done = list(pool.map(lambda number: hello(shared_sshd.host(f"h{number}"), options), range(24)))
    assert done == [b"hello\n"] * 24


def test_keepalive(sshd: Sshd, options: Options) -> None:
    with sshd.client_config.open("a") as config:
        config.write("  ServerAliveInterval 1\n")
    transport = connect(sshd.host(), options)
    run(transport, "true")
    time.sleep(2.6)
    transport.close()
    assert "keepalive@" in sshd.log()
