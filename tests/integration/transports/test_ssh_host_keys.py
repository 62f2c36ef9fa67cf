"""Which host keys are accepted, and what is said of those that are not. With a real sshd."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.transports import Options
from engine.transports.ssh.known_hosts import hash_name
from tests.sshd import Sshd, keygen, public
from tests.transports import (
    key_fingerprint,
    key_refusal,
    need_sshd,
    works,
)

KNOWN = (
    "HOST KEY",
    "other,HOST,third KEY comment with words",
    "[127.0.0.*]:* KEY",
    "[127.0.0.?]:* KEY",
    "* KEY",
    "127.0.0.1 KEY",
    "HOST\tKEY",
    "  HOST   KEY",
    "@unknown-marker * KEY\nHOST KEY",
    "*,!HOST KEY",  # for the name without its port
)
UNKNOWN = (
    "[127.0.0.2]:22 KEY",
    "*,!HOST,!127.0.0.1 KEY",
    "!HOST,*,!127.* KEY",
    "@cert-authority HOST KEY",
    "@marker HOST KEY",
    "HOST ssh-rsa BLOB",
    "HOST ssh-ed25519",
    "HOST ssh-ed25519 ????",
    "HOST ssh-ed25519 AAAA",
    "#HOST KEY",
    "HOSTKEY",
    "\x01\udcff HOST KEY",
    "[127.0.0.1]:[0-9]* KEY",
)


@pytest.fixture
def known(sshd: Sshd) -> Callable[[str], None]:
    """Replaces what is known of hosts; `HOST`, `KEY` and `BLOB` stand for this server's."""

    def write(text: str) -> None:
        key = public(sshd.host_key())
        text = text.replace("HOST", sshd.name).replace("KEY", key).replace("BLOB", key.split()[1])
        sshd.known_hosts.write_bytes((text + "\n").encode("utf-8", "surrogateescape"))

    return write


def test_unknown(sshd: Sshd, options: Options, known: Callable[[str], None]) -> None:
    known("")
    text = key_refusal(sshd, options)
    lines = text.splitlines()
    assert lines[0] == (
        f"gpu1: host key of 127.0.0.1:{sshd.port} (ssh-ed25519 {key_fingerprint(sshd.host_key())})"
        " is not known; nothing was sent"
    )
    assert f"  Files checked: {sshd.known_hosts}, /dev/null" in lines
    assert "  Check it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in lines
    assert lines[-1] == f"  then add to {sshd.known_hosts}: {sshd.name} {public(sshd.host_key())}"
    # Doing what it says helps.
    known(lines[-1].split(": ", 1)[1])
    assert works(sshd, options)


def test_no_file_at_all(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.unlink()
    assert "is not known" in key_refusal(sshd, options)
    assert not sshd.known_hosts.exists()


def test_changed(sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    known(f"# comment\n\nHOST {public(other)}\n")
    text = key_refusal(sshd, options)
    assert "does not match the known one; nothing was sent" in text.splitlines()[0]
    assert key_fingerprint(sshd.host_key()) in text.splitlines()[0]
    assert f"{sshd.known_hosts}:3 says: ssh-ed25519 {key_fingerprint(other)}" in text
    assert f"replace {sshd.known_hosts}:3: {sshd.name} {public(sshd.host_key())}" in text


def test_changed_is_refused_even_when_new_keys_are_welcome(
    sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path
) -> None:
    line = f"HOST {public(keygen(tmp_path / 'other'))}\n"
    known(line)
    before = sshd.known_hosts.read_text()
    assert "does not match the known one" in key_refusal(sshd, replace(options, accept_new=True))
    assert sshd.known_hosts.read_text() == before


def test_another_type_known_is_no_new_host(
    sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path
) -> None:
    known(f"HOST {public(keygen(tmp_path / 'other', 'ecdsa'))}\n")
    assert "does not match the known one" in key_refusal(sshd, replace(options, accept_new=True))


def test_accept_new_when_asked(sshd: Sshd, options: Options, known: Callable[[str], None]) -> None:
    notices: list[str] = []
    options = replace(options, accept_new=True, notice=notices.append)
    sshd.known_hosts.write_text("# no newline at the end")
    assert works(sshd, options)
    assert sshd.known_hosts.read_text() == f"# no newline at the end\n{sshd.name} {public(sshd.host_key())}\n"
    assert len(notices) == 1
    assert key_fingerprint(sshd.host_key()) in notices[0]
    assert str(sshd.known_hosts) in notices[0]
    assert works(sshd, replace(options, accept_new=False))
    assert len(notices) == 1


def test_accept_new_by_the_configuration_hashes_where_that_is_wanted(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.unlink()
    with sshd.client_config.open("a") as config:
        config.write("  StrictHostKeyChecking accept-new\n  HashKnownHosts yes\n")
    assert works(sshd, options)
    text = sshd.known_hosts.read_text()
    assert text.startswith("|1|")
    assert "127.0.0.1" not in text
    assert sshd.known_hosts.stat().st_mode & 0o777 == 0o600
    # ssh itself finds it there.
    found = subprocess.run(["ssh-keygen", "-F", sshd.name, "-f", str(sshd.known_hosts)], capture_output=True)
    assert found.returncode == 0


def test_no_checking_by_the_inventory_lets_new_keys_in_only(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    options = replace(options, notice=lambda _: None)
    sshd.known_hosts.write_text(f"{sshd.name} {public(keygen(tmp_path / 'other'))}\n")
    assert "does not match the known one" in key_refusal(sshd, options, ansible_host_key_checking=False)
    sshd.known_hosts.write_text("")
    assert works(sshd, options, ansible_host_key_checking="no")
    assert public(sshd.host_key()) in sshd.known_hosts.read_text()


def test_accept_new_without_a_place_to_write(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.unlink()
    sshd.known_hosts.mkdir()
    text = key_refusal(sshd, replace(options, accept_new=True))
    assert f"{sshd.known_hosts} could not be written" in text


@pytest.mark.parametrize("line", KNOWN)
def test_known_in_many_ways(sshd: Sshd, options: Options, known: Callable[[str], None], line: str) -> None:
    known(line)
    assert works(sshd, options)


def test_known_by_a_hashed_name(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.write_text(
        f"|1|broken\n|1|!!|!! ssh-ed25519 AAAA\n{hash_name('other')} {public(sshd.host_key())}\n"
        f"{hash_name(sshd.name)} {public(sshd.host_key())}\n"
    )
    assert works(sshd, options)


@pytest.mark.parametrize("line", UNKNOWN)
def test_not_made_known_by(sshd: Sshd, options: Options, known: Callable[[str], None], line: str) -> None:
    known(line)
    assert "is not known" in key_refusal(sshd, options)


def test_ssh_thinks_the_same(sshd: Sshd, known: Callable[[str], None]) -> None:
    command = ["ssh", "-F", str(sshd.client_config), "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-p"]
    for line in (*KNOWN, *UNKNOWN):
        known(line)
        done = subprocess.run([*command, str(sshd.port), sshd.address, "true"], capture_output=True, check=False)
        assert (done.returncode == 0) == (line in KNOWN), (line, done.stderr)


@pytest.mark.parametrize("accept_new", [False, True])
@pytest.mark.parametrize("name", ["HOST", "*", "127.0.0.1", "hashed"])
def test_revoked_wins(sshd: Sshd, options: Options, name: str, accept_new: bool) -> None:
    key = public(sshd.host_key())
    name = hash_name(sshd.name) if name == "hashed" else name.replace("HOST", sshd.name)
    sshd.known_hosts.write_text(f"{sshd.name} {key}\n@revoked {name} {key}\n")
    text = key_refusal(sshd, replace(options, accept_new=accept_new))
    assert f"is revoked ({sshd.known_hosts}:2); nothing was sent" in text


def test_revoked_in_a_list_and_in_a_krl(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    keys, krl = tmp_path / "revoked", tmp_path / "krl"
    other = keygen(tmp_path / "other")
    with sshd.client_config.open("a") as config:
        config.write(f"  RevokedHostKeys {keys}\n")
    assert "revoked" in key_refusal(sshd, options), "a list that is missing revokes all, as for ssh"
    keys.write_text(public(other) + "\n")
    assert works(sshd, options)
    sshd.restart()
    keys.write_text(f"# comment\n{public(sshd.host_key())} comment\n")
    (sshd.directory / "log").unlink()
    sshd.restart()
    assert "revoked" in key_refusal(sshd, options)
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), f"{sshd.host_key()}.pub"], check=True)
    shutil.copy(krl, keys)
    assert "revoked" in key_refusal(sshd, options)
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), f"{other}.pub"], check=True)
    shutil.copy(krl, keys)
    assert works(sshd, options)


def test_the_known_type_is_asked_for(tmp_path: Path, options: Options) -> None:
    need_sshd()
    with Sshd(tmp_path / "sshd", kinds=("ed25519", "ecdsa", "rsa")) as sshd:
        for kind in ("rsa", "ecdsa", "ed25519"):
            sshd.known_hosts.write_text(f"{sshd.name} {public(sshd.host_key(kind))}\n")
            assert works(sshd, options), kind


def test_an_alias_is_what_is_looked_up(sshd: Sshd, options: Options) -> None:
    with sshd.client_config.open("a") as config:
        config.write("  HostKeyAlias Gpu.Alias\n")
    assert "then add to" in key_refusal(sshd, options)
    sshd.known_hosts.write_text(f"gpu.alias {public(sshd.host_key())}\n")
    assert works(sshd, options)
