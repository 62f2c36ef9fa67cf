"""The same work for each tool: files with content and mode on each host; or a checkout, a directory, a secret and
three files."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import PORT, Fleet

ROOT = Path(__file__).resolve().parents[1]


TAG = "pinned"
"""What the commit is called for pyinfra, which clones branches and tags."""


@dataclass(frozen=True)
class Tool:
    """How one tool does the work: command lines for an apply and a dry run, environment, working directory."""

    name: str
    apply: list[str]
    dry: list[str]
    env: dict[str, str]
    cwd: Path


@dataclass(frozen=True)
class Work:
    """What is to be done on every host. `repository` and `commit`: beside the files there are a checkout of it, a
    directory and a file that holds a secret; `token` is that secret's file on the controller."""

    files: int
    repository: Path | None = None
    commit: str = ""
    token: Path | None = None

    @property
    def title(self) -> str:
        """What it is called in the results."""
        return f"{self.files} files" if self.repository is None else f"node, directory, secret, {self.files} files"


def node_work(directory: Path) -> Work:
    """The work with a checkout: its repository and its secret are made here."""
    source, repository = directory / "source", directory / "node.git"
    source.mkdir(parents=True)

    def git(*words: str) -> str:
        named = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        done = subprocess.run(["git", "-C", str(source), *named, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    for number in range(20):
        (source / f"module_{number}.py").write_text(content(number))
    git("add", ".")
    git("commit", "-q", "-m", "node")
    git("tag", TAG)
    git("clone", "-q", "--bare", str(source), str(repository))
    token = directory / "token"
    token.write_text("a token of some length 0123456789\n")
    token.chmod(0o600)
    return Work(3, repository, git("rev-parse", "HEAD"), token)


def content(number: int) -> str:
    """What file `number` holds: about 200 bytes of text."""
    return "".join(f"setting_{number}_{line} = {number * 1000 + line}\n" for line in range(8))


def tools(directory: Path, fleet: Fleet, work: Work, targets: Path, peers: Path, port: int = PORT) -> list[Tool]:
    """Write the work for every tool below `directory`; `targets/HOST/` is where the files of a host go."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    makers = (_engine, _pyinfra, _bundlewrap, _ansible)
    return [maker(directory / maker.__name__.strip("_"), fleet, work, targets, peers, port) for maker in makers]


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


def _engine(directory: Path, fleet: Fleet, work: Work, targets: Path, peers: Path, port: int) -> Tool:
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
        for number in range(work.files)
    }
    state: dict[str, object] = {"name": "bench", "hosts": "all", "resources": resources}
    if work.repository is not None:
        here = "{{ target }}"
        state["secrets"] = {"token": {"file": str(work.token)}}
        more: dict[str, dict[str, object]] = {
            "node": {"git-clone": {"repo": str(work.repository), "path": f"{here}/node", "revision": work.commit}},
            "directory": {"file-sync": {"path": f"{here}/models/.keep", "content": "", "parents": True}},
            "secret": {
                "file-sync": {"path": f"{here}/PASSWORD", "first_line": "{{ secrets.token }}", "mode": "0600"}
            },
        }
        state["resources"] = {**more, **resources}
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


def _ansible(directory: Path, fleet: Fleet, work: Work, targets: Path, peers: Path, port: int) -> Tool:
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
        for number in range(work.files)
    ]
    if work.repository is not None:
        here = "{{ target }}"
        clone = {"repo": str(work.repository), "dest": f"{here}/node", "version": work.commit}
        secret = {"src": str(work.token), "dest": f"{here}/PASSWORD", "mode": "0600"}
        tasks += [
            {"name": "node", "ansible.builtin.git": clone},
            {"name": "directory", "ansible.builtin.file": {"path": f"{here}/models", "state": "directory"}},
            {"name": "secret", "ansible.builtin.copy": secret, "no_log": True},
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


def _pyinfra(directory: Path, fleet: Fleet, work: Work, targets: Path, peers: Path, port: int) -> Tool:
    directory.mkdir()
    for number in range(work.files):
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
        "from pyinfra import host\nfrom pyinfra.operations import files, git\n"
        "files.directory(path=host.data.target)\n"
        f"for number in range({work.files}):\n"
        "    files.put(src=f'file-{number}', dest=f'{host.data.target}/file-{number}', mode='640')\n"
        + (
            ""
            if work.repository is None
            else f"git.repo(src={str(work.repository)!r}, dest=f'{{host.data.target}}/node', "
            f"branch={TAG!r}, pull=False)\n"
            "files.directory(path=f'{host.data.target}/models')\n"
            f"files.put(src={str(work.token)!r}, dest=f'{{host.data.target}}/PASSWORD', mode='600')\n"
        )
    )
    command = [str(peers / "bin/pyinfra"), "inventory.py", "deploy.py", "--parallel", str(fleet.count)]
    return Tool("pyinfra", [*command, "-y"], [*command, "--dry"], {}, directory)


def _bundlewrap(directory: Path, fleet: Fleet, work: Work, targets: Path, peers: Path, port: int) -> Tool:
    (directory / "bundles/bench/files").mkdir(parents=True)
    home = directory / "home"
    (home / ".ssh").mkdir(parents=True)
    ssh = "".join(
        f"Host {name}\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {fleet.key}\n"
        for name, address in zip(fleet.names, fleet.addresses, strict=True)
    )
    config = directory / "ssh_config"
    config.write_text(ssh + f"Host *\n  UserKnownHostsFile {fleet.known_hosts}\n")
    for number in range(work.files):
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
        "files = {f'{target}/file-{n}': {'source': f'file-{n}', 'mode': '0640'}\n"
        f"         for n in range({work.files})}}\n"
    )
    if work.repository is not None:
        shutil.copy(str(work.token), directory / "bundles/bench/files/token")
        (directory / "git_deploy_repos").write_text(f"node: {work.repository.with_name('source')}\n")
        with (directory / "bundles/bench/items.py").open("a") as items:
            items.write(
                "files[f'{target}/PASSWORD'] = {'source': 'token', 'mode': '0600'}\n"
                "directories = {f'{target}/models': {}, f'{target}/node': {}}\n"
                f"git_deploy = {{f'{{target}}/node': {{'repo': 'node', 'rev': {work.commit!r}}}}}\n"
            )
    # Shared connections are what BundleWrap's documentation recommends for speed.
    args = f"-F {config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath={directory}/cm-%h"
    env = {"BW_SSH_ARGS": args, "BW_SCP_ARGS": args, "HOME": str(home)}
    workers = ["-p", str(fleet.count)]
    base = str(peers / "bin/bw")
    return Tool(
        "bundlewrap",
        [base, "apply", *workers, *fleet.names],
        [base, "verify", "-a", *workers, *fleet.names],
        env,
        directory,
    )
