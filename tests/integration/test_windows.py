"""The engine as it is on Windows, as far as that can be had here (see tests/as_windows.py): every module loads there,
and hosts are reached by wsl, command and ssh."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Project, own_sshd
from tests.sshd import keygen, needs_sshd, public
from tests.windows import AS_WINDOWS, TOP, WSL

CANARY = "x7Gq-canary-2Lw9"


class Windows(Project):
    """A project on Windows. Everybody can read its secret and its key, as far as their modes say."""

    def __init__(self, directory: Path, host: Mapping[str, Any]) -> None:
        super().__init__(directory, host)
        directory.joinpath("there").mkdir()
        self.wsl = self.write("bin/wsl.exe", WSL, 0o755)
        self.write("token", f"{CANARY}\r\n", 0o777)
        self.write(".engine/key", "a key of more than sixteen characters\r\n", 0o777)
        self.state(
            {
                "token": {"file-sync": {"path": str(directory / "there/token"), "content": "{{ secrets.token }}\n"}},
                "tree": {"file-sync": {"path": str(directory / "there/tree"), "source": "tree"}},
            },
            secrets={"token": {"file": "token"}},
        )
        self.write("tree/below/one", "one\n")

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        path = f"{self.root / 'bin'}:{super().environment()['PATH']}"
        return {**super().environment(env), "PATH": path, "PYTHONPATH": str(TOP), "USERNAME": "me"}

    def command(self, verb: str, *words: str, state: str = "state.yaml") -> list[str]:
        _, *rest = super().command(verb, *words, state=state)
        return [*AS_WINDOWS, verb, *rest]


def converges(project: Windows, place: Path) -> None:
    """validate, plan, a saved plan, apply of it, apply, history."""
    validated = project.run("engine", "validate", "state.yaml", state="")
    assert (validated.code, validated.err) == (0, ""), validated
    planned = project.run("plan", "--out", "plan.json", "--format", "json")
    assert planned.code == 0, planned
    assert "warning" not in planned.err
    assert planned.verdicts() == {"token": "change", "tree": "change"}
    assert not any(place.iterdir())
    applied = project.run("apply", "plan.json", "--format", "json", state="")
    assert applied.code == 0, applied
    assert applied.verdicts() == {"token": "changed", "tree": "changed"}
    assert place.joinpath("token").read_text() == f"{CANARY}\n"
    assert place.joinpath("tree/below/one").read_text() == "one\n"
    again = project.run("apply")
    assert again.code == 0, again
    assert "2 unchanged" in again.out
    rolled = project.run("engine", "rollback", project.runs()[0], "-y", state="")
    assert rolled.code == 0, rolled
    assert not place.joinpath("token").exists()
    history = project.run("engine", "history", state="")
    assert history.code == 0, history
    assert len(history.out.splitlines()) >= 3
    assert CANARY not in planned.out + applied.out + again.out + rolled.out


def test_it_is_no_longer_posix_to_the_engine(tmp_path: Path) -> None:
    """What is hidden from the engine for these tests is hidden."""
    lines = [
        "import os, signal, socket, select, selectors, subprocess, sys",
        "assert (os.name, sys.platform) == ('nt', 'win32')",
        "for module, names in ((os, 'getuid geteuid killpg pidfd_open fchmod chown O_NONBLOCK'),",
        "                      (signal, 'SIGKILL SIGHUP SIGUSR1'), (socket, 'AF_UNIX'), (select, 'poll epoll')):",
        "    for name in names.split():",
        "        assert not hasattr(module, name), name",
        "for name in ('pwd', 'grp', 'fcntl', 'termios', 'resource'):",
        "    try:",
        "        exec(f'import {name}')",
        "    except ModuleNotFoundError:",
        "        continue",
        "    raise AssertionError(name)",
        "for attempt in (lambda: selectors.DefaultSelector().register(0, 1), lambda: subprocess.Popen(['sh']),",
        "                lambda: open('/dev/null', 'w')):",
        "    try:",
        "        attempt()",
        "    except (OSError, EncodingWarning):",
        "        continue",
        "    raise AssertionError(attempt)",
    ]
    tmp_path.joinpath("engine_probe.py").write_text("\n".join(["__name__ = 'engine.probe'", *lines]) + "\n")
    command = [*AS_WINDOWS, "import", "engine_probe"]
    env = {"PYTHONPATH": f"{TOP}:{tmp_path}"}
    ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_wsl(tmp_path: Path) -> None:
    project = Windows(tmp_path, {"ansible_connection": "wsl", "ansible_wsl_distribution": "Ubuntu"})
    converges(project, tmp_path / "there")


def test_a_command(tmp_path: Path) -> None:
    words = ["wsl.exe", "-d", "Ubuntu", "--exec"]
    project = Windows(tmp_path, {"ansible_connection": "command", "ansible_command_argv": words})
    converges(project, tmp_path / "there")


@needs_sshd
def test_ssh(tmp_path: Path) -> None:
    with own_sshd(tmp_path) as sshd:
        # As `ssh -G` has it there: Windows' own paths, and an agent behind a pipe.
        key = keygen(tmp_path / "key of mine")
        sshd.directory.joinpath("authorized_keys").write_text(public(key) + "\n")
        key.chmod(0o777)
        sshd.client_config.write_text(
            f"Host *\n  UserKnownHostsFile {sshd.known_hosts}\n  GlobalKnownHostsFile /dev/null\n  ForwardAgent yes\n"
        )
        host = {**sshd.variables(), "ansible_ssh_private_key_file": str(key)}
        project = Windows(tmp_path, host)
        for pipe in ("", r"\\.\pipe\openssh-ssh-agent"):
            project.inventory({"here": host})
            env = {"SSH_AUTH_SOCK": pipe}
            planned = project.run("plan", env=env)
            assert planned.code == 0, planned
        converges(project, tmp_path / "there")


@needs_sshd
def test_what_could_not_be_tried_is_named(tmp_path: Path) -> None:
    with own_sshd(tmp_path) as sshd:
        sshd.client_config.write_text(f"Host *\n  UserKnownHostsFile {sshd.known_hosts}\n")
        project = Windows(tmp_path, sshd.variables())
        pipe = r"\\.\pipe\openssh-ssh-agent"
        planned = project.run("plan", env={"SSH_AUTH_SOCK": pipe})
        assert planned.code == 4
        assert f"agent {pipe}: agents are not asked from Windows; name a key file" in planned.out + planned.err
        project.inventory({"here": {**sshd.variables(), "ansible_ssh_common_args": "-o ProxyCommand='nc %h %p'"}})
        planned = project.run("plan")
        assert planned.code == 4
        assert "ProxyCommand does not work from Windows; use ProxyJump" in planned.out + planned.err


@pytest.mark.parametrize(
    ("connection", "instead"),
    [
        ("local", "This machine's Linux is reached with ansible_connection: wsl."),
        ("docker", "ansible_command_argv: [docker, exec, -i, NAME]"),
        ("community.docker.docker_api", "ansible_command_argv: [docker, exec, -i, NAME]"),
        ("openssh", "Use ansible_connection: ssh."),
    ],
)
def test_connections_that_do_not_work_from_there(tmp_path: Path, connection: str, instead: str) -> None:
    project = Windows(tmp_path, {"ansible_connection": connection})
    planned = project.run("plan")
    assert planned.code == 3, planned
    assert f"here: ansible_connection `{connection}` does not work from Windows" in planned.err
    assert instead in planned.err


def test_a_hash_that_it_makes_can_be_read_again(tmp_path: Path) -> None:
    """Written with Unix line ends, and without a lock on the directory, which Windows lacks."""
    project = Windows(tmp_path, {"ansible_connection": "wsl", "ansible_wsl_distribution": "Ubuntu"})
    secrets: dict[str, Any] = {
        "token": {"file": "token"},
        "hash": {"bcrypt": {"password": "token", "file": "hash", "cost": 4}},
        "read": {"command": [sys.executable, "-c", f"print({CANARY!r})"]},
    }
    content = "{{ secrets.hash }} {{ secrets.read }}\n"
    resources = {"hash": {"file-sync": {"path": str(tmp_path / "there/hash"), "content": content}}}
    project.state(resources, secrets=secrets)
    for summary in ("1 created", "1 unchanged"):
        applied = project.run("apply")
        assert applied.code == 0, applied
        assert summary in applied.out
    assert b"\r" not in project.root.joinpath("hash").read_bytes()
    secrets["read"]["command"] = f"echo {CANARY}"
    project.state(resources, secrets=secrets)
    planned = project.run("plan")
    assert planned.code == 3
    assert "secret read needs the command sh, which was not found" in planned.err
