"""Which host keys are accepted, and what is said of those that are not. With a real sshd."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import HostKeyRefused
from engine.transports import Options, connect
from engine.transports.known_hosts import hash_name
from tests.sshd import Sshd, keygen, public, sign
from tests.transports import need_sshd, run

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


def fingerprint(key: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True).stdout
    return shown.split()[1]


def works(sshd: Sshd, options: Options) -> bool:
    transport = connect(sshd.host(), options)
    try:
        return run(transport, "echo", "ok").stdout == b"ok\n"
    finally:
        transport.close()


def refusal(sshd: Sshd, options: Options) -> str:
    """The text of the refusal; nothing may have been sent beyond the key exchange."""
    with pytest.raises(HostKeyRefused) as caught:
        works(sshd, options)
    assert caught.value.exit_code == 4
    assert "userauth" not in sshd.log(), "something was sent after the key was refused"
    return str(caught.value)


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
    text = refusal(sshd, options)
    lines = text.splitlines()
    assert lines[0] == (
        f"gpu1: host key of 127.0.0.1:{sshd.port} (ssh-ed25519 {fingerprint(sshd.host_key())})"
        " is not known; nothing was sent"
    )
    assert f"  Looked at: {sshd.known_hosts}, /dev/null" in lines
    assert "  Check it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in lines
    assert lines[-1] == f"  then add to {sshd.known_hosts}: {sshd.name} {public(sshd.host_key())}"
    # Doing what it says helps.
    known(lines[-1].split(": ", 1)[1])
    assert works(sshd, options)


def test_no_file_at_all(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.unlink()
    assert "is not known" in refusal(sshd, options)
    assert not sshd.known_hosts.exists()


def test_changed(sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    known(f"# comment\n\nHOST {public(other)}\n")
    text = refusal(sshd, options)
    assert "is not the one that is known; nothing was sent" in text.splitlines()[0]
    assert fingerprint(sshd.host_key()) in text.splitlines()[0]
    assert f"{sshd.known_hosts}:3 says: ssh-ed25519 {fingerprint(other)}" in text
    assert f"put in place of {sshd.known_hosts}:3: {sshd.name} {public(sshd.host_key())}" in text


def test_changed_is_refused_even_when_new_keys_are_welcome(
    sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path
) -> None:
    line = f"HOST {public(keygen(tmp_path / 'other'))}\n"
    known(line)
    before = sshd.known_hosts.read_text()
    assert "is not the one" in refusal(sshd, replace(options, accept_new=True))
    assert sshd.known_hosts.read_text() == before


def test_another_type_known_is_no_new_host(
    sshd: Sshd, options: Options, known: Callable[[str], None], tmp_path: Path
) -> None:
    known(f"HOST {public(keygen(tmp_path / 'other', 'ecdsa'))}\n")
    assert "is not the one" in refusal(sshd, replace(options, accept_new=True))


def test_accept_new_when_asked(sshd: Sshd, options: Options, known: Callable[[str], None]) -> None:
    notices: list[str] = []
    options = replace(options, accept_new=True, notice=notices.append)
    sshd.known_hosts.write_text("# no newline at the end")
    assert works(sshd, options)
    assert sshd.known_hosts.read_text() == f"# no newline at the end\n{sshd.name} {public(sshd.host_key())}\n"
    assert len(notices) == 1
    assert fingerprint(sshd.host_key()) in notices[0]
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


def test_accept_new_without_a_place_to_write(sshd: Sshd, options: Options) -> None:
    sshd.known_hosts.unlink()
    sshd.known_hosts.mkdir()
    text = refusal(sshd, replace(options, accept_new=True))
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
    assert "is not known" in refusal(sshd, options)


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
    text = refusal(sshd, replace(options, accept_new=accept_new))
    assert f"is revoked ({sshd.known_hosts}:2); nothing was sent" in text


def test_revoked_in_a_list_and_in_a_krl(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    keys, krl = tmp_path / "revoked", tmp_path / "krl"
    other = keygen(tmp_path / "other")
    with sshd.client_config.open("a") as config:
        config.write(f"  RevokedHostKeys {keys}\n")
    assert "revoked" in refusal(sshd, options), "a list that is missing revokes all, as for ssh"
    keys.write_text(public(other) + "\n")
    assert works(sshd, options)
    sshd.restart()
    keys.write_text(f"# comment\n{public(sshd.host_key())} comment\n")
    (sshd.directory / "log").unlink()
    sshd.restart()
    assert "revoked" in refusal(sshd, options)
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), f"{sshd.host_key()}.pub"], check=True)
    shutil.copy(krl, keys)
    assert "revoked" in refusal(sshd, options)
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
    assert "then add to" in refusal(sshd, options)
    sshd.known_hosts.write_text(f"gpu.alias {public(sshd.host_key())}\n")
    assert works(sshd, options)


# --- certificates


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
    assert "is not known" in refusal(certified, options)


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
        text = refusal(server, options)
        assert f"Its certificate does not help: {why}" in text, text
        # The plain key being known is enough, as for ssh.
        server.known_hosts.write_text(f"{server.name} {public(server.host_key())}\n" + server.known_hosts.read_text())
        assert works(server, options)


def test_an_authority_that_is_not_known(certified: Sshd, options: Options, tmp_path: Path) -> None:
    certified.known_hosts.write_text(f"@cert-authority * {public(keygen(tmp_path / 'other'))}\n")
    text = refusal(certified, options)
    assert re.search(r"its authority SHA256:\S+ is not known for this host", text)


def test_an_authority_that_is_revoked(certified: Sshd, options: Options, authority: Path) -> None:
    with certified.known_hosts.open("a") as file:
        file.write(f"@revoked * {public(authority)}\n")
    assert f"is certified by a revoked authority ({certified.known_hosts}:2)" in refusal(certified, options)


def test_the_key_of_a_certificate_revoked(certified: Sshd, options: Options) -> None:
    kind = certified.kinds[0]
    with certified.known_hosts.open("a") as file:
        file.write(f"@revoked * {public(certified.host_key(kind))}\n")
    assert "is revoked" in refusal(certified, options)


def test_a_new_host_with_a_certificate_is_not_new_to_its_authority(
    tmp_path: Path, authority: Path, options: Options
) -> None:
    for server in serve(tmp_path, authority, "ed25519", "gpu9.lan"):
        options = replace(options, accept_new=True, notice=lambda _: None)
        assert works(server, options)
        assert public(server.host_key()) in server.known_hosts.read_text()
