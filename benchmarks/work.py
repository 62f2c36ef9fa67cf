"""The same work for each tool: N files with content and mode on each host."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import PORT, Fleet

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Tool:
    """How one tool does the work: command lines for an apply and a dry run, environment, working directory."""

    name: str
    apply: list[str]
    dry: list[str]
    env: dict[str, str]
    cwd: Path


def content(number: int) -> str:
    """What file `number` holds: about 200 bytes of text."""
    return "".join(f"setting_{number}_{line} = {number * 1000 + line}\n" for line in range(8))


def tools(directory: Path, fleet: Fleet, files: int, targets: Path, peers: Path, port: int = PORT) -> list[Tool]:
    """Write the work for every tool below `directory`; `targets/HOST/` is where the files of a host go."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    makers = (_engine, _pyinfra, _bundlewrap, _ansible)
    return [maker(directory / maker.__name__.strip("_"), fleet, files, targets, peers, port) for maker in makers]


def _inventory(fleet: Fleet, targets: Path, port: int) -> dict[str, object]:
    hosts = {
        name: {
            "ansible_host": address,
            "ansible_port": port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(fleet.key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={fleet.known_hosts}",
            "target": str(targets / name),
        }
        for name, address in zip(fleet.names, fleet.addresses, strict=True)
    }
    return {"all": {"hosts": hosts}}


def _engine(directory: Path, fleet: Fleet, files: int, targets: Path, peers: Path, port: int) -> Tool:
    directory.mkdir()
    resources = {
        f"file-{number}": {
            "file-sync": {
                "path": f"{{{{ target }}}}/file-{number}",
                "content": content(number),
                "mode": "0640",
                "parents": True,
            }
        }
        for number in range(files)
    }
    state = {"name": "bench", "hosts": "all", "resources": resources}
    (directory / "state.yaml").write_text(json.dumps(state, indent=1))
    (directory / "inventory.yaml").write_text(json.dumps(_inventory(fleet, targets, port), indent=1))
    ssh = directory / "ssh_config"
    ssh.write_text(f"Host *\n  UserKnownHostsFile {fleet.known_hosts}\n")
    binary = str(ROOT / ".venv/bin/engine")
    forks = ["--forks", str(fleet.count)]
    return Tool(
        "engine",
        [binary, "apply", "state.yaml", "-y", "-q", *forks],
        [binary, "plan", "state.yaml", "-q", *forks],
        {},
        directory,
    )


def _ansible(directory: Path, fleet: Fleet, files: int, targets: Path, peers: Path, port: int) -> Tool:
    directory.mkdir()
    tasks: list[dict[str, object]] = [
        {"ansible.builtin.file": {"path": "{{ target }}", "state": "directory"}, "name": "directory"}
    ]
    tasks += [
        {
            "name": f"file {number}",
            "ansible.builtin.copy": {
                "dest": f"{{{{ target }}}}/file-{number}",
                "content": content(number),
                "mode": "0640",
            },
        }
        for number in range(files)
    ]
    (directory / "play.yaml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    (directory / "inventory.yaml").write_text(json.dumps(_inventory(fleet, targets, port), indent=1))
    (directory / "ansible.cfg").write_text(
        "[defaults]\nhost_key_checking = True\ninterpreter_python = /usr/bin/python3\n"
        "[ssh_connection]\npipelining = True\n"
        f"ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={fleet.known_hosts}\n"
    )
    command = [str(peers / "bin/ansible-playbook"), "-i", "inventory.yaml", "-f", str(fleet.count), "play.yaml"]
    env = {"ANSIBLE_CONFIG": str(directory / "ansible.cfg"), "ANSIBLE_HOME": str(directory / "home")}
    return Tool("ansible", command, [*command, "--check", "--diff"], env, directory)


def _pyinfra(directory: Path, fleet: Fleet, files: int, targets: Path, peers: Path, port: int) -> Tool:
    directory.mkdir()
    for number in range(files):
        (directory / f"file-{number}").write_text(content(number))
    hosts = [
        (
            address,
            {
                "ssh_port": port,
                "ssh_user": "root",
                "ssh_key": str(fleet.key),
                "ssh_known_hosts_file": str(fleet.known_hosts),
                "target": str(targets / name),
            },
        )
        for name, address in zip(fleet.names, fleet.addresses, strict=True)
    ]
    (directory / "inventory.py").write_text(f"hosts = {hosts!r}\n")
    (directory / "deploy.py").write_text(
        "from pyinfra import host\nfrom pyinfra.operations import files\n"
        "files.directory(path=host.data.target)\n"
        f"for number in range({files}):\n"
        "    files.put(src=f'file-{number}', dest=f'{host.data.target}/file-{number}', mode='640')\n"
    )
    command = [str(peers / "bin/pyinfra"), "inventory.py", "deploy.py", "--parallel", str(fleet.count)]
    return Tool("pyinfra", [*command, "-y"], [*command, "--dry"], {}, directory)


def _bundlewrap(directory: Path, fleet: Fleet, files: int, targets: Path, peers: Path, port: int) -> Tool:
    (directory / "bundles/bench/files").mkdir(parents=True)
    home = directory / "home"
    (home / ".ssh").mkdir(parents=True)
    ssh = "".join(
        f"Host {name}\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {fleet.key}\n"
        for name, address in zip(fleet.names, fleet.addresses, strict=True)
    )
    config = directory / "ssh_config"
    config.write_text(ssh + f"Host *\n  UserKnownHostsFile {fleet.known_hosts}\n")
    for number in range(files):
        (directory / f"bundles/bench/files/file-{number}").write_text(content(number))
    nodes = {
        name: {"hostname": name, "bundles": ["bench"], "metadata": {"target": str(targets / name)}}
        for name in fleet.names
    }
    (directory / "nodes.py").write_text(f"nodes = {nodes!r}\n")
    (directory / "groups.py").write_text("groups = {}\n")
    (directory / "requirements.txt").write_text("bundlewrap\n")
    (directory / "bundles/bench/items.py").write_text(
        "target = node.metadata.get('target')\n"
        "files = {f'{target}/file-{n}': {'source': f'file-{n}', 'mode': '0640', 'content_type': 'any'}\n"
        f"         for n in range({files})}}\n"
    )
    # Shared connections are what BundleWrap's documentation recommends for speed.
    args = f"-F {config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath={directory}/cm-%h"
    env = {"BW_SSH_ARGS": args, "BW_SCP_ARGS": args, "HOME": str(home)}
    names = ",".join(fleet.names)
    workers = ["-p", str(fleet.count)]
    base = str(peers / "bin/bw")
    return Tool(
        "bundlewrap", [base, "apply", *workers, names], [base, "verify", "-a", *workers, names], env, directory
    )
