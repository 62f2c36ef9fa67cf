"""Settings of a host: the parser for where the OpenSSH client is missing must say what the client says."""

from __future__ import annotations

import dataclasses
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidInput, Unreachable
from engine.model import Host
from engine.transports.ssh.config import Settings, Target, home, target
from engine.transports.ssh.connect import hop_target
from engine.transports.ssh.resolver import Resolver

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the OpenSSH client")

CONFIGS = {
    "empty": "",
    "name": "Host gpu1\n  HostName 10.0.0.9\n  User anna\n  Port 2222\n",
    "first wins": "Host gpu1\n  Port 1\nHost gpu*\n  Port 2\n  User b\nHost *\n  Port 3\n  User c\n",
    "negated": "Host * !gpu1\n  User no\nHost gpu?\n  User yes\n",
    "equals": "Host=gpu1\n  Port=2200\n  User = anna\n",
    "comments": "# Host gpu1\nHost gpu1\n  # Port 1\n\n  Port 2\n",
    "keys": "Host *\n  IdentityFile ~/.ssh/one\n  IdentityFile /keys/%h-%r-%p\n  IdentitiesOnly yes\n"
    "  CertificateFile ~/one-cert.pub\n  IdentityAgent none\n",
    "known hosts": "Host *\n  UserKnownHostsFile ~/a /b/c\n  GlobalKnownHostsFile /d\n  HashKnownHosts yes\n"
    "  HostKeyAlias other\n  RevokedHostKeys /revoked\n  StrictHostKeyChecking accept-new\n",
    "lax": "Host *\n  StrictHostKeyChecking no\n",
    "strict": "Host *\n  StrictHostKeyChecking yes\n",
    "jump": "Host gpu1\n  ProxyJump me@one:2200,two\n",
    "no jump": "Host gpu1\n  ProxyJump none\nHost *\n  ProxyJump one\n",
    "proxy": "Host *\n  ProxyCommand nc -X 5 %h %p # %n %r %%\n",
    "no proxy": "Host *\n  ProxyCommand none\n",
    "jump before proxy": "Host gpu1\n  ProxyJump none\nHost *\n  ProxyCommand x %h\n  ProxyJump b\n",
    "proxy before jump": "Host gpu1\n  ProxyCommand none\nHost *\n  ProxyJump b\n  ProxyCommand x\n",
    "forwarding": "Host *\n  ForwardAgent yes\n",
    "forwarding another": "Host *\n  ForwardAgent /agents/%r\n",
    "waiting": "Host *\n  ConnectTimeout 7\n  ServerAliveInterval 11\n  BatchMode yes\n",
    "addresses": "Host *\n  AddressFamily inet6\n  BindAddress 127.0.0.5\n",
    "methods": "Host *\n  PasswordAuthentication no\n  PubkeyAuthentication yes\n",
    "preferred": "Host *\n  PreferredAuthentications password,publickey\n",
    "match": "Match host gpu1\n  User matched\nMatch all\n  Port 2022\n",
    "match user": "Match user anna\n  Port 9\n",
    "match exec": 'Match exec "test gpu1 = %h"\n  Port 4022\nMatch exec false\n  User no\n',
}
INVENTORIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "address": {"ansible_host": "192.0.2.7", "ansible_user": "anna", "ansible_port": "2200"},
    "user in the address": {"ansible_host": "anna@192.0.2.7"},
    "options": {"ansible_ssh_common_args": "-o ProxyJump=a,b -oPort=77 -o 'User bob'", "ansible_port": 5},
    "flags": {
        "ansible_ssh_extra_args": ["-J", "x", "-i", "/etc/hostname", "-4", "-l", "carl", "-b", "127.0.0.9", "-A"]
    },
    "key": {"ansible_ssh_private_key_file": "/etc/hostname"},
}
LISTED = ("alias", "algorithms")
"""Not compared: one lists all its algorithms, the other what the file says."""


def resolve(variables: dict[str, Any], config: Path, executable: str) -> Settings:
    arguments = variables.get("ansible_ssh_common_args", "")
    chosen = {"ansible_ssh_common_args": f"-F {config} {arguments}", "ansible_ssh_executable": executable}
    return Resolver(target(Host("gpu1", vars=variables | chosen), Path("/project"))).settings()


@needs_ssh
@pytest.mark.parametrize("inventory", INVENTORIES)
@pytest.mark.parametrize("config", CONFIGS)
def test_both_say_the_same(tmp_path: Path, config: str, inventory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    file = tmp_path / "config"
    file.write_text(CONFIGS[config])
    by_ssh, by_parser = (
        dataclasses.asdict(resolve(INVENTORIES[inventory], file, executable)) for executable in ("ssh", "/none/ssh")
    )
    for settings in (by_ssh, by_parser):
        for name in LISTED:
            del settings[name]
        # ssh knows a few more default keys than anybody has.
        settings["identities"] = [path for path in settings["identities"] if path.name not in ("id_xmss", "id_dsa")]
    assert by_parser == by_ssh


@needs_ssh
def test_algorithms_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  Ciphers aes128-ctr\n  CASignatureAlgorithms ssh-ed25519\n")
    for executable in ("ssh", "/none/ssh"):
        algorithms = resolve({}, file, executable).algorithms
        assert algorithms["ciphers"] == ("aes128-ctr",)
        assert algorithms["casignaturealgorithms"] == ("ssh-ed25519",)


def test_the_inventory_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  Port 1\n  User config\n  IdentityFile /config\n")
    (tmp_path / "mine").touch()
    for executable in ("ssh", "/none/ssh"):
        settings = resolve(
            {"ansible_port": 2, "ansible_user": "inventory", "ansible_ssh_private_key_file": f"{tmp_path}/mine"},
            file,
            executable,
        )
        assert (settings.port, settings.user) == (2, "inventory")
        assert settings.identities == (tmp_path / "mine", Path("/config"))


def test_an_address_in_messages(tmp_path: Path) -> None:
    for executable in ("ssh", "/none/ssh"):
        assert resolve({"ansible_host": "::1"}, Path("none"), executable).address == "[::1]:22"
        assert resolve({"ansible_host": "h", "ansible_port": 5}, Path("none"), executable).address == "h:5"


def test_includes_without_the_client(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("Host gpu1\n  Port 41\n")
    (tmp_path / "b.conf").write_text(f"Include {tmp_path}/deep\nUser everybody\n")
    (tmp_path / "deep").write_text("Host gpu1\n  HostName deep\n")
    file = tmp_path / "config"
    file.write_text(f"Include {tmp_path}/*.conf {tmp_path}/missing\nConnectTimeout 3\n")
    by = [resolve({}, file, executable) for executable in ("ssh", "/none/ssh")]
    for settings in by:
        assert (settings.port, settings.hostname, settings.connect_timeout) == (41, "deep", 3)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("Host gpu1\n  Include other\n", "needs the OpenSSH client"),
        ("Include {file}\n", "circular"),
        ("Host gpu1\n  Port many\n", "many"),
        ("Match nonsense x\n", "nonsense"),
        ("???\n", "Unparsable"),
    ],
)
def test_what_cannot_be_read_without_the_client(tmp_path: Path, config: str, why: str) -> None:
    file = tmp_path / "config"
    file.write_text(config.format(file=file))
    with pytest.raises(Unreachable, match=r"^gpu1: the SSH configuration cannot be used") as caught:
        resolve({}, file, "/none/ssh")
    assert why in str(caught.value)


@needs_ssh
def test_what_ssh_says_of_a_configuration_it_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  NoSuchOption 1\n")
    with pytest.raises(Unreachable, match=r"(?i)nosuchoption"):
        resolve({}, file, "ssh")


@needs_ssh
def test_the_engines_key_is_not_handed_to_commands_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_KEY", "canary")
    file = tmp_path / "config"
    file.write_text(f'Match exec "env > {tmp_path}/seen; true"\n  Port 3\n')
    assert resolve({}, file, "ssh").port == 3
    assert "canary" not in (tmp_path / "seen").read_text()


def test_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/from/environment")
    monkeypatch.setenv("OTHER_AGENT", "/other/agent")
    for executable in ("ssh", "/none/ssh"):
        for written, expected in (
            ("", "/from/environment"),
            ("IdentityAgent none", None),
            ("IdentityAgent SSH_AUTH_SOCK", "/from/environment"),
            ("IdentityAgent $OTHER_AGENT", "/other/agent"),
            ("IdentityAgent ~/agent", f"{home()}/agent"),
        ):
            file = tmp_path / "config"
            file.write_text(f"Host *\n  {written}\n")
            assert resolve({}, file, executable).agent == expected, (written, executable)


def test_a_port_that_is_no_number() -> None:
    with pytest.raises(InvalidInput, match="gpu1: ansible_port is `x`, not a number"):
        target(Host("gpu1", vars={"ansible_port": "x"}), Path())


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        ("h", (None, "h", None)),
        ("me@h:22", ("me", "h", 22)),
        ("[::1]:7", (None, "::1", 7)),
        ("ssh://me@h.lan:2200", ("me", "h.lan", 2200)),
        ("ssh://[::1]", (None, "::1", None)),
    ],
)
def test_hops(hop: str, expected: tuple[str | None, str, int | None]) -> None:
    found = hop_target(hop, Target("gpu1", "gpu1", arguments=("-o", "Port=1", "-F", "/c")))
    assert (found.user, found.host, found.port) == expected
    # Only the choice of the file is handed on, not the options meant for the host.
    assert found.arguments == ("-F", "/c")


def test_a_hop_that_is_none() -> None:
    with pytest.raises(Unreachable, match="expected "):
        hop_target("a:b:c", Target("gpu1", "gpu1"))


def test_families() -> None:
    assert resolve({"ansible_ssh_extra_args": "-6"}, Path("none"), "/none/ssh").family == socket.AF_INET6
