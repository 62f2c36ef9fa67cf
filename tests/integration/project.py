"""A project of a test's own: state, inventory, secrets; and the real commands run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sshd import Sshd


def own_sshd(directory: Path, *settings: str, **more: Any) -> Sshd:
    """An SSH server whose sessions have the home directory of the `Project` in `directory`: the lock of a host is in
    its user's home, and tests beside each other would wait for one another. `settings` are further variables."""
    return Sshd(directory / "sshd", config=[" ".join(["SetEnv", f"HOME={directory}/home", *settings])], **more)


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, what it printed, and the most memory it held, in bytes."""

    code: int
    out: str
    err: str
    memory: int = 0

    @property
    def data(self) -> dict[str, Any]:
        """The report of `--format json`."""
        return dict(json.loads(self.out))

    def trips(self) -> int:
        """Trips that the report of one host claims."""
        (host,) = self.data["hosts"]
        return int(host["trips"])

    def verdicts(self) -> dict[str, str]:
        """Resource → verdict, or outlook in a plan, of one host."""
        (host,) = self.data["hosts"]
        if "steps" in host:
            return {step["name"]: step["outlook"] for step in host["steps"]}
        return {outcome["step"]["name"]: outcome["verdict"] for outcome in host["outcomes"]}


class Project:
    """A project root below `directory`, and a home directory that no other test uses.

    `root` holds `state.yaml` and `inventory.yaml`; `host` is what the inventory says of its one host, `here`.
    """

    def __init__(self, directory: Path, host: Mapping[str, Any] | None = None) -> None:
        self.root, self.home = directory / "project", directory / "home"
        self.root.mkdir(parents=True)
        self.home.mkdir()
        self.inventory({"here": dict(host or {"ansible_connection": "local"})})

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """A file in the project root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        return path

    def inventory(self, hosts: Mapping[str, Any]) -> None:
        """Hosts with their variables."""
        self.write("inventory.yaml", json.dumps({"all": {"hosts": dict(hosts)}}))

    def state(self, resources: Mapping[str, Any], **sections: Any) -> None:
        """The state file: resources, and other sections. JSON is YAML."""
        self.write(
            "state.yaml", json.dumps({"name": "test", "hosts": "all", **sections, "resources": dict(resources)})
        )

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a command runs with."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("ENGINE_")}
        return {**known, "HOME": str(self.home), "NO_COLOR": "1", **(env or {})}

    def command(self, verb: str, *words: str, state: str = "state.yaml") -> list[str]:
        """The words of a command; run it in `root`."""
        return [str(Path(sys.executable).with_name(verb)), *([state] if state else []), *words]

    def run(
        self,
        verb: str,
        *words: str,
        state: str = "state.yaml",
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Ran:
        """Run `plan`, `apply` or `engine` in the project root."""
        return execute(self.command(verb, *words, state=state), self.root, self.environment(env), timeout)


def execute(command: list[str], cwd: Path, env: Mapping[str, str], timeout: float = 300) -> Ran:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        code, memory = _ended(process, timeout)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return Ran(code, *texts, memory)


def _ended(process: subprocess.Popen[bytes], timeout: float) -> tuple[int, int]:
    """Exit code, and the largest resident set in bytes."""
    import time

    deadline, peak = time.monotonic() + timeout, 0
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return process.returncode, peak
        peak = max(peak, _memory(process.pid))
        time.sleep(0.005)
    process.kill()
    process.wait()
    raise AssertionError(f"not done in {timeout} s: {process.args!r}")


def _memory(pid: int) -> int:
    """The peak so far. The rusage of the process would count what it was forked from, too."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
