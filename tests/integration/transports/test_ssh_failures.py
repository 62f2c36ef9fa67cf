"""What can go wrong on the way to an SSH host, and on the line; what is said of it, and that nothing is left."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConnectionLost, Unreachable
from engine.model import Host
from engine.transports import Options, connect
from engine.transports.ssh import connect as ssh_connect
from engine.transports.ssh.session import Session
from tests.relay import Relay
from tests.sshd import Sshd, free_port, public
from tests.transports import (
    hello,
    leaving_nothing,
    run,
    unreachable,
)

# --- no connection


def test_a_name_that_does_not_exist(options: Options) -> None:
    host = Host("gpu1", vars={"ansible_host": "gpu1.invalid", "ansible_ssh_common_args": "-F none"})
    assert unreachable(host, options).startswith("gpu1: the name gpu1.invalid cannot be resolved: ")


def test_nothing_listens(options: Options) -> None:
    port = free_port()
    host = Host(
        "gpu1", vars={"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": "-F none"}
    )
    assert unreachable(host, options) == f"gpu1: 127.0.0.1:{port} refuses connections; nothing is listening"


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
        assert time.monotonic() - began < 10
        timeout = {"ansible_timeout": 0.5}
        assert unreachable(Host("gpu11", vars=variables | timeout), options).endswith("in 0.5 s")
        for one in filling:
            one.close()


def test_no_banner(options: Options, deaf: int) -> None:
    variables = {"ansible_host": "127.0.0.1", "ansible_port": deaf, "ansible_ssh_common_args": "-F none"}
    began = time.monotonic()
    text = unreachable(Host("gpu1", vars=variables), replace(options, banner_timeout=0.5))
    assert text == f"gpu1: 127.0.0.1:{deaf} accepted the connection but sent no SSH banner in 0.5 s"
    assert time.monotonic() - began < 10


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
        (b"SSH-1.5-old\r\n", "shares no algorithm"),
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
    outcomes: set[tuple[str, str]] = set()
    for size in (1, 30, 900, 1500, 2500, 2900, 3200, 3400, 3600, 4000, 20_000, 60_000):
        with leaving_nothing():
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


@pytest.mark.parametrize("stdin", [0, 50], ids=["idle", "sending"])
def test_a_line_that_goes_silent(relayed: Relayed, options: Options, stdin: int) -> None:
    _, relay, host = relayed
    transport = connect(host(), replace(options, silence=1))
    pieces = transport.run(["sh", "-c", "echo begun; cat; sleep 30"], (b"x" * (1 << 20) for _ in range(stdin)))
    next(pieces)
    relay.silence()
    began = time.monotonic()
    with pytest.raises(ConnectionLost, match=r"gpu1: (no output from|the connection to) 127.0.0.1:\d+"):
        list(pieces)
    assert time.monotonic() - began < 20
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
    """200 ms each way: the login takes no more than seven round trips, a program one; a busy machine adds some."""
    _, relay, host = relayed
    hello(host(), options)
    relay.delay = 0.2
    transport = connect(host(), options)
    began = time.monotonic()
    run(transport, "true")
    first = time.monotonic() - began
    began = time.monotonic()
    assert run(transport, "cat", stdin=[b"x" * 10_000]).stdout == b"x" * 10_000
    second = time.monotonic() - began
    transport.close()
    assert first < 0.4 * (7 + 3), first
    assert second < 0.4 * (2 + 2), second


def test_no_more_sessions_allowed(sshd: Sshd, options: Options) -> None:
    sshd.config = ("MaxSessions 1",)
    sshd.restart()
    transport = connect(sshd.host(), options)
    held = transport.run(["sh", "-c", "echo begun; sleep 5"], ())
    next(held)
    with pytest.raises(Unreachable, match=r"gpu1: 127.0.0.1:\d+ refuses another session"):
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
    with leaving_nothing():
        for _ in range(3):
            fail()


@pytest.mark.parametrize("step", ["_presented", "log_in"])
def test_cut_between_two_steps_of_a_login(
    sshd: Sshd, options: Options, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever happens to be next finds the connection gone, and says so as everybody else."""
    go_on = getattr(ssh_connect, step)

    def cut(session: Session, *more: Any) -> Any:
        session.close()
        return go_on(session, *more)

    monkeypatch.setattr(ssh_connect, step, cut)
    transport = connect(sshd.host(), options)
    with pytest.raises(ConnectionLost, match=r"^gpu1: the connection to \S+ was cut during the login$"):
        list(transport.run(["true"], ()))
    transport.close()
