"""ssh_config where the OpenSSH client is missing: paramiko's parser, with the defaults that ssh has."""

from __future__ import annotations

import glob
import io
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine.codes import Code
from engine.errors import Unreachable
from engine.transports.process import outer_environment
from engine.transports.ssh.config import Raw, Target, home, options_of

SYSTEM_FILE = Path("/etc/ssh/ssh_config")
FLAGS = {"-J": "proxyjump", "-i": "identityfile", "-p": "port", "-l": "user", "-b": "bindaddress"}
LISTS = ("identityfile", "certificatefile")
CRITERIA = ("all", "canonical", "final", "host", "originalhost", "user", "localuser", "exec")
DEFAULTS: Raw = {
    "port": ["22"],
    "identityfile": [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk")],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}


def parse(target: Target) -> Raw:
    """What `ssh -G` would print, as far as it matters here. Raises Unreachable, naming what cannot be used."""
    try:
        return _parse(target)
    except Exception as error:
        # paramiko's parser raises whatever comes up; a configuration that cannot be read must not be guessed.
        raise Unreachable(
            f"{target.name}: the SSH configuration cannot be used: {error}\n"
            "  The OpenSSH client is not installed; with it, more of the configuration is supported.",
            code=Code.SSH_CONFIG,
        ) from error


def _parse(target: Target) -> Raw:
    raw: dict[str, list[str]] = {}
    for name, value in (("port", target.port), ("user", target.user), ("identityfile", target.identity)):
        if value is not None:
            raw[name] = [str(value)]
    options = options_of(target.arguments)
    for flag, values in options.items():
        if flag == "-o":
            for value in values:
                keyword, _, rest = value.replace("=", " ", 1).partition(" ")
                _take(raw, keyword.lower(), rest.strip().strip('"'))
        elif flag in FLAGS:
            for value in values:
                _take(raw, FLAGS[flag], value)
    raw |= {"addressfamily": ["inet"]} if "-4" in options else {}
    raw |= {"addressfamily": ["inet6"]} if "-6" in options else {}
    user, at, name = target.host.rpartition("@")
    if at:
        _take(raw, "user", user)
    for file in _files(options.get("-F", [])):
        raw = _lookup(file, name, raw)
    if "-A" in options and raw.get("forwardagent", ["no"]) == ["no"]:
        raw["forwardagent"] = ["yes"]
    # Of these two the first that is said counts; `ProxyCommand none` too, but not `ProxyJump none`.
    ways = [word for word in raw if word == "proxycommand" or (word == "proxyjump" and raw[word] != ["none"])]
    for loser in ways[1:]:
        del raw[loser]
    hostname = raw.get("hostname", [name])[0].replace("%h", name).replace("%%", "%")
    return {**DEFAULTS, **raw, "hostname": [hostname]}


def _take(raw: dict[str, list[str]], keyword: str, value: str) -> None:
    """The first value counts, but for the keywords that may be given several times."""
    values = raw.setdefault(keyword, [])
    if not values or (keyword in LISTS and value not in values):
        values.append(value)


def _files(chosen: Sequence[str]) -> list[Path]:
    if chosen:
        return [] if chosen[0] == "none" else [Path(chosen[0].replace("~", home(), 1))]
    return [file for file in (Path(home(), ".ssh/config"), SYSTEM_FILE) if file.exists()]


def _lookup(file: Path, host: str, given: dict[str, list[str]]) -> dict[str, list[str]]:
    """What a file adds to what is given."""
    from engine.transports.ssh.session import paramiko

    vars(paramiko.config)["invoke"] = _Commands
    parser = type("Parser", (_Parser, paramiko.SSHConfig), {})()
    parser.given = {keyword: values if keyword in LISTS else values[0] for keyword, values in given.items() if values}
    parser.parse(io.StringIO(_with_includes(file)))
    return {
        keyword: [str(one) for one in value] if isinstance(value, list) else [str(value or "none")]
        for keyword, value in parser.lookup(host).items()
    }


class _Parser:
    """Goes over paramiko's parser: starts from what is given, so that `Match user` sees it; leaves the tokens to
    who knows their values; and refuses a criterion of `Match` that paramiko would take for true."""

    given: dict[str, Any]

    def _lookup(self, hostname: str, options: Any = None, **more: Any) -> Any:
        from engine.transports.ssh.session import paramiko

        if options is None:
            options = paramiko.SSHConfigDict(self.given)
        return super()._lookup(hostname, options, **more)  # type: ignore[misc]

    def _expand_variables(self, config: Any, _hostname: str) -> Any:
        return config

    def _get_matches(self, match: str) -> Any:
        found = super()._get_matches(match)  # type: ignore[misc]
        for criterion in found:
            if criterion["type"] not in CRITERIA:
                raise ValueError(f"`Match {criterion['type']}` needs the OpenSSH client")
        return found


class _Commands:
    """Stands for the library with which paramiko would run `Match exec`, and which would read our input."""

    @staticmethod
    def run(command: str, **_: Any) -> Any:
        done = subprocess.run(
            command,
            shell=True,  # /bin/sh, or what Windows has
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=outer_environment(),
            check=False,
        )
        return SimpleNamespace(ok=done.returncode == 0)


def _with_includes(file: Path, depth: int = 0) -> str:
    """The file's text with Include lines replaced by what they name; paramiko knows no Include."""
    if depth > 16:
        raise ValueError(f"{file}: circular Include")
    lines: list[str] = []
    everywhere = True
    for line in file.read_text("utf-8", errors="surrogateescape").splitlines():
        words = line.replace("=", " ", 1).split()
        keyword = words[0].lower() if words else ""
        if keyword in ("host", "match"):
            everywhere = words[1:] in (["*"], ["all"])
        if keyword != "include":
            lines.append(line)
            continue
        if not everywhere:
            raise ValueError(f"{file}: Include inside of `Host` or `Match` needs the OpenSSH client")
        for pattern in words[1:]:
            path = os.path.join(home(), ".ssh", pattern.replace("~", home(), 1))
            for included in sorted(glob.glob(path)):
                lines += [_with_includes(Path(included), depth + 1), "Host *"]
    return "\n".join(lines) + "\n"
