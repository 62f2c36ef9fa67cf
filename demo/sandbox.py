"""A sandbox for the main job: node repository, ComfyUI with its service, PASSWORD, token, inventory, in a directory.

The demo builds one, and the tests build one for each starting point:

    box = Sandbox(directory, image=tag)
    box.build(node="older", password="stale-user", service="before")
    ...                                     # apply states/qwen.yaml -i box.inventory
    box.destroy()
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from demo import image

HERE = Path(__file__).resolve().parent
SERVICE = "comfyui-qwen"
USER = "artist"
REQUIREMENT = "standin-sessions"

Node = Literal["absent", "older", "dirty", "plain", "cut", "right"]
Password = Literal["absent", "empty", "stale", "stale-user", "right", "right-user", "crlf", "blank-line", "directory"]
Service = Literal["absent", "stopped", "before", "current"]

COMPOSE = """\
services:
  {service}:
    image: {image}
    working_dir: /workspace/ComfyUI
    command: [{command}]
    stop_grace_period: {grace}s
    environment: {environment}
    ports: ["127.0.0.1:{port}:8188"]
    volumes:
      - ./ComfyUI:/workspace/ComfyUI
      - ./wheels:/workspace/wheels:ro
"""


@dataclass
class Sandbox:
    """`root` is made by `build` and removed by `destroy`. `name`, or else the last part of `root`, names the Compose
    project: unique on the machine, in lower case. `compose` is the client that starts the service. `environment` is
    the service's and `arguments` ComfyUI's (see comfyui/settings.py); `grace` the seconds it is given to stop. `port`
    0: one that is free. `venv`: ComfyUI runs from a virtual environment inside the mount, not from the image's."""

    root: Path
    image: str
    compose: Sequence[str] = ("docker-compose",)
    environment: Mapping[str, str] = field(default_factory=lambda: {"COMFYUI_STOPS": "1"})
    arguments: Sequence[str] = ()
    grace: int = 1
    port: int = 0
    name: str = ""
    venv: bool = False

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        self.port = self.port or free_port()
        self.token, self.stale_token = _hash(), _hash()
        self.commits: tuple[str, ...] = ()
        self.new = False

    # --- where things are ------------------------------------------------------------------------------------

    @property
    def workspace(self) -> Path:
        return self.root / (self.name or self.root.name)

    @property
    def comfyui(self) -> Path:
        return self.workspace / "ComfyUI"

    @property
    def node(self) -> Path:
        return self.comfyui / "custom_nodes" / "ComfyUI-Login"

    @property
    def password(self) -> Path:
        return self.comfyui / "login" / "PASSWORD"

    @property
    def repository(self) -> Path:
        return self.root / "ComfyUI-Login.git"

    @property
    def token_file(self) -> Path:
        return self.root / "qwen-api-user.token"

    @property
    def inventory(self) -> Path:
        return self.root / "inventory.yaml"

    @property
    def switches(self) -> Path:
        """The file whose lines NAME=VALUE hold from the next start on, without a change of the container."""
        return self.comfyui / "standin.env"

    @property
    def python(self) -> str:
        """The interpreter of the service, as its container names it."""
        return "/workspace/ComfyUI/venv/bin/python" if self.venv else image.PYTHON

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self) -> dict[str, Any]:
        """What the inventory sets for states/qwen.yaml."""
        return {
            "workspace": str(self.workspace),
            "service": SERVICE,
            "url": self.url,
            "token_file": str(self.token_file),
            "node_repo": str(self.repository),
            "node_revision": self.commits[-1],
            **({"interpreter": self.python} if self.new else {}),
            "pip_options": {"no-index": True, "find-links": "/workspace/wheels"},
        }

    # --- building --------------------------------------------------------------------------------------------

    def build(
        self,
        node: Node = "absent",
        password: Password = "stale-user",  # noqa: S107  # a state of the file, no password
        service: Service = "before",
    ) -> None:
        """Lay everything out in this state. The image must have been made. Raises CalledProcessError, with what it
        printed, where git or Compose fails."""
        # Of a service that never ran it cannot be seen which interpreter it runs.
        self.new = service == "absent"
        self._lay_out()
        if service in ("stopped", "before"):
            self.up()
        if service == "stopped":
            run(["docker", "stop", "-t", "0", self.container()])
        self.lay_node(node)
        self.lay_password(password)
        if service == "current":
            self.up()
            command = [self.python, "-m", "pip", "install", "--no-index", "--find-links", "/workspace/wheels"]
            run(["docker", "exec", self.container(), *command, "-q", "--root-user-action=ignore", REQUIREMENT])
            self.restart()

    def lay_node(self, state: Node) -> None:
        """Put the node into a state; what was there is removed."""
        shutil.rmtree(self.node, ignore_errors=True)
        if state == "plain":
            shutil.copytree(HERE / "node", self.node)
        elif state == "cut":
            self._cut_clone()
        elif state != "absent":
            git(self.node.parent, "clone", "-q", str(self.repository), self.node.name)
            git(self.node, "checkout", "-q", self.commits[0 if state == "older" else -1])
        if state == "dirty":
            with (self.node / "README.md").open("a") as readme:
                readme.write("A note by hand.\n")

    def lay_password(self, state: Password) -> None:
        """Put login/PASSWORD into a state; what was there is removed."""
        if self.password.is_dir():
            shutil.rmtree(self.password)
        self.password.unlink(missing_ok=True)
        self.password.parent.mkdir(exist_ok=True)
        contents = {
            "empty": "",
            "stale": f"{self.stale_token}\n",
            "stale-user": f"{self.stale_token}\n{USER}",
            "right": f"{self.token}\n",
            "right-user": f"{self.token}\n{USER}",
            "crlf": f"{self.token}\r\n",
            "blank-line": f"\n{self.token}\n",
        }
        if state == "directory":
            self.password.mkdir()
        elif state != "absent":
            self.password.write_bytes(contents[state].encode())
            self.password.chmod(0o600)

    def write_inventory(self, **more: Any) -> None:
        """One host, `sandbox` in group `gpu`, reached locally; `more` overrides or adds variables."""
        import yaml

        host = {"ansible_connection": "local", **self.variables(), **more}
        groups = {"all": {"children": {"gpu": {"hosts": {"sandbox": host}}}}}
        self.inventory.write_text(yaml.safe_dump(groups, sort_keys=False))

    def _lay_out(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        (self.comfyui / "custom_nodes").mkdir(parents=True)
        for file in (HERE / "comfyui").glob("*.py"):
            shutil.copy(file, self.comfyui)
        if self.venv:
            image.lay_venv(self.comfyui / "venv")
        self._make_wheel()
        self._make_repository()
        environment = "{" + ", ".join(f"{key}: '{value}'" for key, value in self.environment.items()) + "}"
        text = COMPOSE.format(
            service=SERVICE,
            image=self.image,
            command=", ".join(f'"{word}"' for word in (self.python, "-u", "main.py", *self.arguments)),
            grace=self.grace,
            environment=environment,
            port=self.port,
        )
        (self.workspace / "docker-compose.yml").write_text(text)
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(self.token + "\n")
        self.write_inventory()

    def _make_wheel(self) -> None:
        """The node's requirement, where the container finds it without a network."""
        name, version = REQUIREMENT.replace("-", "_"), "1.0"
        folder = self.workspace / "wheels"
        folder.mkdir()
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            info = f"{name}-{version}.dist-info"
            wheel.write(HERE / "package" / f"{name}.py", f"{name}.py")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {REQUIREMENT}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")

    def _make_repository(self) -> None:
        """Two commits: an older one, and the one that is wanted."""
        shutil.copytree(HERE / "node", self.repository, ignore=shutil.ignore_patterns("__pycache__"))
        entry = self.repository / "__init__.py"
        newer = entry.read_text()
        git(self.repository, "init", "-q", "-b", "main")
        for number, text in enumerate((newer.replace('VERSION = "2"', 'VERSION = "1"'), newer), 1):
            entry.write_text(text)
            git(self.repository, "add", "-A")
            git(self.repository, "commit", "-q", "-m", f"Version {number}")
            self.commits += (git(self.repository, "rev-parse", "HEAD").strip(),)

    def _cut_clone(self) -> None:
        """What `git clone` leaves when it is killed while objects arrive: a repository without a commit."""
        git(self.node.parent, "init", "-q", "-b", "main", self.node.name)
        git(self.node, "remote", "add", "origin", str(self.repository))
        packs = self.node / ".git" / "objects" / "pack"
        packs.mkdir(exist_ok=True)
        (packs / "tmp_pack_X4fq2b").write_bytes(b"PACK\0\0\0\2\0\0\0\x0c")

    # --- the service -----------------------------------------------------------------------------------------

    def up(self) -> None:
        """Create and start the service, and wait until it answers."""
        run([*self.compose, "up", "-d", SERVICE], cwd=self.workspace)
        self.wait()

    def restart(self) -> None:
        run(["docker", "restart", "-t", "0", self.container()])
        self.wait()

    def container(self) -> str:
        """Id of the service's container, running or not; empty: there is none."""
        return self._containers("--no-trunc").strip()

    def started_at(self) -> str:
        """When the container was last started, as docker prints it; empty: there is none."""
        found = self.container()
        return run(["docker", "inspect", "-f", "{{.State.StartedAt}}", found]).strip() if found else ""

    def status(self, path: str = "/system_stats", token: str | None = None) -> int:
        """Status of a GET; 0 where no HTTP answer comes."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def wait(self, seconds: float = 30.0) -> None:
        """Until the service answers at all. Raises TimeoutError, with the end of its log."""
        end = time.monotonic() + seconds
        while not self.status():
            if time.monotonic() > end:
                log = subprocess.run(["docker", "logs", "--tail", "20", self.container()], capture_output=True)
                raise TimeoutError(f"{self.url} does not answer:\n{(log.stdout + log.stderr).decode()}")
            time.sleep(0.05)

    def destroy(self) -> None:
        """Remove containers, network and directory; nothing of it need be there."""
        for found in self._containers().split():
            run(["docker", "rm", "-f", "-v", found])
        label = f"label=com.docker.compose.project={self.workspace.name}"
        for network in run(["docker", "network", "ls", "-q", "--filter", label]).split():
            run(["docker", "network", "rm", network])
        shutil.rmtree(self.root, ignore_errors=True)

    def _containers(self, *options: str) -> str:
        label = f"label=com.docker.compose.project={self.workspace.name}"
        return run(["docker", "ps", "-aq", *options, "--filter", label])


def git(directory: Path, *words: str) -> str:
    """Run git as nobody in particular, apart from this machine's configuration. Returns what it prints."""
    who = {"NAME": "Sandbox", "EMAIL": "sandbox@localhost", "DATE": "2026-01-01T00:00:00Z"}
    identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    alone = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return run(["git", *words], cwd=directory, env={**os.environ, **identity, **alone})


def run(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end. Returns its output. Raises CalledProcessError that shows what it printed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note((done.stdout + done.stderr)[-4000:])
        raise error
    return done.stdout


def _hash() -> str:
    import bcrypt

    return bcrypt.hashpw(os.urandom(12).hex().encode(), bcrypt.gensalt(10)).decode()


def free_port() -> int:
    """A port on loopback that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
