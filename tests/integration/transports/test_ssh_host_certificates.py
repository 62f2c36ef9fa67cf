"""Which certificates of hosts are accepted. With a real sshd."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.transports import Options
from tests.sshd import Sshd, keygen, public, sign
from tests.transports import (
    key_refusal,
    need_sshd,
    works,
)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return keygen(tmp_path / "authority")


@pytest.fixture(params=["ed25519", "ecdsa", "rsa"])
def certified(request: pytest.FixtureRequest, tmp_path: Path, authority: Path) -> Iterator[Sshd]:
    """A server with a certificate for 127.0.0.1."""
    yield from serve(tmp_path, authority, request.param, principals="127.0.0.1")


def serve(
    tmp_path: Path,
    authority: Path,
    kind: str = "ed25519",
    principals: str = "127.0.0.1",
    *extra: str,
    host: bool = True,
) -> Iterator[Sshd]:
    need_sshd()
    server = Sshd(tmp_path / "sshd", kinds=(kind,))
    certificate = sign(authority, server.host_key(kind), principals=principals, host=host, extra=extra)
    server.config = (f"HostCertificate {certificate}",)
    server.known_hosts.write_text(f"@cert-authority {server.name} {public(authority)}\n")
    server.restart()
    yield server
    server.stop()


def test_certified(certified: Sshd, options: Options) -> None:
    assert works(certified, options)


def test_an_authority_for_a_pattern(certified: Sshd, options: Options, authority: Path) -> None:
    certified.known_hosts.write_text(f"@cert-authority *.lan,[127.*]:* {public(authority)}\n")
    assert works(certified, options)


def test_an_authority_of_rsa_and_of_ecdsa(tmp_path: Path, options: Options) -> None:
    for kind in ("rsa", "ecdsa"):
        (tmp_path / kind).mkdir()
        for server in serve(tmp_path / kind, keygen(tmp_path / kind / "authority", kind)):
            assert works(server, options), kind


def test_a_certificate_and_no_authority(certified: Sshd, options: Options) -> None:
    certified.known_hosts.write_text("")
    assert "is not known" in key_refusal(certified, options)


@pytest.mark.parametrize("principals", ["*.0.0.1", "gpu9.lan,127.0.0.1", ""])
def test_whom_a_certificate_is_for(tmp_path: Path, authority: Path, options: Options, principals: str) -> None:
    # One for nobody in particular is for all, as for ssh.
    for server in serve(tmp_path, authority, "ed25519", principals):
        assert works(server, options)


@pytest.mark.parametrize(
    ("principals", "extra", "host", "why"),
    [
        ("gpu9.lan", (), True, "it is for gpu9.lan, not for 127.0.0.1"),
        ("127.0.0.1", ("-V", "20200101:20200102"), True, "it expired on 2020-01-02"),
        ("127.0.0.1", ("-V", "20900101:20900102"), True, "it is valid from 2090-01-01"),
        ("127.0.0.1", ("-O", "critical:verify=yes"), True, "it has critical options"),
    ],
)
def test_a_certificate_that_does_not_count(
    tmp_path: Path, authority: Path, options: Options, principals: str, extra: tuple[str, ...], host: bool, why: str
) -> None:
    for server in serve(tmp_path, authority, "ed25519", principals, *extra, host=host):
        text = key_refusal(server, options)
        assert f"Its certificate does not help: {why}" in text, text
        # The plain key being known is enough, as for ssh.
        server.known_hosts.write_text(f"{server.name} {public(server.host_key())}\n" + server.known_hosts.read_text())
        assert works(server, options)


def test_an_authority_that_is_not_known(certified: Sshd, options: Options, tmp_path: Path) -> None:
    certified.known_hosts.write_text(f"@cert-authority * {public(keygen(tmp_path / 'other'))}\n")
    text = key_refusal(certified, options)
    assert re.search(r"its authority SHA256:\S+ is not known for this host", text)


def test_an_authority_that_is_revoked(certified: Sshd, options: Options, authority: Path) -> None:
    with certified.known_hosts.open("a") as file:
        file.write(f"@revoked * {public(authority)}\n")
    assert f"is certified by a revoked authority ({certified.known_hosts}:2)" in key_refusal(certified, options)


def test_the_key_of_a_certificate_revoked(certified: Sshd, options: Options) -> None:
    kind = certified.kinds[0]
    with certified.known_hosts.open("a") as file:
        file.write(f"@revoked * {public(certified.host_key(kind))}\n")
    assert "is revoked" in key_refusal(certified, options)


def test_a_new_host_with_a_certificate_is_not_new_to_its_authority(
    tmp_path: Path, authority: Path, options: Options
) -> None:
    for server in serve(tmp_path, authority, "ed25519", "gpu9.lan"):
        options = replace(options, accept_new=True, notice=lambda _: None)
        assert works(server, options)
        assert public(server.host_key()) in server.known_hosts.read_text()
