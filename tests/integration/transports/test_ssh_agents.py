"""Logging in over SSH with an agent and with certificates."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.transports import Options, connect
from tests.sshd import Sshd, keygen, public, sign
from tests.transports import (
    configure,
    leaving_nothing,
    login,
    login_refusal,
    run,
    without_identity,
)

# --- agents


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_an_agent(
    sshd: Sshd,
    options: Options,
    agent: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
) -> None:
    key = keygen(tmp_path / "held", kind)
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    monkeypatch.setenv("SSH_AUTH_SOCK", agent(key))
    key.unlink()
    without_identity(sshd, "IdentityFile /nonexistent")
    assert login(sshd, options) == "root"


def test_the_agents_key_for_a_locked_file(
    sshd: Sshd, options: Options, agent: Callable[..., str], locked: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(locked.read_bytes())
    plain.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "", "-f", str(plain)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    socket = agent(keygen(tmp_path / "another"), plain)
    configure(sshd, f"IdentityAgent {socket}")
    # IdentitiesOnly keeps the agent's other key from being offered.
    assert login(sshd, options) == "root"
    assert "Failed publickey" not in sshd.log()


def test_identities_only_leaves_the_agents_keys_alone(
    sshd: Sshd, options: Options, agent: Callable[..., str], tmp_path: Path
) -> None:
    socket = agent(sshd.user_key)
    wrong = keygen(tmp_path / "wrong")
    without_identity(sshd, f"IdentityFile {wrong}", f"IdentityAgent {socket}")
    assert login(sshd, options) == "root"
    configure(sshd, "IdentitiesOnly yes")
    text = login_refusal(sshd, options)
    assert "agent key" not in text


def test_an_agent_that_is_gone(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    configure(sshd, f"IdentityAgent {tmp_path}/gone")
    assert login(sshd, options) == "root"
    (sshd.directory / "authorized_keys").write_text("")
    assert f"not tried: agent {tmp_path}/gone: " in login_refusal(sshd, options)


# --- certificates


@pytest.fixture(params=["ed25519", "ecdsa", "rsa"])
def certified(request: pytest.FixtureRequest, sshd: Sshd, tmp_path: Path) -> Path:
    """A key that the server accepts with its certificate only."""
    authority = keygen(tmp_path / "authority")
    key = keygen(tmp_path / "certified", request.param)
    sign(authority, key, principals="root")
    (sshd.directory / "authorized_keys").write_text(f"cert-authority {public(authority)}\n")
    without_identity(sshd, f"IdentityFile {key}", "IdentitiesOnly yes", "IdentityAgent none")
    return key


def test_a_certificate_beside_its_key(sshd: Sshd, options: Options, certified: Path) -> None:
    assert login(sshd, options) == "root"
    assert re.search(r"Accepted (publickey|certificate).*(CERT|-cert)", sshd.log()), sshd.log()


def test_a_certificate_elsewhere(sshd: Sshd, options: Options, certified: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.pub"
    certified.with_name("certified-cert.pub").rename(moved)
    assert "tried: key" in login_refusal(sshd, options)
    configure(sshd, f"CertificateFile {moved}")
    assert login(sshd, options) == "root"


def test_a_certificate_in_an_agent(sshd: Sshd, options: Options, certified: Path, agent: Callable[..., str]) -> None:
    socket = agent(certified)
    without_identity(sshd, f"IdentityAgent {socket}", "IdentityFile /nonexistent")
    assert login(sshd, options) == "root"


def test_a_certificate_that_expired_and_its_key(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    sign(keygen(tmp_path / "authority"), key, principals="root", extra=["-V", "20200101:20200102"])
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    without_identity(sshd, f"IdentityFile {key}", "IdentitiesOnly yes")
    assert login(sshd, options) == "root"


# --- the agent on the host


def test_the_agent_is_lent_where_the_configuration_says_so(
    sshd: Sshd, options: Options, agent: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program on the host can sign with a key that never leaves this side; several at once, and to the end."""
    monkeypatch.setenv("SSH_AUTH_SOCK", agent(keygen(tmp_path / "held", comment="held key")))
    transport = connect(sshd.host(), options)
    assert run(transport, "ssh-add", "-l").status == 2, "nothing is lent unasked"
    transport.close()
    configure(sshd, "ForwardAgent yes")
    transport = connect(sshd.host(), options)
    with leaving_nothing():
        for _ in range(3):
            assert b"held key" in run(transport, "ssh-add", "-l").stdout
        many = "for i in 1 2 3 4; do ssh-add -l & done; wait"
        assert run(transport, "sh", "-c", many).stdout.count(b"held key") == 4
        hold = (
            "import os, socket, time;"
            "s = socket.socket(1); s.connect(os.environ['SSH_AUTH_SOCK']); print(1, flush=True); time.sleep(5)"
        )
        held = transport.run([sys.executable, "-c", hold], ())
        next(held)
        transport.close()
