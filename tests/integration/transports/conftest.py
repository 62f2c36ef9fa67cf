"""Fixtures for the tests of transports: a server a test, one for many, containers, and a stand-in for wsl.exe."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.transports import Options
from tests.sshd import Sshd, keygen, public
from tests.transports import need_sshd, without_identity


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Short limits: what takes longer in a test is wrong."""
    return Options(project=tmp_path, connect_timeout=2, banner_timeout=5, silence=10)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server for one test."""
    need_sshd()
    with Sshd(tmp_path / "sshd") as server:
        yield server


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server for tests that only run programs."""
    need_sshd()
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def container() -> Iterator[str]:
    """Name of a running container with busybox in it."""
    from tests.engine_images import tiny

    name = f"engine-transports-{uuid.uuid4().hex[:8]}"
    subprocess.run(
        ["docker", "run", "-d", "--init", "--network=none", "--name", name, tiny()], check=True, capture_output=True
    )
    yield name
    subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


@pytest.fixture(scope="session")
def wsl_executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Behaves as wsl.exe is documented to: `--exec` runs a program without a shell, what stands after `--` or
    alone goes through one; its own messages are UTF-16 unless WSL_UTF8 is 1."""
    path = tmp_path_factory.mktemp("wsl") / "wsl.exe"
    path.write_text(WSL)
    path.chmod(0o755)
    return path


WSL = r"""#!/bin/sh
say() { if [ "${WSL_UTF8-}" = 1 ]; then printf '%s\r\n' "$1"; else printf '%s\r\n' "$1" | iconv -t UTF-16LE; fi; }
while [ $# -gt 0 ]; do
    case $1 in
    -d | --distribution)
        if [ "$2" != Ubuntu ]; then
            say 'There is no distribution with the supplied name.'
            exit 255
        fi
        shift 2 ;;
    -u | --user) shift 2 ;;
    -e | --exec) shift; exec "$@" ;;
    --) shift; exec sh -c "$*" ;;
    *) exec sh -c "$*" ;;
    esac
done
exec sh
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Sshd, Sshd]]:
    """Two servers: a hop, and a host that is reached through it."""
    need_sshd()
    with Sshd(tmp_path / "hop", address="127.0.0.2") as hop, Sshd(tmp_path / "host", address="127.0.0.3") as host:
        yield hop, host


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts an agent with keys in it; returns its socket."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*keys: Path) -> str:
        path = tmp_path / f"agent{len(started)}"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
        started.append(process)
        while not path.exists():
            assert process.poll() is None
        env = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        # Its socket is there a moment before it listens: 2 says that nobody does.
        while subprocess.run(["ssh-add", "-l"], env=env, capture_output=True).returncode == 2:
            assert process.poll() is None
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env=env, check=True)
        return str(path)

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def locked(sshd: Sshd, tmp_path: Path) -> Path:
    """An encrypted key that the server accepts, and the only one the client has."""
    key = keygen(tmp_path / "locked", passphrase="open sesame")
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    without_identity(sshd, f"IdentityFile {key}", "IdentitiesOnly yes", "IdentityAgent none")
    return key
