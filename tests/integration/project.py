"""A project of a test's own: state, inventory, secrets; and the real commands run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sshd import Sshd


def own_sshd(directory: Path, *settings: str, config: Iterable[str] = (), **more: Any) -> Sshd:
    """An SSH server whose sessions have the home directory of the `Project` in `directory`: the lock of a host is in
    its user's home, and tests beside each other would wait for one another. `settings` are further variables,
    `config` further lines of sshd_config."""
    environment = " ".join(["SetEnv", f"HOME={directory}/home", *settings])
    return Sshd(directory / "sshd", config=[environment, *config], **more)


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, what it printed, the most memory it held, in bytes, and the seconds of the
    processor that it took, with what it started and waited for."""

    code: int
    out: str
    err: str
    memory: int = 0
    cpu: float = 0.0

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
            return {step["name"]: step["status"] for step in host["steps"]}
        return {outcome["step"]["name"]: outcome["status"] for outcome in host["outcomes"]}


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
        """The words of a command; run it in `root`. An apply of a state is not asked about: nobody is there."""
        unasked = ["-y"] if verb == "apply" and state else []
        return [str(Path(sys.executable).with_name(verb)), *([state] if state else []), *unasked, *words]

    def run(
        self,
        verb: str,
        *words: str,
        state: str = "state.yaml",
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Ran:
        """Run `plan`, `apply` or `engine` in the project root."""
        return self.begin(verb, *words, state=state, env=env).end(timeout)

    def begin(
        self, verb: str, *words: str, state: str = "state.yaml", env: Mapping[str, str] | None = None
    ) -> Running:
        """Run a command in the background."""
        return Running(self.command(verb, *words, state=state), self.root, self.environment(env))

    def runs(self) -> list[str]:
        """Ids of the applies so far, oldest first."""
        return sorted(path.stem for path in (self.root / ".engine/runs").glob("*.jsonl"))

    def events(self, run: str = "") -> list[dict[str, Any]]:
        """What the journal holds of a run, of the latest where none is given; a line being written is left out."""
        latest = [run] if run else self.runs()[-1:]
        texts = [(self.root / f".engine/runs/{one}.jsonl").read_text() for one in latest]
        lines = [line for text in texts for line in text.split("\n")[:-1]]
        return [json.loads(line) for line in lines]


def execute(command: list[str], cwd: Path, env: Mapping[str, str], timeout: float = 300) -> Ran:
    """Run a command to its end."""
    return Running(command, cwd, env).end(timeout)


class Running:
    """A command that runs; `process` may be signalled meanwhile."""

    def __init__(self, command: list[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err
        )

    def told(self, words: str) -> bool:
        """Whether it has said that on standard error."""
        return words in os.pread(self._err.fileno(), 1 << 20, 0).decode(errors="replace")

    def end(self, timeout: float = 300) -> Ran:
        """Wait for its end, and say how it was."""
        cpu, memory = self._ended(timeout)
        texts = []
        for file in (self._out, self._err):
            with file:
                file.seek(0)
                texts.append(file.read().decode())
        return Ran(self.process.returncode, *texts, memory, cpu)

    def _ended(self, timeout: float) -> tuple[float, int]:
        """Seconds of the processor that it took, with what it started and waited for; the largest resident set."""
        deadline, peak = time.monotonic() + timeout, 0
        while time.monotonic() < deadline:
            pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                return used.ru_utime + used.ru_stime, peak
            peak = max(peak, _memory(self.process.pid))
            time.sleep(0.005)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"not done in {timeout} s: {self.process.args!r}")


def _memory(pid: int) -> int:
    """The peak so far. The rusage of the process would count what it was forked from, too."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
