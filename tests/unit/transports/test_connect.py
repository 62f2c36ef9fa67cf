"""Which transport a host gets, and what importing one costs."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import InvalidInput
from engine.model import Host
from engine.transports import BUILT_IN, Options, connect

OPTIONS = Options(project=Path())


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (None, "SshTransport"),
        ("ssh", "SshTransport"),
        ("ansible.builtin.ssh", "SshTransport"),
        ("paramiko_ssh", "SshTransport"),
        ("smart", "SshTransport"),
        ("local", "LocalTransport"),
        ("ansible.builtin.local", "LocalTransport"),
        ("docker", "DockerTransport"),
        ("community.docker.docker_api", "DockerTransport"),
        ("wsl", "WslTransport"),
    ],
)
def test_by_name(connection: str | None, expected: str) -> None:
    transport = connect(Host("h", vars={"ansible_connection": connection}), OPTIONS)
    assert type(transport).__name__ == expected
    transport.close()


def test_an_unknown_one() -> None:
    with pytest.raises(InvalidInput, match="h: unknown connection `winrm`") as caught:
        connect(Host("h", vars={"ansible_connection": "winrm"}), OPTIONS)
    assert "command, docker, local" in str(caught.value)


def test_the_list_is_that_of_the_entry_points() -> None:
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[3] / "setup.cfg")
    declared = setup["options.entry_points"]["engine.transports"].strip().splitlines()
    assert dict(line.split(" = ") for line in declared) == BUILT_IN


@pytest.mark.parametrize("argv", [None, [], ""])
def test_a_command_without_its_argv(argv: object) -> None:
    with pytest.raises(InvalidInput, match="ansible_command_argv is not set"):
        connect(Host("h", vars={"ansible_connection": "command", "ansible_command_argv": argv}), OPTIONS)


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(name.split('.')[0] for name in sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(shown.split())


def test_nothing_heavy_before_it_is_used() -> None:
    make = (
        "from pathlib import Path\nfrom engine.model import Host\nfrom engine.transports import Options, connect\n"
        "for kind in ('ssh', 'local', 'docker'):\n"
        "    connect(Host('h', vars={'ansible_connection': kind}), Options(Path())).close()"
    )
    assert not imported_by(make) & {"paramiko", "docker", "requests", "cryptography", "bcrypt", "invoke"}


def test_paramiko_comes_without_invoke() -> None:
    assert not imported_by("import engine.transports.ssh.connect") & {"invoke", "asyncio", "yaml"}
    # What was kept away can be imported afterwards, and paramiko knows its version all the same.
    code = (
        "import engine.transports.ssh.connect\nassert 'invoke' not in sys.modules\n"
        "import importlib.metadata, paramiko\n"
        "assert importlib.metadata.version('paramiko') == paramiko.__version__"
    )
    assert "importlib" in imported_by(code)
