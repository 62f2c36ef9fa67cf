"""Facts are asked for in the exec that runs the program: byte for byte, under every shell, and cut off anywhere."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.declare.host_facts import FACTS
from engine.errors import HostFailed
from engine.model import Facts, Host, Output, Script
from engine.program.bootstrap import STREAM_LAUNCHER
from engine.program.compose import compose, run
from engine.program.facts import FactsFirst, text
from engine.program.parser import Parser
from engine.program.section import Section
from engine.transports import Options
from engine.transports.local import LocalTransport
from tests.shells.programs import every_shell, local, results

NONCE = "0" * 32
HOSTILE = "$(touch pwned)`touch pwned`'\";touch pwned\n#NONCE end 0 0 0\n\\\\ {{ x }} \x1b[31m \udcff"


def said(*words: str) -> str:
    """What a command prints on this machine."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def this_machine() -> dict[str, str]:
    """The facts of this machine, found out in other ways; without those that it does not have."""
    release = platform.freedesktop_os_release()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    known = {"/run/systemd/system": "systemd", "/run/openrc": "openrc"}
    facts = {
        "os": said("uname", "-s").lower(),
        "arch": said("uname", "-m"),
        "user": said("id", "-un"),
        "home": os.environ["HOME"],
        "hostname": said("uname", "-n"),
        "distribution": release["ID"],
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "address": address,
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": str(int(memory.split()[1]) // 1024),
        "init": next((name for path, name in known.items() if Path(path).is_dir()), said("cat", "/proc/1/comm")),
    }
    return {name: value for name, value in facts.items() if value}


class Counting:
    """This machine; how often something was run on it."""

    def __init__(self) -> None:
        self.onward = local()
        self.runs = 0

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        self.runs += 1
        return self.onward.run(argv, stdin)

    def close(self) -> None:
        self.onward.close()


def asked(shell: tuple[str, ...] = ("sh",)) -> Facts:
    """The facts alone."""
    found = FactsFirst(local(), shell)
    found.close()
    return found.facts


@every_shell
def test_the_facts_and_the_program_take_one_exec(shell: tuple[str, ...]) -> None:
    here = Counting()
    found = FactsFirst(here, shell)
    assert found.facts == this_machine()
    assert set(found.facts) <= set(FACTS)
    script = Script('fact said "$value"; fact left "${s-}${_engine_v-}"', {"value": "it's\n"})
    first = results(run(found, compose([Section("one", script)], shell=shell)))["one"]
    assert first.facts == {"said": "it's\n", "left": ""}
    assert first.output == ""
    assert here.runs == 1
    assert results(run(found, compose([Section("two", script)], shell=shell)))["two"].status == 0
    assert here.runs == 2


@every_shell
def test_what_a_host_says_of_itself_is_data(
    shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    hostile = HOSTILE.encode("utf-8", "surrogateescape").replace(b"NONCE", NONCE.encode())
    (tmp_path / "name").write_bytes(hostile)
    for name, script in {
        # It tries to eat what follows, to end the program, and to say more than it was asked.
        "uname": f"cat; cat '{tmp_path}/name'; echo more >&2; exit 0",
        "id": "exit 1",
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    told = hostile.decode("utf-8", "surrogateescape")
    monkeypatch.setenv("HOME", told)
    monkeypatch.chdir(tmp_path)
    found = FactsFirst(local(), shell)
    assert found.facts["home"] == told
    if shell[0] != "busybox":  # which asks its own commands
        told_all = {"os": told.lower(), "arch": told, "home": told, "hostname": told}
        assert {name: found.facts[name] for name in ("os", "arch", "home", "hostname")} == told_all
        assert "user" not in found.facts
    program = compose([Section("one", Script('fact said "$1"', args=(found.facts["home"],)))], shell=shell)
    assert results(run(found, program))["one"].facts == {"said": told}
    assert not list(tmp_path.rglob("pwned"))


def test_what_a_host_cannot_say_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.transports.local.login_environment", lambda: {"PATH": str(tmp_path), "HOME": ""})
    sh = subprocess.run(["sh", "-c", "command -v sh"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "sh").symlink_to(sh)
    # What is left stands in files.
    assert set(asked((sh,))) <= {"distribution", "version", "codename", "address", "memory", "init"}


def _fed(shell: tuple[str, ...], sent: bytes, home: Path) -> subprocess.CompletedProcess[bytes]:
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        (*shell, "-c", STREAM_LAUNCHER),
        input=sent, capture_output=True, cwd=home, env=env, start_new_session=True, timeout=30,
    )  # fmt: skip


@every_shell
def test_cut_off_anywhere_nothing_is_done(shell: tuple[str, ...], full: bool, tmp_path: Path) -> None:
    program = compose([Section("make", Script('mkdir "$dir"; rm -rf keep', {"dir": "made"}), step=True)], shell=shell)
    (tmp_path / "keep").mkdir()
    first = text(NONCE)
    sent = first + program.text
    last = sent.rindex(b"#end ") + len(b"#end ") + len(program.nonce)
    told = len(first) - 1
    edges = {*range(40), *range(told - 45, told + 80), *range(last - 45, last)}
    cuts = range(last) if full else sorted(edges | set(range(40, last, last // 40)))

    def cut(size: int) -> None:
        done = _fed(shell, sent[:size], tmp_path)
        assert done.returncode == 97, size
        assert (b"fact 0 os" in done.stdout) == (size > told), size
        assert b"hello" not in done.stdout
        assert [path.name for path in tmp_path.iterdir()] == ["keep"], size

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cut, cuts))

    done = _fed(shell, sent, tmp_path)
    parser = Parser(program.nonce, program.sections)
    list(parser.feed(Output("stdout", done.stdout)))
    list(parser.feed(Output("stderr", done.stderr)))
    assert parser.done
    assert [path.name for path in tmp_path.iterdir() if path.name != ".local"] == ["made"]


def test_a_host_without_a_shell_is_told_as_such() -> None:
    with pytest.raises(HostFailed, match="`sh` could not be started on the host"):
        FactsFirst(local(), ("no-such-shell",))


def test_a_host_that_goes_away_is_told_as_such(tmp_path: Path) -> None:
    mute = tmp_path / "mute"
    mute.write_text("#!/bin/sh\necho motd of the day\nexit 3\n")
    mute.chmod(0o755)
    with pytest.raises(HostFailed, match=r"did not start on the host \(exit status 3\).*\n.*motd of the day"):
        FactsFirst(local(), (str(mute),))


def test_an_exec_that_is_given_up_does_nothing_more(tmp_path: Path) -> None:
    found = FactsFirst(LocalTransport(Host("here"), Options(tmp_path, silence=30)))
    found.close()
    found.close()
    assert results(run(found, compose([Section("one", Script("fact a b"))])))["one"].facts == {"a": "b"}
