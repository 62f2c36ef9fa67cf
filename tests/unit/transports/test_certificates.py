"""Host certificates: damaged ones, forged ones, and what OpenSSH's own tool makes."""

from __future__ import annotations

import base64
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.transports.ssh.certificates import Certificate, objection, parse, plain_key
from engine.transports.ssh.known_hosts import fingerprint, glob
from tests.sshd import keygen, public, sign


def blob(path: Path) -> bytes:
    return base64.b64decode(path.read_text().split()[1])


def judge(certificate: Certificate, name: str = "gpu1.lan", **more: object) -> str | None:
    return objection(certificate, name, matches=glob, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["ed25519", "ecdsa", "rsa"])
def certificate(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    key = keygen(tmp_path / "key", request.param)
    return blob(sign(keygen(tmp_path / "authority"), key, principals="gpu1.lan,*.gpu.lan", host=True))


def test_what_it_says(certificate: bytes, tmp_path: Path) -> None:
    parsed = parse(certificate)
    assert parsed.identity == "test"
    assert parsed.principals == ("gpu1.lan", "*.gpu.lan")
    assert parsed.authority == base64.b64decode(public(tmp_path / "authority").split()[1])
    assert plain_key(certificate) == base64.b64decode(public(tmp_path / "key").split()[1])
    assert judge(parsed) is None
    assert judge(parsed, "a.gpu.lan") is None
    assert judge(parsed, "gpu2.lan") == "it is for gpu1.lan, *.gpu.lan, not for gpu2.lan"


def test_cut_anywhere_it_is_none(certificate: bytes) -> None:
    for size in range(len(certificate)):
        with pytest.raises(ValueError, match=r"cut short|not understood"):
            parse(certificate[:size])
        assert isinstance(plain_key(certificate[:size]), bytes)
    with pytest.raises(ValueError, match="after its end"):
        parse(certificate + b"\0")


def test_a_bit_flipped_anywhere_it_vouches_for_nothing(certificate: bytes) -> None:
    for position in range(len(certificate)):
        damaged = bytearray(certificate)
        damaged[position] ^= 1
        try:
            parsed = parse(bytes(damaged))
        except ValueError:
            continue
        assert judge(parsed) is not None, position


def test_a_users_certificate_is_no_hosts(tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    certificate = parse(blob(sign(keygen(tmp_path / "authority"), key, principals="gpu1.lan")))
    assert judge(certificate) == "it is a user's certificate, not a host's"


def test_times(tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    signed = sign(keygen(tmp_path / "ca"), key, principals="", host=True, extra=["-V", "20300101:20310101"])
    certificate = parse(blob(signed))
    noon = time.mktime((2030, 6, 1, 12, 0, 0, 0, 0, 0))
    assert judge(certificate, now=noon) is None
    assert str(judge(certificate, now=0)).startswith("it is valid from 2030-01-01")
    assert str(judge(certificate, now=noon + 366 * 86400)).startswith("it expired on 2031-01-01")
    huge = replace(certificate, valid_after=(1 << 64) - 2, valid_before=(1 << 64) - 1)
    assert judge(huge, now=0) == "it is valid from a date after the year 9999 on"


@pytest.mark.parametrize(
    ("algorithm", "counts"), [("ssh-rsa", False), ("rsa-sha2-256", True), ("rsa-sha2-512", True)]
)
def test_sha1_does_not_count(tmp_path: Path, algorithm: str, counts: bool) -> None:
    key, authority = keygen(tmp_path / "key"), keygen(tmp_path / "authority", "rsa")
    certificate = parse(blob(sign(authority, key, principals="", host=True, extra=["-t", algorithm])))
    verdict = judge(certificate)
    assert verdict == (None if counts else "its authority signs with ssh-rsa, which is not accepted")
    assert judge(certificate, algorithms=["ssh-ed25519"]) is not None


def test_a_fingerprint_is_as_ssh_keygen_prints_it(tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True).stdout
    assert fingerprint(base64.b64decode(public(key).split()[1])) == shown.split()[1]
