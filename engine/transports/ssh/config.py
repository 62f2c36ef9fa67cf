"""What the inventory and the user's SSH configuration say of a host: `Target` and `Settings`."""

from __future__ import annotations

import getopt
import getpass
import os
import re
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model import Host

Raw: TypeAlias = Mapping[str, Sequence[str]]
"""Keyword in lower case → its values, one for each line, as `ssh -G` prints them."""


OPTSTRING = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"


def options_of(arguments: Sequence[str]) -> dict[str, list[str]]:
    """The options of an ssh command line, `-F` → its values, in the order given. Raises getopt.GetoptError."""
    found: dict[str, list[str]] = {}
    for flag, value in getopt.getopt(list(arguments), OPTSTRING)[0]:
        found.setdefault(flag, []).append(value)
    return found


@dataclass(frozen=True)
class Target:
    """What the inventory says of a host: it goes before the configuration. `arguments` are options of ssh.

    Raises InvalidInput for a name of a host or user that OpenSSH takes from nobody: a shell may come to read it.
    """

    name: str
    host: str
    port: int | None = None
    user: str | None = None
    identity: Path | None = None
    arguments: tuple[str, ...] = ()
    executable: str = "ssh"

    def __post_init__(self) -> None:
        try:
            check_names(self.host, self.user)
        except ValueError as error:
            raise InvalidInput(Problem(f"{self.name}: {error}", code=Code.HOST_VARIABLE)) from None

    def configuration(self) -> tuple[str, ...]:
        """Those of the arguments that choose the configuration file: they hold for the hops on the way too."""
        file = options_of(self.arguments).get("-F")
        return ("-F", file[0]) if file else ()


def check_names(host: str, user: str | None) -> None:
    """Raises ValueError for names that OpenSSH refuses (`valid_hostname` and `valid_ruser` in its ssh.c): both may
    stand in a ProxyCommand or in `Match exec`, which a shell runs."""
    bad = next((char for char in host if char in _NOT_IN_HOST or char.isspace() or not char.isprintable()), None)
    if bad is not None or host.startswith("-"):
        what = f"holds {bad!r}" if bad is not None else "begins with `-`"
        raise ValueError(f"the host name {host!r} {what}, which SSH does not allow; set ansible_host")
    bad = next((char for char in user or "" if char in _NOT_IN_USER or (ord(char) < 32 or ord(char) == 127)), None)
    if bad is not None or _USER.search(user or ""):
        what = f"holds {bad!r}" if bad is not None else "begins like an option, or ends with a backslash"
        raise ValueError(f"the user name {user!r} {what}, which SSH does not allow")


_NOT_IN_HOST = frozenset("'`\"$\\;&<>|(){}")
_NOT_IN_USER = frozenset("'`\";&<>|(){}")
_USER = re.compile(r"^-|\s-|\\$")


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
    forwarded_agent: str | None
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
        raise InvalidInput(f"{host.name}: ansible_port is `{port}`, not a number", code=Code.HOST_VARIABLE) from None


class _Reader:
    """Values of what `ssh -G` printed; `none` is as if nothing were said."""

    def __init__(self, raw: Raw, target: Target) -> None:
        self.raw = raw
        self.hostname = self.one("hostname", target.host)
        self.port = int(self.one("port", "22"))
        self.user = self.one("user") or getpass.getuser()
        alias, jump = self.one("hostkeyalias"), self.one("proxyjump")
        self.tokens = _tokens(target.host, self.hostname, self.port, self.user, alias, jump)

    def one(self, keyword: str, default: str = "") -> str:
        value = self.raw.get(keyword, (default,))[0]
        return default if value.lower() == "none" else value

    def yes(self, keyword: str) -> bool:
        return self.one(keyword).lower() in ("yes", "true", "force")

    def paths(self, keyword: str) -> tuple[Path, ...]:
        values = [value for line in self.raw.get(keyword, ()) for value in _BETWEEN_PATHS.split(line)]
        return tuple(Path(_expand(value, self.tokens)) for value in values if value and value != "none")

    def methods(self) -> tuple[str, ...]:
        wanted = (self.one("preferredauthentications") or "publickey,keyboard-interactive,password").split(",")
        off = [name for name, switch in _SWITCHES.items() if self.one(switch, "yes").lower() in ("no", "false")]
        return tuple(method for method in wanted if method not in off)

    def forwarded(self) -> str | None:
        value = self.one("forwardagent", "no")
        if sys.platform == "win32" or value.lower() in ("no", "false"):
            return None
        return _agent("SSH_AUTH_SOCK" if value.lower() in ("yes", "true") else value, self.tokens)


def settings(raw: Raw, target: Target) -> Settings:
    """Read what `ssh -G` printed for a target. Raises ValueError."""
    read = _Reader(raw, target)
    check_names(read.hostname, read.user)
    # ssh drops a key file that does not exist; one that the inventory names is to be spoken of.
    identities = (*([target.identity] if target.identity else []), *read.paths("identityfile"))
    return Settings(
        alias=target.host,
        hostname=read.hostname,
        port=read.port,
        user=read.user,
        identities=tuple(dict.fromkeys(identities)),
        certificates=read.paths("certificatefile"),
        identities_only=read.yes("identitiesonly"),
        agent=_agent(raw.get("identityagent", ("SSH_AUTH_SOCK",))[0], read.tokens),
        forwarded_agent=read.forwarded(),
        known_hosts=read.paths("userknownhostsfile"),
        global_known_hosts=read.paths("globalknownhostsfile"),
        key_alias=read.one("hostkeyalias") or None,
        # `no` would make ssh accept a changed key as well; here it never does more than accept-new.
        accept_new=read.one("stricthostkeychecking").lower() in ("accept-new", "no", "off", "false"),
        hash_known_hosts=read.yes("hashknownhosts"),
        revoked_keys=next(iter(read.paths("revokedhostkeys")), None),
        jumps=tuple(hop for hop in read.one("proxyjump").split(",") if hop),
        proxy_command=_expand(read.one("proxycommand"), read.tokens, home=False) or None,
        connect_timeout=float(read.one("connecttimeout", "0")) or None,
        alive_interval=int(read.one("serveraliveinterval", "0")),
        family=_FAMILIES.get(read.one("addressfamily"), socket.AF_UNSPEC),
        bind=read.one("bindaddress") or None,
        batch=read.yes("batchmode"),
        methods=read.methods(),
        algorithms={name: tuple(read.one(name).split(",")) for name in _ALGORITHMS if read.one(name)},
    )


_BETWEEN_PATHS = re.compile(r" (?=[/~%$]|[A-Za-z]:[\\/]|__PROGRAMDATA__)" if os.name == "nt" else r" (?=[/~%$])")
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
    if sys.platform != "win32":
        import pwd

        try:
            return pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            pass
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
    if os.name == "nt":
        text = text.replace("__PROGRAMDATA__", os.environ.get("PROGRAMDATA", r"C:\ProgramData"))
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
