"""ssh_config where the OpenSSH client is missing: paramiko's parser, with the defaults that ssh has."""

from __future__ import annotations

import getopt
import glob
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from engine.errors import Unreachable
from engine.transports.ssh_config import Raw, Target, home

OPTSTRING = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"
SYSTEM_FILE = Path("/etc/ssh/ssh_config")
FLAGS = {"-J": "proxyjump", "-i": "identityfile", "-p": "port", "-l": "user", "-b": "bindaddress"}
DEFAULTS: Raw = {
    "port": ["22"],
    "identityfile": [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk")],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}


def options_of(arguments: Sequence[str]) -> dict[str, list[str]]:
    """The options of an ssh command line, `-F` → its values, in the order given. Raises getopt.GetoptError."""
    found: dict[str, list[str]] = {}
    for flag, value in getopt.getopt(list(arguments), OPTSTRING)[0]:
        found.setdefault(flag, []).append(value)
    return found


def parse(target: Target) -> Raw:
    """What `ssh -G` would print, as far as it matters here. Raises Unreachable, naming what cannot be used."""
    try:
        return _parse(target)
    except Exception as error:
        # paramiko's parser raises whatever comes up; a configuration that cannot be read must not be guessed.
        raise Unreachable(
            f"{target.name}: the SSH configuration cannot be used: {error}\n"
            "  It was read without the OpenSSH client, which is not installed; with it, more is understood."
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
        for keyword, values in _lookup(file, name).items():
            for value in values:
                if keyword == "identityfile" or keyword not in raw:
                    _take(raw, keyword, value)
    return {**DEFAULTS, "hostname": [name], **raw}


def _take(raw: dict[str, list[str]], keyword: str, value: str) -> None:
    """The first value counts, but for the keywords that may be given several times."""
    values = raw.setdefault(keyword, [])
    if not values or (keyword in ("identityfile", "certificatefile") and value not in values):
        values.append(value)


def _files(chosen: Sequence[str]) -> list[Path]:
    if chosen:
        return [] if chosen[0] == "none" else [Path(chosen[0].replace("~", home(), 1))]
    return [file for file in (Path(home(), ".ssh/config"), SYSTEM_FILE) if file.exists()]


def _lookup(file: Path, host: str) -> dict[str, list[str]]:
    import paramiko.config

    text = _with_includes(file)
    if " exec " in text.lower():
        # `Match exec` needs invoke, which is left out when paramiko is imported because it takes as long again.
        vars(paramiko.config)["invoke"] = importlib.import_module("invoke")
    found = paramiko.SSHConfig.from_text(text).lookup(host)
    return {
        keyword: [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for keyword, value in found.items()
        if value is not None
    }


def _with_includes(file: Path, depth: int = 0) -> str:
    """The file's text with Include lines replaced by what they name; paramiko knows no Include."""
    if depth > 16:
        raise ValueError(f"{file}: Include goes round in circles")
    lines: list[str] = []
    everywhere = True
    for line in file.read_text(errors="surrogateescape").splitlines():
        words = line.replace("=", " ", 1).split()
        keyword = words[0].lower() if words else ""
        if keyword in ("host", "match"):
            everywhere = words[1:] in (["*"], ["all"])
        if keyword != "include":
            lines.append(line)
            continue
        if not everywhere:
            raise ValueError(f"{file}: Include inside of `Host` or `Match` is understood by the OpenSSH client only")
        for pattern in words[1:]:
            path = os.path.join(home(), ".ssh", pattern.replace("~", home(), 1))
            for included in sorted(glob.glob(path)):
                lines += [_with_includes(Path(included), depth + 1), "Host *"]
    return "\n".join(lines) + "\n"
