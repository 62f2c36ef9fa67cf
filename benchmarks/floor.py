"""The floors: bare paramiko running one given program on each host, and the OpenSSH client running `true`.

    floor.py paramiko KEY KNOWN_HOSTS PORT PROGRAMS_DIRECTORY ADDRESS...
    floor.py openssh KEY KNOWN_HOSTS PORT - ADDRESS...

PROGRAMS_DIRECTORY holds ADDRESS.argv (JSON) and ADDRESS.program, the very program that the engine sends.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def paramiko_one(key: str, known_hosts: str, port: int, programs: str, address: str) -> int:
    import paramiko

    client = paramiko.SSHClient()
    client.load_host_keys(known_hosts)
    client.connect(address, port, "root", key_filename=key, look_for_keys=False, allow_agent=False)
    argv = json.loads(Path(programs, f"{address}.argv").read_text())
    stdin, stdout, _ = client.exec_command(shlex.join(argv))
    stdin.write(Path(programs, f"{address}.program").read_bytes())
    stdin.channel.shutdown_write()
    size = len(stdout.read())
    status = stdout.channel.recv_exit_status()
    client.close()
    assert status == 0
    assert size
    return status


def openssh_one(key: str, known_hosts: str, port: int, programs: str, address: str) -> int:
    command = ["ssh", "-F", "/dev/null", "-i", key, "-p", str(port), "-o", f"UserKnownHostsFile={known_hosts}"]
    return subprocess.run([*command, f"root@{address}", "true"], stdin=subprocess.DEVNULL, check=True).returncode


def main() -> None:
    kind, key, known_hosts, port, programs, *addresses = sys.argv[1:]
    one = paramiko_one if kind == "paramiko" else openssh_one
    with ThreadPoolExecutor(len(addresses)) as pool:
        for status in pool.map(lambda address: one(key, known_hosts, int(port), programs, address), addresses):
            assert status == 0


if __name__ == "__main__":
    main()
