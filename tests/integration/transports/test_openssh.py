"""The OpenSSH client as a transport: what its words mean, and connections that stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AuthenticationRefused, ConnectionLost, HostKeyRefused, InvalidInput, Unreachable
from engine.model import Host
from engine.transports import Options, connect
from engine.transports.openssh import control_directory
from tests.sshd import Sshd, free_port, keygen, public
from tests.transports import run


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for sockets of this test's own; its path is short, as sockets' must be."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="engine-") as directory:
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
        yield Path(directory)


def host(sshd: Sshd, **variables: Any) -> Host:
    return sshd.host(**{"ansible_connection": "openssh", "ansible_openssh_persist": 0, **variables})


def hello(host: Host, options: Options) -> bytes:
    transport = connect(host, options)
    try:
        return run(transport, "echo", "hello").stdout
    finally:
        transport.close()


@pytest.mark.usefixtures("runtime")
def test_one_connection_for_all_that_is_run(sshd: Sshd, options: Options) -> None:
    transport = connect(host(sshd), options)
    for _ in range(3):
        assert run(transport, "echo", "hello").stdout == b"hello\n"
    assert (sshd.logins(), sshd.execs()) == (1, 3)
    transport.close()
    deadline = time.monotonic() + 5
    while sshd.connections() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sshd.connections() == 0


@pytest.mark.usefixtures("runtime")
def test_a_connection_that_stays_warm(sshd: Sshd, options: Options) -> None:
    kept = host(sshd, ansible_openssh_persist=30)
    for _ in range(3):
        assert hello(kept, options) == b"hello\n"
    assert (sshd.logins(), sshd.execs(), sshd.connections()) == (1, 3, 1)


def test_sockets_are_nobody_elses(runtime: Path) -> None:
    directory = control_directory()
    assert directory.parent == runtime
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.chmod(0o755)
    with pytest.raises(InvalidInput, match="only you can access"):
        control_directory()


@pytest.mark.usefixtures("runtime")
def test_an_unknown_host_key(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.write_text("")
    with pytest.raises(HostKeyRefused, match=r"^gpu1: Host key verification failed"):
        hello(host(sshd), options)
    assert hello(host(sshd), replace(options, accept_new=True)) == b"hello\n"
    assert public(sshd.host_key()) in sshd.known_hosts.read_text()


@pytest.mark.usefixtures("runtime")
def test_a_changed_host_key(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    sshd.known_hosts.write_text(f"{sshd.name} {public(keygen(tmp_path / 'other'))}\n")
    for accept_new in (False, True):
        with pytest.raises(HostKeyRefused, match="REMOTE HOST IDENTIFICATION HAS CHANGED"):
            hello(host(sshd), replace(options, accept_new=accept_new))


@pytest.mark.usefixtures("runtime")
def test_no_credential_will_do(sshd: Sshd, options: Options) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    with pytest.raises(AuthenticationRefused, match=r"^gpu1: root@127.0.0.1: Permission denied \(publickey\)"):
        hello(host(sshd), options)


@pytest.mark.usefixtures("runtime")
def test_no_connection(sshd: Sshd, options: Options) -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        hello(host(sshd, ansible_port=free_port()), options)
    with pytest.raises(Unreachable, match="Could not resolve hostname"):
        hello(host(sshd, ansible_host="gpu1.invalid"), options)
    with pytest.raises(Unreachable, match="the OpenSSH client cannot be started"):
        hello(host(sshd, ansible_ssh_executable="/nonexistent/ssh"), options)


@pytest.mark.usefixtures("runtime")
def test_a_connection_that_is_cut(sshd: Sshd, options: Options) -> None:
    transport = connect(host(sshd), options)
    pieces = transport.run(["sh", "-c", "echo begun; sleep 5"], ())
    next(pieces)
    sshd.cut()
    with pytest.raises(ConnectionLost, match=r"^gpu1: "):
        list(pieces)
    assert run(transport, "echo", "again").stdout == b"again\n"
    transport.close()


def test_passwords_are_not_for_it(sshd: Sshd, options: Options) -> None:
    with pytest.raises(InvalidInput, match="openssh, which takes no ansible_password") as caught:
        connect(host(sshd, ansible_password="canary"), options)
    assert "canary" not in str(caught.value)
