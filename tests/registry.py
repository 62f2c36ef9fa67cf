"""A real registry for images (Debian's docker-registry) on a port of this machine alone, with or without a login."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import bcrypt
import pytest

from demo.sandbox import free_port


@contextmanager
def registry(users: Mapping[str, str] | None = None) -> Iterator[str]:
    """Its `host:port`. `users` are those who may use it, with their passwords; None: everybody may."""
    program = shutil.which("docker-registry") or pytest.skip("docker-registry is not installed")
    with tempfile.TemporaryDirectory(prefix="onetrip-registry-") as made:
        port = free_port()
        settings: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": f"{made}/data"}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }
        if users is not None:
            lines = (
                f"{name}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}" for name, word in users.items()
            )
            Path(made, "htpasswd").write_text("\n".join(lines) + "\n")
            settings["auth"] = {"htpasswd": {"realm": "tests", "path": f"{made}/htpasswd"}}
        # JSON is YAML.
        Path(made, "config.yml").write_text(json.dumps(settings))
        with subprocess.Popen(
            [program, "serve", f"{made}/config.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                _wait(port, process)
                yield f"127.0.0.1:{port}"
            finally:
                process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"docker-registry ended with {process.returncode}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("docker-registry does not answer")
