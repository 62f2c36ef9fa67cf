"""Logging in over SSH: keys, agents, certificates, passwords, and what is said when none will do."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AuthenticationRefused, Unreachable
from engine.model import Secret
from engine.transports import Options, connect
from tests.sshd import Sshd, keygen, public, sign
from tests.transports import need_sshd, run


def login(sshd: Sshd, options: Options, **variables: Any) -> str:
    """Log in and say who one is."""
    transport = connect(sshd.host(**variables), options)
    try:
        return run(transport, "id", "-un").stdout.decode().strip()
    finally:
        transport.close()


def refusal(sshd: Sshd, options: Options, **variables: Any) -> str:
    with pytest.raises(AuthenticationRefused) as caught:
        login(sshd, options, **variables)
    assert caught.value.exit_code == 4
    return str(caught.value)


def configure(sshd: Sshd, *lines: str) -> None:
    """Put lines before what the client's configuration says."""
    text = sshd.client_config.read_text()
    sshd.client_config.write_text("\n".join(["Host *", *lines, ""]) + text)


def without_identity(sshd: Sshd, *lines: str) -> None:
    """Take the user's key out of the client's configuration, and put lines in."""
    text = sshd.client_config.read_text()
    text = "".join(f"{line}\n" for line in text.splitlines() if "Identit" not in line)
    sshd.client_config.write_text(text + "".join(f"  {line}\n" for line in lines))


class Asked:
    """A person who gives these answers, one after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)


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
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, "SSH_AUTH_SOCK": str(path)}, check=True)
        return str(path)

    yield start
    for process in started:
        process.kill()
        process.wait()


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


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "pass phrase"])
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
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
    asked = Asked(passphrase)
    assert login(sshd, replace(options, prompt=asked), ansible_ssh_private_key_file=str(key)) == "root"
    assert len(asked.questions) == bool(passphrase)


def test_a_wrong_key(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    key = keygen(tmp_path / "another")
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    text = refusal(sshd, options)
    assert text.splitlines()[0] == f"gpu1: 127.0.0.1:{sshd.port} let root in with none of the credentials"
    shown = subprocess.run(["ssh-keygen", "-lf", str(sshd.user_key)], capture_output=True, text=True).stdout
    assert f"tried: key {sshd.user_key} (ssh-ed25519 {shown.split()[1]})" in text
    assert "it accepts: publickey" in text
    assert "ansible_ssh_private_key_file" in text


def test_a_wrong_user(sshd: Sshd, options: Options) -> None:
    text = refusal(sshd, options, ansible_user="nobody-here")
    assert "let nobody-here in with none" in text


def test_no_key_at_all(sshd: Sshd, options: Options) -> None:
    without_identity(sshd, "IdentityFile /nonexistent", "IdentityAgent none")
    text = refusal(sshd, options)
    assert "tried: nothing but the user's name" in text
    assert "it accepts: publickey" in text


def test_keys_that_cannot_be_used_are_named(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    open_key, damaged, other = keygen(tmp_path / "open"), keygen(tmp_path / "damaged"), tmp_path / "other"
    open_key.chmod(0o644)
    damaged.write_text(damaged.read_text()[:60] + "\n-----END OPENSSH PRIVATE KEY-----\n")
    other.write_text("no key")
    other.chmod(0o600)
    without_identity(sshd, "IdentitiesOnly yes", *(f"IdentityFile {key}" for key in (open_key, damaged, other)))
    text = refusal(sshd, options)
    assert f"not tried: {open_key}: others may read it (mode 0644); chmod 600 it" in text
    assert f"not tried: {damaged}: the private key is damaged" in text
    assert f"not tried: {other}: is no private key" in text
    assert "PRIVATE KEY-----" not in text


def test_the_second_key_does(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    key = keygen(tmp_path / "wrong")
    assert login(sshd, options, ansible_ssh_private_key_file=str(key)) == "root"


def test_too_many_keys(tmp_path: Path, options: Options) -> None:
    need_sshd()
    with Sshd(tmp_path / "sshd", config=["MaxAuthTries 2"]) as sshd:
        keys = [keygen(tmp_path / f"wrong{number}") for number in range(4)]
        without_identity(sshd, "IdentitiesOnly yes", *(f"IdentityFile {key}" for key in keys))
        text = refusal(sshd, options)
        assert "the host ended the connection: Too many authentication failures" in text


# --- passphrases


@pytest.fixture
def locked(sshd: Sshd, tmp_path: Path) -> Path:
    """An encrypted key that the server accepts, and the only one the client has."""
    key = keygen(tmp_path / "locked", passphrase="open sesame")
    (sshd.directory / "authorized_keys").write_text(public(key) + "\n")
    without_identity(sshd, f"IdentityFile {key}", "IdentitiesOnly yes", "IdentityAgent none")
    return key


def test_a_passphrase_is_asked_for_once_for_all_hosts(sshd: Sshd, options: Options, locked: Path) -> None:
    asked = Asked("wrong", "open sesame")
    options = replace(options, prompt=asked)
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: login(sshd, options), range(6))) == ["root"] * 6
    assert asked.questions == [f"Passphrase for {locked}: "] * 2


def test_a_passphrase_of_the_inventory(sshd: Sshd, options: Options, locked: Path) -> None:
    secret = Secret("open sesame")
    assert login(sshd, options, ansible_ssh_private_key_passphrase=secret) == "root"


def test_a_wrong_passphrase_of_the_inventory(sshd: Sshd, options: Options, locked: Path) -> None:
    text = refusal(sshd, options, ansible_ssh_private_key_passphrase=Secret("canary-77aa"))
    assert f"not tried: {locked}: the passphrase given for it is wrong" in text
    assert "canary" not in text


def test_nobody_to_ask(sshd: Sshd, options: Options, locked: Path) -> None:
    text = refusal(sshd, options)
    assert f"not tried: {locked}: needs a passphrase, and there is nobody to ask" in text


def test_nobody_is_asked_in_batch_mode(sshd: Sshd, options: Options, locked: Path) -> None:
    configure(sshd, "BatchMode yes")
    text = refusal(sshd, replace(options, prompt=Asked()))
    assert "there is nobody to ask" in text


def test_no_passphrase_is_asked_for_a_key_that_is_not_wanted(sshd: Sshd, options: Options, locked: Path) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    asked = Asked()
    text = refusal(sshd, replace(options, prompt=asked))
    assert asked.questions == []
    assert f"tried: key {locked} (ssh-ed25519 SHA256:" in text


def test_three_wrong_passphrases(sshd: Sshd, options: Options, locked: Path) -> None:
    text = refusal(sshd, replace(options, prompt=Asked("a", "b", "c")))
    assert f"{locked}: 3 wrong passphrases" in text


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
    text = refusal(sshd, options)
    assert "agent key" not in text


def test_an_agent_that_is_gone(sshd: Sshd, options: Options, tmp_path: Path) -> None:
    configure(sshd, f"IdentityAgent {tmp_path}/gone")
    assert login(sshd, options) == "root"
    (sshd.directory / "authorized_keys").write_text("")
    assert f"not tried: agent {tmp_path}/gone: " in refusal(sshd, options)


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
    assert "tried: key" in refusal(sshd, options)
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


# --- passwords


@pytest.fixture
def with_user(tmp_path: Path) -> Iterator[Sshd]:
    need_sshd()
    with Sshd(tmp_path / "sshd", config=["PasswordAuthentication yes"], users={"anna": "pä$$ 'word"}) as server:
        without_identity(server, "IdentityFile /nonexistent", "IdentityAgent none")
        yield server


def test_a_password(with_user: Sshd, options: Options) -> None:
    for password in ("pä$$ 'word", Secret("pä$$ 'word")):
        assert login(with_user, options, ansible_user="anna", ansible_password=password) == "anna"
    assert login(with_user, options, ansible_user="anna", ansible_ssh_pass="pä$$ 'word") == "anna"


def test_a_wrong_password(with_user: Sshd, options: Options) -> None:
    text = refusal(with_user, options, ansible_user="anna", ansible_password=Secret("canary-12cd"))
    assert "tried: the password given" in text
    assert "it accepts: publickey, password" in text
    assert "canary" not in text


def test_a_password_typed_in(with_user: Sshd, options: Options) -> None:
    asked = Asked("wrong", "pä$$ 'word")
    assert login(with_user, replace(options, prompt=asked), ansible_user="anna") == "anna"
    assert asked.questions == [f"Password for anna@127.0.0.1:{with_user.port}: "] * 2


def test_a_key_comes_before_the_password_where_both_are_given(with_user: Sshd, options: Options) -> None:
    variables = {"ansible_ssh_private_key_file": str(with_user.user_key), "ansible_password": "wrong"}
    assert login(with_user, options, **variables) == "root"
    assert "Failed password" not in with_user.log()


def test_no_password_is_asked_for_where_none_is_accepted(sshd: Sshd, options: Options) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    asked = Asked()
    refusal(sshd, replace(options, prompt=asked))
    assert asked.questions == []


def test_a_key_and_a_password_both_wanted(tmp_path: Path, options: Options) -> None:
    need_sshd()
    config = ["PasswordAuthentication yes", "AuthenticationMethods publickey,password"]
    with Sshd(tmp_path / "sshd", config=config, users={"anna": "second"}) as sshd:
        assert login(sshd, options, ansible_user="anna", ansible_password="second") == "anna"
        text = refusal(sshd, options, ansible_user="anna")
        assert "it accepts: password" in text


def test_an_answer_that_never_comes(tmp_path: Path, options: Options) -> None:
    """A host that accepts the request to log in, and thinks about it for ever."""
    need_sshd()
    with Sshd(tmp_path / "sshd") as sshd:
        sshd.config = ("AuthorizedKeysCommand /bin/sleep 60", "AuthorizedKeysCommandUser root")
        (sshd.directory / "authorized_keys").write_text("")
        sshd.restart()
        with pytest.raises(Unreachable, match=r"gpu1: 127.0.0.1:\d+ did not answer a login in 1 s"):
            login(sshd, replace(options, banner_timeout=1))
