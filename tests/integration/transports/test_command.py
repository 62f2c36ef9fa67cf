"""What is particular to prefixes, and to WSL."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.errors import Unreachable
from engine.model import Host
from engine.transports import Options, connect
from tests.transports import run

AWKWARD = ("$HOME", 'it\'s "x"', "a  b", "$(id)", "\n")
PRINT = 'for a; do printf "%s|" "$a"; done'


def wsl(executable: Path | str, options: Options, **variables: object) -> Host:
    return Host(
        "pc",
        vars={
            "ansible_connection": "wsl",
            "ansible_wsl_executable": str(executable),
            "ansible_wsl_distribution": "Ubuntu",
            **variables,
        },
    )


@pytest.mark.parametrize("prefix", [["env", "-u", "HOME"], "env -u 'HOME'"])
def test_a_prefix_as_a_list_and_as_text(options: Options, prefix: object) -> None:
    host = Host("h", vars={"ansible_connection": "command", "ansible_command_argv": prefix})
    assert run(connect(host, options), "sh", "-c", 'echo "${HOME-none}"').stdout == b"none\n"


def test_a_prefix_that_is_not_there(options: Options) -> None:
    host = Host("h", vars={"ansible_connection": "command", "ansible_command_argv": ["no-such-client", "-x"]})
    with pytest.raises(Unreachable, match=r"^h: no-such-client cannot be started: No such file") as caught:
        run(connect(host, options), "true")
    assert "The host is reached by: no-such-client -x" in str(caught.value)


def test_docker_exec_as_a_prefix(container: str, options: Options) -> None:
    prefix = ["docker", "exec", "-i", container]
    transport = connect(Host("h", vars={"ansible_connection": "command", "ansible_command_argv": prefix}), options)
    ran = run(transport, "sh", "-c", f"cat; {PRINT}; exit 4", "sh", *AWKWARD, stdin=[b"\r\n\0\xff"])
    assert ran.stdout == b"\r\n\0\xff" + "".join(f"{word}|" for word in AWKWARD).encode()
    assert ran.status == 4


def test_wsl_hands_arguments_on_as_they_are(wsl_executable: Path, options: Options) -> None:
    transport = connect(wsl(wsl_executable, options), options)
    assert run(transport, "sh", "-c", PRINT, "sh", *AWKWARD).stdout.decode().split("|")[:-1] == list(AWKWARD)
    # Why it is not `--`: what follows that goes through a shell once more.
    shown = subprocess.run([str(wsl_executable), "--", "echo", "$((1+1))"], capture_output=True, check=True).stdout
    assert shown == b"2\n"


def test_wsl_as_a_user(wsl_executable: Path, options: Options) -> None:
    transport = connect(wsl(wsl_executable, options, ansible_user="anna"), options)
    assert transport.prefix == (str(wsl_executable), "-d", "Ubuntu", "-u", "anna", "--exec")  # type: ignore[attr-defined]
    assert run(transport, "echo", "ok").stdout == b"ok\n"


def test_wsl_speaks_utf_8_when_it_speaks_itself(wsl_executable: Path, options: Options) -> None:
    ran = run(connect(wsl(wsl_executable, options, ansible_wsl_distribution="Debian"), options), "true")
    assert ran.stdout == b"There is no distribution with the supplied name.\r\n"
    assert ran.status == 255


def test_wsl_that_is_not_there(options: Options) -> None:
    with pytest.raises(Unreachable, match=r"^pc: wsl-none.exe cannot be started"):
        run(connect(wsl("wsl-none.exe", options), options), "true")
