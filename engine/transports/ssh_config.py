"""What the inventory and the user's SSH configuration say of a host: `Target` and `Settings`."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from engine.errors import InvalidInput
from engine.model import Host

Raw: TypeAlias = Mapping[str, Sequence[str]]
"""Keyword in lower case → its values, one for each line, as `ssh -G` prints them."""


@dataclass(frozen=True)
class Target:
    """What the inventory says of a host: it goes before the configuration. `arguments` are options of ssh."""

    name: str
    host: str
    port: int | None = None
    user: str | None = None
    identity: Path | None = None
    arguments: tuple[str, ...] = ()
    executable: str = "ssh"

    def configuration(self) -> tuple[str, ...]:
        """Those of the arguments that choose the configuration file: they hold for the hops on the way too."""
        from engine.transports.ssh_config_parser import options_of

        file = options_of(self.arguments).get("-F")
        return ("-F", file[0]) if file else ()


@dataclass(frozen=True)
class Settings:
    """How to reach a host and whom to be there. Durations in seconds; `algorithms` as in ssh_config (`ciphers`,
    `kexalgorithms`, `macs`, `hostkeyalgorithms`, `pubkeyacceptedalgorithms`, `casignaturealgorithms`), each
    missing where the configuration does not say."""

    alias: str
    hostname: str
    port: int
    user: str
    identities: tuple[Path, ...]
    certificates: tuple[Path, ...]
    identities_only: bool
    agent: str | None
    known_hosts: tuple[Path, ...]
    global_known_hosts: tuple[Path, ...]
    key_alias: str | None
    accept_new: bool
    hash_known_hosts: bool
    revoked_keys: Path | None
    jumps: tuple[str, ...]
    proxy_command: str | None
    connect_timeout: float | None
    alive_interval: int
    family: socket.AddressFamily
    bind: str | None
    batch: bool
    methods: tuple[str, ...]
    algorithms: Mapping[str, tuple[str, ...]]

    @property
    def address(self) -> str:
        """`HOST:PORT` for messages."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{host}:{self.port}"


def target(host: Host, project: Path) -> Target:
    """The connection variables of an inventory host, by Ansible's names."""

    def first(*names: str) -> Any:
        return next((host.vars[name] for name in names if host.vars.get(name) not in (None, "")), None)

    port = first("ansible_port", "ansible_ssh_port")
    user = first("ansible_user", "ansible_ssh_user")
    identity = first("ansible_ssh_private_key_file", "ansible_private_key_file")
    words: list[str] = []
    for name in ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"):
        value = first(name)
        words += [str(word) for word in value] if isinstance(value, list) else shlex.split(str(value or ""))
    return Target(
        name=host.name,
        host=str(first("ansible_host", "ansible_ssh_host") or host.name),
        port=_number(host, port) if port is not None else None,
        user=str(user) if user is not None else None,
        identity=project / Path(str(identity)).expanduser() if identity is not None else None,
        arguments=tuple(words),
        executable=str(first("ansible_ssh_executable") or "ssh"),
    )


def _number(host: Host, port: Any) -> int:
    try:
        return int(port)
    except ValueError:
        raise InvalidInput(f"{host.name}: ansible_port is `{port}`, not a number") from None


def settings(raw: Raw, target: Target) -> Settings:
    """Read what `ssh -G` printed for a target. Raises ValueError."""

    def one(keyword: str, default: str = "") -> str:
        value = raw.get(keyword, (default,))[0]
        return default if value.lower() == "none" else value

    def yes(keyword: str) -> bool:
        return one(keyword).lower() in ("yes", "true", "force")

    hostname, port = one("hostname", target.host), int(one("port", "22"))
    user = one("user") or getpass.getuser()
    tokens = _tokens(target.host, hostname, port, user, one("hostkeyalias"), one("proxyjump"))

    def paths(keyword: str) -> tuple[Path, ...]:
        values = [value for line in raw.get(keyword, ()) for value in re.split(r" (?=[/~%$])", line)]
        return tuple(Path(_expand(value, tokens)) for value in values if value and value != "none")

    listed = {name: one(name) for name in _ALGORITHMS}
    return Settings(
        alias=target.host,
        hostname=hostname,
        port=port,
        user=user,
        # ssh drops a key file that does not exist; one that the inventory names is to be spoken of.
        identities=tuple(dict.fromkeys([*([target.identity] if target.identity else []), *paths("identityfile")])),
        certificates=paths("certificatefile"),
        identities_only=yes("identitiesonly"),
        agent=_agent(raw.get("identityagent", ("SSH_AUTH_SOCK",))[0], tokens),
        known_hosts=paths("userknownhostsfile"),
        global_known_hosts=paths("globalknownhostsfile"),
        key_alias=one("hostkeyalias") or None,
        # `no` would make ssh accept a changed key as well; here it never does more than accept-new.
        accept_new=one("stricthostkeychecking").lower() in ("accept-new", "no", "off", "false"),
        hash_known_hosts=yes("hashknownhosts"),
        revoked_keys=next(iter(paths("revokedhostkeys")), None),
        jumps=tuple(hop for hop in one("proxyjump").split(",") if hop),
        proxy_command=_expand(one("proxycommand"), tokens, home=False) or None,
        connect_timeout=float(one("connecttimeout")) if one("connecttimeout", "0") != "0" else None,
        alive_interval=int(one("serveraliveinterval", "0")),
        family=_FAMILIES.get(one("addressfamily"), socket.AF_UNSPEC),
        bind=one("bindaddress") or None,
        batch=yes("batchmode"),
        methods=tuple(
            method
            for method in (one("preferredauthentications") or "publickey,keyboard-interactive,password").split(",")
            if one(_SWITCHES.get(method, ""), "yes").lower() not in ("no", "false")
        ),
        algorithms={name: tuple(value.split(",")) for name, value in listed.items() if value},
    )


_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_SWITCHES = {
    "publickey": "pubkeyauthentication",
    "password": "passwordauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
}
_ALGORITHMS = (
    "ciphers",
    "kexalgorithms",
    "macs",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "casignaturealgorithms",
)


def home() -> str:
    """The home directory as ssh sees it: of the user's entry in the password database, whatever HOME says."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        return os.path.expanduser("~")


def _tokens(alias: str, hostname: str, port: int, user: str, key_alias: str, jump: str) -> dict[str, str]:
    import hashlib

    local = socket.gethostname()
    digest = hashlib.sha1(f"{local}{hostname}{port}{user}{jump}".encode(), usedforsecurity=False).hexdigest()
    return {
        "%": "%", "h": hostname, "n": alias, "p": str(port), "r": user, "u": getpass.getuser(), "d": home(),
        "l": local, "L": local.split(".")[0], "k": key_alias or alias, "j": jump, "C": digest, "T": "NONE",
        "i": str(os.getuid()) if hasattr(os, "getuid") else "",
    }  # fmt: skip


def _expand(text: str, tokens: Mapping[str, str], home: bool = True) -> str:
    """ssh's `%` tokens, and for a path `${NAME}` and `~`."""
    text = re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)
    if home:
        text = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), text)
        if text == "~" or text.startswith("~/"):
            text = tokens["d"] + text[1:]
    return text


def _agent(value: str, tokens: Mapping[str, str]) -> str | None:
    """The agent's socket, None where there is none or none is to be asked."""
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:]) or None
    return None if value in ("none", "") else _expand(value, tokens)
