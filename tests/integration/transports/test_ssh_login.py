"""Logging in over SSH with keys from files, and what is said when none will do."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model import Secret
from engine.transports import Options
from tests.sshd import Sshd, keygen, public
from tests.transports import (
    FactsFirst,
    configure,
    login,
    login_refusal,
    need_sshd,
    without_identity,
)

# --- keys


def test_a_key_of_the_configuration(sshd: Sshd, options: Options) -> None:
    assert login(sshd, options) == "root"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_the_inventory(sshd: Sshd, options: Options, kind: str) -> None:
    without_identity(sshd)
    key = keygen(options.project / "inventory_key", kind)
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    # Relative paths are relative to the project.
    assert login(sshd, options, ansible_ssh_private_key_file="inventory_key") == "root"
    assert sshd.log().count("Failed publickey") == 0


@pytest.mark.parametrize(
    ("kind", "form", "passphrase"),
    [("rsa", "PEM", "pass phrase"), ("rsa", "PKCS8", ""), ("ecdsa", "PEM", ""), ("ecdsa", "PKCS8", "pass phrase")],
)
def test_keys_in_older_formats(
    sshd: Sshd, options: Options, tmp_path: Path, kind: str, form: str, passphrase: str
) -> None:
    key = keygen(tmp_path / "old", kind, passphrase=passphrase)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-m", form, "-P", passphrase, "-N", passphrase, "-f", str(key)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    asked = FactsFirst(passphrase)
    assert login(sshd, replace(options, prompt=asked), ansible_ssh_private_key_file=str(key)) == "root"
    assert len(asked.questions) == bool(passphrase)


def test_a_wrong_key(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    key = keygen(tmp_path / "another")
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    text = login_refusal(sshd, options)
    assert text.splitlines()[0] == f"gpu1: authentication failed for root@127.0.0.1:{sshd.port}"
    shown = subprocess.run(["ssh-keygen", "-lf", str(sshd.user_key)], capture_output=True, text=True).stdout
    assert f"tried: key {sshd.user_key} (ssh-ed25519 {shown.split()[1]})" in text
    assert "The server accepts: publickey" in text
    assert "ansible_ssh_private_key_file" in text


def test_a_wrong_user(sshd: Sshd, options: Options) -> None:
    text = login_refusal(sshd, options, ansible_user="nobody-here")
    assert "authentication failed for nobody-here@" in text


def test_no_key_at_all(sshd: Sshd, options: Options) -> None:
    without_identity(sshd, "IdentityFile /nonexistent", "IdentityAgent none")
    text = login_refusal(sshd, options)
    assert text.splitlines()[0].endswith(": no keys were available to try")
    assert "The server accepts: publickey" in text


def test_keys_that_cannot_be_used_are_named(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    open_key, damaged, other = keygen(tmp_path / "open"), keygen(tmp_path / "damaged"), tmp_path / "other"
    open_key.chmod(0o644)
    damaged.write_text(damaged.read_text()[:60] + "\n-----END OPENSSH PRIVATE KEY-----\n")
    other.write_text("no key")
    other.chmod(0o600)
    without_identity(sshd, "IdentitiesOnly yes", *(f"IdentityFile {key}" for key in (open_key, damaged, other)))
    text = login_refusal(sshd, options)
    assert f"not tried: {open_key}: others may read it (mode 0644); chmod 600 {open_key}" in text
    assert f"not tried: {damaged}: the private key is damaged" in text
    assert f"not tried: {other}: is not a private key" in text
    assert "PRIVATE KEY-----" not in text


def test_the_second_key_does(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    key = keygen(tmp_path / "wrong")
    assert login(sshd, options, ansible_ssh_private_key_file=str(key)) == "root"


def test_too_many_keys(tmp_path: Path, options: Options) -> None:
    need_sshd()
    with Sshd(tmp_path / "sshd", config=["MaxAuthTries 2"]) as sshd:
        keys = [keygen(tmp_path / f"wrong{number}") for number in range(4)]
        without_identity(sshd, "IdentitiesOnly yes", *(f"IdentityFile {key}" for key in keys))
        text = login_refusal(sshd, options)
        assert "the host ended the connection: Too many authentication failures" in text


# --- passphrases


def test_a_passphrase_is_asked_for_once_for_all_hosts(sshd: Sshd, options: Options, locked: Path) -> None:
    asked = FactsFirst("wrong", "open sesame")
    options = replace(options, prompt=asked)
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: login(sshd, options), range(6))) == ["root"] * 6
    assert asked.questions == [f"Passphrase for {locked}: "] * 2


def test_a_passphrase_of_the_inventory(sshd: Sshd, options: Options, locked: Path) -> None:
    secret = Secret("open sesame")
    assert login(sshd, options, ansible_ssh_private_key_passphrase=secret) == "root"


def test_a_wrong_passphrase_of_the_inventory(sshd: Sshd, options: Options, locked: Path) -> None:
    text = login_refusal(sshd, options, ansible_ssh_private_key_passphrase=Secret("canary-77aa"))
    assert f"not tried: {locked}: the passphrase given for it is wrong" in text
    assert "canary" not in text


def test_nobody_to_ask(sshd: Sshd, options: Options, locked: Path) -> None:
    text = login_refusal(sshd, options)
    assert f"not tried: {locked}: needs a passphrase, and there is no terminal to ask for it" in text


def test_nobody_is_asked_in_batch_mode(sshd: Sshd, options: Options, locked: Path) -> None:
    configure(sshd, "BatchMode yes")
    text = login_refusal(sshd, replace(options, prompt=FactsFirst()))
    assert "there is no terminal to ask for it" in text


def test_no_passphrase_is_asked_for_a_key_that_is_not_wanted(sshd: Sshd, options: Options, locked: Path) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    asked = FactsFirst()
    text = login_refusal(sshd, replace(options, prompt=asked))
    assert asked.questions == []
    assert f"tried: key {locked} (ssh-ed25519 SHA256:" in text


def test_three_wrong_passphrases(sshd: Sshd, options: Options, locked: Path) -> None:
    text = login_refusal(sshd, replace(options, prompt=FactsFirst("a", "b", "c")))
    assert f"{locked}: 3 wrong passphrases" in text
