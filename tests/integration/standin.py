"""What the tests of the stand-in for ComfyUI share: one to ask, and one to start and stop.

    COMFYUI_URL=http://host:8188 COMFYUI_DIR=/path/to/ComfyUI pytest tests/integration/test_standin*.py

asks a real ComfyUI instead, behind its login node, in every test that need not start or switch it; the directory is
ComfyUI's own, to drop models into and to read the token from.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.sandbox import free_port

DEMO = Path(__file__).resolve().parents[2] / "demo"
TOKEN = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
PASSWORD = "open sesame"
REAL = os.environ.get("COMFYUI_URL", "")


@dataclass(frozen=True)
class Answer:
    """`status` 0: there is none, and `error` says why. `body` is what the JSON says, else bytes."""

    status: int
    headers: Any = None
    body: Any = b""
    error: str = ""


class Target:
    """A ComfyUI that can be asked. `ask` gives the token, `get` gives nothing that it is not told to."""

    def __init__(self, netloc: str, directory: Path, token: str = "") -> None:
        self.netloc, self.directory, self.token = netloc, directory, token

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.netloc, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        except OSError as error:
            return Answer(0, error=type(error).__name__)
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "") and data
        return Answer(answer.status, answer.headers, json.loads(data) if is_json else data)

    def status(self, path: str = "/system_stats", **headers: str) -> int:
        return self.get(path, **headers).status

    def bearer(self, token: str) -> int:
        return self.status(Authorization=f"Bearer {token}")

    def ask(self, path: str, body: Any = None) -> Answer:
        """GET, or POST of what is to be said as JSON, with the token."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is None:
            return self.get(path, **headers)
        return self.get(path, "POST", json.dumps(body), **headers, **{"Content-Type": "application/json"})

    # --- workflows -------------------------------------------------------------------------------------------

    def submit(self, graph: dict[str, Any], **more: Any) -> str:
        """The id of a workflow that was taken whole."""
        answer = self.ask("/prompt", {"prompt": graph, **more})
        assert (answer.status, answer.body["node_errors"]) == (200, {}), answer
        return str(answer.body["prompt_id"])

    def finished(self, prompt_id: str) -> Any:
        end = time.monotonic() + 20
        while not (found := self.ask(f"/history/{prompt_id}").body):
            assert time.monotonic() < end, self.ask("/queue")
            time.sleep(0.01)
        return found[prompt_id]

    def run(self, graph: dict[str, Any], **more: Any) -> Any:
        """What the history says of a workflow at its end."""
        return self.finished(self.submit(graph, **more))

    def remaining(self) -> int:
        return int(self.ask("/prompt").body["exec_info"]["queue_remaining"])


class ComfyUI(Target):
    """A stand-in in a directory, run as a process of this machine."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        super().__init__(f"127.0.0.1:{self.port}", directory)
        self.process: subprocess.Popen[bytes] | None = None
        shutil.copytree(DEMO / "comfyui", directory, ignore=shutil.ignore_patterns("__pycache__"))
        self.node = directory / "custom_nodes" / "ComfyUI-Login"
        self.password = directory / "login" / "PASSWORD"
        self.hold = directory / "standin.hold"

    def install(self) -> None:
        shutil.copytree(DEMO / "node", self.node, ignore=shutil.ignore_patterns("__pycache__"))

    def write(self, data: bytes) -> None:
        self.password.parent.mkdir(exist_ok=True)
        self.password.write_bytes(data)

    def pack(self, name: str, text: str) -> None:
        """Another pack of nodes."""
        folder = self.directory / "custom_nodes" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text)

    def start(
        self,
        *arguments: str,
        requirements: bool = True,
        wait: bool = True,
        under: Sequence[str] = (),
        **settings: object,
    ) -> None:
        """`settings` are those of settings.py, without their COMFYUI_, here at once and without delays; `under` is
        what the process is started by."""
        given: dict[str, object] = {"port": self.port, "stops": 1, "read_seconds": 0, "workflow_seconds": 0}
        given |= {"passwords": json.dumps({TOKEN: PASSWORD}), **settings}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COMFYUI_")}
        environment |= {f"COMFYUI_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        environment["PYTHONPATH"] = str(DEMO / "package") if requirements else ""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*under, sys.executable, "main.py", *arguments], cwd=self.directory, env=environment, stderr=log
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        end = time.monotonic() + 10
        while not self.get("/").status:
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(5)

    def log(self) -> str:
        return (self.directory / "log").read_text()


@contextmanager
def started(directory: Path) -> Iterator[ComfyUI]:
    """A stand-in that a test starts, switches and stops itself."""
    if REAL:
        pytest.skip("a stand-in is started here, and COMFYUI_URL names a real one")
    made = ComfyUI(directory / "ComfyUI")
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def served(directory: Path) -> Iterator[Target]:
    """One that is behind its login node: the real one, or a stand-in."""
    if REAL:
        path = Path(os.environ["COMFYUI_DIR"])
        token = (path / "login" / "PASSWORD").read_text().split("\n")[0].strip()
        yield Target(urlsplit(REAL).netloc, path, token)
        return
    with started(directory) as made:
        made.install()
        made.token = TOKEN
        made.write(f"{TOKEN}\n".encode())
        made.start()
        yield made


def fresh(prefix: str = "check") -> str:
    """A name that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def picture(width: int = 64, height: int = 48, prefix: str = "check", **others: Any) -> dict[str, Any]:
    """A workflow that needs no model, and the nodes that are added to it."""
    made = node("EmptyImage", width=width, height=height, batch_size=1, color=16711680)
    return {"1": made, "2": node("SaveImage", images=["1", 0], filename_prefix=prefix), **others}
