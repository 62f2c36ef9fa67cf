"""The way to an SSH host: configuration, hops, proxy commands; and everything that can go wrong on it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConnectionLost, HostKeyRefused, InvalidInput, Unreachable
from engine.model import Host
from engine.transports import Options, connect
from tests.relay import Relay
from tests.sshd import Sshd, free_port, public
from tests.transports import children, need_sshd, run, threads_and_files


def hello(host: Host, options: Options) -> bytes:
    transport = connect(host, options)
    try:
        return run(transport, "echo", "hello").stdout
    finally:
        transport.close()


def unreachable(host: Host, options: Options) -> str:
    before = threads_and_files()
    with pytest.raises(Unreachable) as caught:
        hello(host, options)
    assert caught.value.exit_code == 4
    assert threads_and_files() == before, "a failure left something behind"
    return str(caught.value)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Sshd, Sshd]]:
    """Two servers: a hop, and a host that is reached through it."""
    need_sshd()
    with Sshd(tmp_path / "hop", address="127.0.0.2") as hop, Sshd(tmp_path / "host", address="127.0.0.3") as host:
        yield hop, host


def write_config(path: Path, *servers: tuple[str, Sshd], more: str = "") -> str:
    """A client configuration in which servers have names; returns the arguments that choose it."""
    blocks = [
        f"Host {name}\n  HostName {server.address}\n  Port {server.port}\n  User root\n"
        f"  IdentityFile {server.user_key}\n  UserKnownHostsFile {server.known_hosts}\n"
        for name, server in servers
    ]
    path.write_text(
        more
        + "".join(blocks)
        + "Host *\n  IdentityAgent none\n  IdentitiesOnly yes\n  GlobalKnownHostsFile /dev/null\n"
    )
    return f"-F {path}"


# --- configuration


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
    assert "share no algorithm" in text


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
    before = threads_and_files()
    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(lambda number: hello(shared_sshd.host(f"h{number}"), options), range(24)))
    assert done == [b"hello\n"] * 24
    assert threads_and_files() == before


def test_keepalive(sshd: Sshd, options: Options) -> None:
    with sshd.client_config.open("a") as config:
        config.write("  ServerAliveInterval 1\n")
    transport = connect(sshd.host(), options)
    run(transport, "true")
    time.sleep(2.6)
    transport.close()
    assert "keepalive@" in sshd.log()


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
        before = threads_and_files()
        assert hello(Host("s3", vars=variables), options) == b"hello\n"
        assert threads_and_files() == before
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
    with pytest.raises(HostKeyRefused, match=r"^gpu1 \(by way of hop\): host key of 127.0.0.2:\d+ .* is not known"):
        hello(Host("gpu1", vars=variables), options)
    assert host.logins() == 0


def test_the_key_behind_a_hop_is_checked(two: tuple[Sshd, Sshd], options: Options, tmp_path: Path) -> None:
    hop, host = two
    arguments = write_config(tmp_path / "config", ("hop", hop), ("gpu1", host))
    host.known_hosts.write_text(f"{host.name} {public(hop.host_key())}\n")
    with pytest.raises(HostKeyRefused, match=r"^gpu1: host key of 127.0.0.3:\d+ .* is not the one that is known"):
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
    assert "ProxyJump goes round in circles: b → a → b" in unreachable(host, options)


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
    before = threads_and_files(), children()
    assert hello(host, options) == b"hello\n"
    assert (threads_and_files(), children()) == before


def test_a_proxy_command_that_fails(sshd: Sshd, options: Options) -> None:
    arguments = f"-F {sshd.client_config} -o 'ProxyCommand=echo no route today >&2; exit 1; #'"
    text = unreachable(sshd.host(ansible_ssh_common_args=arguments), options)
    assert "closed the connection before any SSH banner" in text
    assert "its ProxyCommand says: no route today" in text


def test_a_proxy_command_that_says_nothing(sshd: Sshd, options: Options) -> None:
    arguments = f"-F {sshd.client_config} -o 'ProxyCommand=sleep 60'"
    before = children()
    text = unreachable(sshd.host(ansible_ssh_common_args=arguments), replace(options, banner_timeout=0.5))
    assert "sent no SSH banner in 0.5 s" in text
    assert children() == before


# --- no connection


def test_a_name_that_does_not_exist(options: Options) -> None:
    host = Host("gpu1", vars={"ansible_host": "gpu1.invalid", "ansible_ssh_common_args": "-F none"})
    assert unreachable(host, options).startswith("gpu1: the name gpu1.invalid cannot be resolved: ")


def test_nothing_listens(options: Options) -> None:
    port = free_port()
    host = Host(
        "gpu1", vars={"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": "-F none"}
    )
    assert unreachable(host, options) == f"gpu1: 127.0.0.1:{port} refuses connections; nothing listens there"


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_no_answer(options: Options) -> None:
    """A full backlog drops what comes, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        variables = {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": "-F none"}
        began = time.monotonic()
        assert unreachable(Host("gpu11", vars=variables), replace(options, connect_timeout=1)) == (
            f"gpu11: no answer from 127.0.0.1:{port} in 1 s"
        )
        assert time.monotonic() - began < 3
        timeout = {"ansible_timeout": 0.5}
        assert unreachable(Host("gpu11", vars=variables | timeout), options).endswith("in 0.5 s")
        for one in filling:
            one.close()


def test_no_banner(options: Options, deaf: int) -> None:
    variables = {"ansible_host": "127.0.0.1", "ansible_port": deaf, "ansible_ssh_common_args": "-F none"}
    began = time.monotonic()
    text = unreachable(Host("gpu1", vars=variables), replace(options, banner_timeout=0.5))
    assert text == f"gpu1: 127.0.0.1:{deaf} accepted the connection but sent no SSH banner in 0.5 s"
    assert time.monotonic() - began < 3


def speaking(answer: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
    """A port where each connection is answered by a function."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                answer(connection)

    threading.Thread(target=serve, daemon=True, name="speaking").start()
    return server.getsockname()[1], server


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "closed the connection before any SSH banner"),
        (b"", "closed the connection before any SSH banner"),
        (b"SSH-1.5-old\r\n", "share no algorithm"),
        (b"SSH-2.0-x\r\n", "closed the connection during the key exchange"),
        (b"SSH-2.0-x\r\n" + bytes(range(256)) * 50, "during the key exchange"),
        (b"\xff\xfe" * 500, "closed the connection before any SSH banner"),
    ],
)
def test_no_ssh_server(options: Options, said: bytes, expected: str) -> None:
    port, server = speaking(lambda connection: connection.sendall(said))
    with server:
        variables = {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": "-F none"}
        with pytest.raises(Unreachable, match=expected):
            hello(Host("gpu1", vars=variables), options)
        server.shutdown(socket.SHUT_RDWR)


# --- a connection that breaks


@pytest.fixture
def relayed(sshd: Sshd) -> Iterator[tuple[Sshd, Relay, Callable[..., Host]]]:
    """A server behind a relay, and a function that makes a host of it."""
    with Relay(sshd.address, sshd.port) as relay:
        sshd.known_hosts.write_text(f"[127.0.0.1]:{relay.port} {public(sshd.host_key())}\n")

        def host(**variables: Any) -> Host:
            return sshd.host(ansible_port=relay.port, **variables)

        yield sshd, relay, host


Relayed = tuple[Sshd, Relay, Callable[..., Host]]


def test_cut_while_a_program_runs(relayed: Relayed, options: Options) -> None:
    _, relay, host = relayed
    transport = connect(host(), options)
    pieces = transport.run(["sh", "-c", "echo begun; sleep 5"], ())
    next(pieces)
    relay.cut()
    with pytest.raises(ConnectionLost, match=r"^gpu1: the connection to 127.0.0.1:\d+ was cut"):
        list(pieces)
    transport.close()


def test_cut_at_many_places(relayed: Relayed, options: Options) -> None:
    _, relay, host = relayed
    before = threads_and_files()
    outcomes: set[tuple[str, str]] = set()
    for size in (1, 30, 900, 1500, 2500, 2900, 3200, 3400, 3600, 4000, 20_000, 60_000):
        transport = connect(host(), options)
        relay.cut_after(size)
        try:
            run(transport, "cat", stdin=[b"x" * 200_000])
            outcomes.add(("done", ""))
        except Unreachable as error:
            outcomes.add((type(error).__name__, str(error).split(" ")[0]))
        finally:
            transport.close()
        relay.cut_after(None)
    assert outcomes == {("Unreachable", "gpu1:"), ("ConnectionLost", "gpu1:")}
    deadline = time.monotonic() + 5
    while threads_and_files()[0] != before[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threads_and_files()[0] == before[0]


@pytest.mark.parametrize("stdin", [0, 50], ids=["idle", "sending"])
def test_a_line_that_goes_silent(relayed: Relayed, options: Options, stdin: int) -> None:
    _, relay, host = relayed
    transport = connect(host(), replace(options, silence=1))
    pieces = transport.run(["sh", "-c", "echo begun; cat; sleep 5"], (b"x" * (1 << 20) for _ in range(stdin)))
    next(pieces)
    relay.silence()
    began = time.monotonic()
    with pytest.raises(ConnectionLost, match=r"gpu1: (nothing came from|the connection to) 127.0.0.1:\d+"):
        list(pieces)
    assert time.monotonic() - began < 6
    transport.close()


def test_silence_during_the_key_exchange(relayed: Relayed, options: Options) -> None:
    _, relay, host = relayed
    watcher = threading.Thread(target=_silence_after, args=(relay, relay.passed + 100))
    watcher.start()
    with pytest.raises(Unreachable, match=r"did not finish the key exchange in 1 s|sent no SSH banner in 1 s"):
        hello(host(), replace(options, banner_timeout=1))
    watcher.join()


def _silence_after(relay: Relay, size: int) -> None:
    while relay.passed < size:
        time.sleep(0.0005)
    relay.silence()


def test_the_server_is_killed_while_a_program_runs(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    transport = connect(sshd.host(), options)
    marker = tmp_path / "marker"
    pieces = transport.run(["sh", "-c", f"echo begun; sleep 1; : > {marker}"], ())
    next(pieces)
    assert sshd.cut() == 1
    with pytest.raises(ConnectionLost, match="was cut"):
        list(pieces)
    deadline = time.monotonic() + 5
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert marker.exists(), "a quiet program goes on without its connection"
    # The next run has a connection of its own.
    assert run(transport, "echo", "again").stdout == b"again\n"
    transport.close()


def test_a_slow_line(relayed: Relayed, options: Options) -> None:
    """50 ms each way: the login takes no more than seven round trips, a program one."""
    _, relay, host = relayed
    hello(host(), options)
    relay.delay = 0.05
    transport = connect(host(), options)
    began = time.monotonic()
    run(transport, "true")
    first = time.monotonic() - began
    began = time.monotonic()
    assert run(transport, "cat", stdin=[b"x" * 10_000]).stdout == b"x" * 10_000
    second = time.monotonic() - began
    transport.close()
    assert first < 0.1 * 7 + 0.35, first
    assert second < 0.1 * 2 + 0.2, second


def test_no_more_sessions_allowed(sshd: Sshd, options: Options) -> None:
    sshd.config = ("MaxSessions 1",)
    sshd.restart()
    transport = connect(sshd.host(), options)
    held = transport.run(["sh", "-c", "echo begun; sleep 5"], ())
    next(held)
    with pytest.raises(Unreachable, match=r"gpu1: 127.0.0.1:\d+ allows no further session"):
        run(transport, "true")
    held.close()
    transport.close()


def test_a_server_that_runs_nothing(sshd: Sshd, options: Options) -> None:
    keys = sshd.directory / "authorized_keys"
    keys.write_text(f'command="echo only this; exit 9" {keys.read_text()}')
    transport = connect(sshd.host(), options)
    ran = run(transport, "cat", stdin=[b"x"])
    assert (ran.stdout, ran.status) == (b"only this\n", 9)
    transport.close()


def test_nothing_is_left_of_failures(sshd: Sshd, options: Options, deaf: int) -> None:
    def fail() -> None:
        for variables in (
            {"ansible_port": deaf},
            {"ansible_port": free_port()},
            {"ansible_user": "nobody-here"},
            {"ansible_ssh_common_args": f"-F {sshd.client_config} -o UserKnownHostsFile=/dev/null"},
        ):
            with pytest.raises(Unreachable):
                hello(sshd.host(**variables), replace(options, banner_timeout=1))

    fail()
    before = threads_and_files(), children()
    for _ in range(3):
        fail()
    assert (threads_and_files(), children()) == before
