"""Much input: the memory of this side does not grow with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sshd import Sshd

SCRIPT = """
import sys
from pathlib import Path
from engine.model import Host
from engine.transports import Options, connect

variables = eval(sys.argv[1])
transport = connect(Host("h", vars=variables), Options(project=Path()))
block = bytes(range(256)) * 4096
counted = b"".join(piece.data for piece in transport.run(["wc", "-c"], (block for _ in range(int(sys.argv[2])))))
transport.close()
# Not ru_maxrss: that counts what the process was forked from, too.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(counted), int(peak.split()[1]) // 1024)
"""
LIMIT = 100
"""MiB, of which the interpreter and paramiko take about half."""


@pytest.mark.parametrize(("kind", "size"), [("local", 200), ("ssh", 200), ("docker", 80)])
def test_memory_stays_small(kind: str, size: int, request: pytest.FixtureRequest) -> None:
    variables: dict[str, object] = {"ansible_connection": kind}
    if kind == "ssh":
        server: Sshd = request.getfixturevalue("shared_sshd")
        variables = server.variables()
    if kind == "docker":
        variables["ansible_host"] = request.getfixturevalue("container")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, repr(variables), str(size)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted, megabytes = map(int, done.stdout.split())
    assert counted == size << 20
    assert megabytes < LIMIT
