"""SSH hosts behind hops and proxy commands."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import HostKeyRefused
from engine.model import Host
from engine.transports import Options, connect
from tests.sshd import Sshd, public
from tests.transports import (
    hello,
    leaving_nothing,
    need_sshd,
    run,
    unreachable,
    write_config,
)

# --- hops


def test_one_hop(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    variables = {"ansible_ssh_common_args": f"{arguments} -o ProxyJump=hop"}
    assert hello(Host("gpu1", vars=variables), options) == b"hello\n"
    assert "direct-tcpip" in hop.log()
    assert (hop.execs(), host.execs()) == (0, 1)


@pytest.mark.parametrize("executable", ["ssh", "/nonexistent/ssh"])
def test_a_chain_of_hops(options: Options, tmp_path: Path, executable: str) -> None:
    """The hop's own ProxyJump counts for the first of a list only, as for ssh."""
    need_sshd()
    servers = [Sshd(tmp_path / f"s{number}", address=f"127.0.0.{number + 2}") for number in range(4)]
    try:
        named = [(f"s{number}", server.start()) for number, server in enumerate(servers)]
        arguments = write_config(
            tmp_path / "config", *named, more="Host s1\n  ProxyJump s0\nHost s3\n  ProxyJump s1,s2\n"
        )
        variables = {"ansible_ssh_common_args": arguments, "ansible_ssh_executable": executable}
        with leaving_nothing():
            assert hello(Host("s3", vars=variables), options) == b"hello\n"
        assert ["direct-tcpip" in server.log() for server in servers] == [True, True, True, False]
        assert [server.logins() for server in servers] == [1, 1, 1, 1]
    finally:
        for server in servers:
            server.stop()


def test_a_hop_by_user_address_and_port(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", (hop.address, hop), ("gpu1", host))
    for jump in (f"root@{hop.address}:{hop.port}", f"ssh://root@{hop.address}:{hop.port}"):
        variables = {"ansible_ssh_common_args": f"{arguments} -J {jump}"}
        assert hello(Host("gpu1", vars=variables), options) == b"hello\n"


def test_much_data_through_a_hop(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    transport = connect(Host("gpu1", vars={"ansible_ssh_common_args": f"{arguments} -J hop"}), options)
    block = bytes(range(256)) * 256
    assert run(transport, "cat", stdin=(block for _ in range(100))).stdout == block * 100
    transport.close()


def test_the_key_of_a_hop_is_checked(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    hop.known_hosts.write_text("")
    variables = {"ansible_ssh_common_args": f"{arguments} -J hop", "ansible_password": "canary"}
    with pytest.raises(HostKeyRefused, match=r"^gpu1 \(via hop\): host key of 127.0.0.2:\d+ .* is not known"):
        hello(Host("gpu1", vars=variables), options)
    assert host.logins() == 0


def test_the_key_behind_a_hop_is_checked(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    host.known_hosts.write_text(f"{host.name} {public(hop.host_key())}\n")
    with pytest.raises(HostKeyRefused, match=r"^gpu1: host key of 127.0.0.3:\d+ .* does not match the known one"):
        hello(Host("gpu1", vars={"ansible_ssh_common_args": f"{arguments} -J hop"}), options)


def test_a_hop_that_cannot_reach_the_host(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    host.stop()
    text = unreachable(Host("gpu1", vars={"ansible_ssh_common_args": f"{arguments} -J hop"}), options)
    assert text == f"gpu1: the hop before it cannot reach 127.0.0.3:{host.port}: Connect failed"


def test_hops_in_a_circle(options: Options, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    host = Host("a", vars={"ansible_ssh_common_args": f"-F {tmp_path}/config"})
    assert "circular ProxyJump: b → a → b" in unreachable(host, options)


# --- proxy commands


def relay_command(tmp_path: Path) -> str:
    """A program that joins its standard input and output with a TCP connection, as `nc` does."""
    path = tmp_path / "join.py"
    path.write_text(
        "import os, socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def out():\n"
        "    while data := s.recv(65536):\n"
        "        os.write(1, data)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=out, daemon=True).start()\n"
        "while data := os.read(0, 65536):\n"
        "    s.sendall(data)\n"
    )
    return f"{shutil.which('python3')} {path}"


@pytest.mark.parametrize("executable", ["ssh", "/nonexistent/ssh"])
def test_a_proxy_command(sshd: Sshd, options: Options, tmp_path: Path, executable: str) -> None:
    arguments = f"-F {sshd.client_config} -o 'ProxyCommand={relay_command(tmp_path)} %h %p'"
    host = sshd.host(ansible_ssh_common_args=arguments, ansible_ssh_executable=executable)
    with leaving_nothing():
        assert hello(host, options) == b"hello\n"


def test_a_proxy_command_that_fails(sshd: Sshd, options: Options) -> None:
    arguments = f"-F {sshd.client_config} -o 'ProxyCommand=echo no route today >&2; exit 1; #'"
    text = unreachable(sshd.host(ansible_ssh_common_args=arguments), options)
    assert "closed the connection before any SSH banner" in text
    assert "its ProxyCommand printed: no route today" in text


def test_a_proxy_command_that_says_nothing(sshd: Sshd, options: Options) -> None:
    arguments = f"-F {sshd.client_config} -o 'ProxyCommand=sleep 60'"
    text = unreachable(sshd.host(ansible_ssh_common_args=arguments), replace(options, banner_timeout=0.5))
    assert "sent no SSH banner in 0.5 s" in text
