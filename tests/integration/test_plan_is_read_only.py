"""A plan leaves the host as it was: files, times, inodes, temporary directories, containers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from demo import image
from demo.sandbox import SERVICE, Node, Password, Sandbox, Service, git, run
from tests import docker_state
from tests.engine_images import docker
from tests.harness import snapshot
from tests.integration.main_job import TOP, Ran, command, environment, sandbox
from tests.sshd import SSHD, Sshd, may_unshare

PRIVATE = r"""
exec 3<"$1"
mount -t tmpfs none /tmp
mkdir -p "$1"
mount --no-canonicalize --bind /proc/self/fd/3 "$1"
exec 3<&-
echo there
exec sleep 1000
"""
"""Makes a /tmp in which there is nothing but the sandbox."""


class Host:
    """A sandbox whose programs have a /tmp of their own, where this machine allows it: so it is known that nobody
    else writes there. `plan` may be called again and again."""

    def __init__(self, box: Sandbox, inside: Sequence[str], tmp: Path | None) -> None:
        self.box, self.inside, self.tmp = box, inside, tmp

    def plan(self, *words: str) -> Ran:
        """A plan, with all there is the same before and after it."""
        self._key()
        before, since = self.all(), time.time()
        ran = self.run("plan", *words)
        after = self.all()
        for part, found in before.items():
            assert docker_state.differing(found, after[part]) == {}, part
        assert self.events(since) == []
        assert ran.code in (0, 1), (ran.out, ran.err)
        return ran

    def run(self, verb: str, *words: str) -> Ran:
        """A command, where the host's programs are run."""
        done = subprocess.run(
            [*self.inside, *words_of(self.box, verb, *words), "--format", "json"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=environment(self.box),
            timeout=240,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def _key(self) -> None:
        """The controller's key, which its first run makes, is no matter of the host's."""
        from engine.declare.secrets.key import Key

        Key.load(self.box.root)

    def all(self) -> dict[str, dict[str, Any]]:
        """Everything that a plan might touch."""
        own = {name: kept for name, kept in snapshot(self.box.root).items() if not name.startswith("sshd")}
        found = {"sandbox": own, "docker": self.docker()}
        if self.tmp is not None:
            found["tmp"] = {str(path): marks(path) for path in self._in_tmp()}
        return found

    def _in_tmp(self) -> Iterator[Path]:
        """The private /tmp and all in it, without the sandbox."""
        assert self.tmp is not None
        for name, _, files in os.walk(self.tmp):
            if Path(name) == self.tmp / self.box.root.relative_to("/tmp"):
                return
            yield from (Path(name), *(Path(name, file) for file in files))

    def docker(self) -> dict[str, Any]:
        """The service's containers, networks, volumes, and the image."""
        found = docker_state.project(self.box.workspace.name)
        return found | {"image": docker("image", "inspect", self.box.image)}

    def events(self, since: float) -> list[str]:
        """What has happened to containers of the project, but for looking: commands run in them, files read out."""
        label = f"label=com.docker.compose.project={self.box.workspace.name}"
        times = ["--since", f"{since:.3f}", "--until", f"{time.time():.3f}"]
        told = run(["docker", "events", *times, "--filter", label, "--format", "{{json .Action}}"])
        return [line for line in told.splitlines() if not line.startswith(('"exec_', '"archive-path"'))]


def marks(path: Path) -> tuple[int, ...]:
    """What a change of a file or directory leaves."""
    info = path.lstat()
    return info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def words_of(box: Sandbox, verb: str, *words: str) -> list[str]:
    """The command line; words that begin with another state file replace the main job's."""
    line = command(box, verb, *words)
    if words and words[0].endswith(".yaml"):
        return [line[0], words[0], *line[2 : -len(words)], *words[1:]]
    return line


@contextmanager
def private(root: Path) -> Iterator[tuple[list[str], Path | None]]:
    """What a command begins with to run where /tmp is its own, and that directory as it is seen from here."""
    hidden = any(Path(path).is_relative_to("/tmp") for path in (sys.executable, TOP))
    if os.geteuid() or not may_unshare() or not root.is_relative_to("/tmp") or hidden:
        yield [], None
        return
    holder = subprocess.Popen(
        ["unshare", "-m", "sh", "-euc", PRIVATE, "sh", str(root)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"there\n"
        yield ["nsenter", "-m", "-t", str(holder.pid)], Path(f"/proc/{holder.pid}/root/tmp")
    finally:
        holder.kill()
        holder.wait()


class Inside(Sshd):
    """A server whose programs are run by a command of ours."""

    prefix: Sequence[str] = ()

    def _with_users(self, command: list[str]) -> list[str]:
        return [*self.prefix, *super()._with_users(command)]


@contextmanager
def host(directory: Path, how: str, **start: Any) -> Iterator[Host]:
    """A sandbox at a starting point, reached locally or over SSH."""
    with ExitStack() as stack:
        box = stack.enter_context(sandbox(directory, "v2"))
        box.build(**start)
        (box.root / "home").mkdir()
        inside, tmp = stack.enter_context(private(box.root))
        if how == "ssh":
            if SSHD is None or os.geteuid():
                pytest.skip("needs OpenSSH's sshd, and root to start it")
            own = {"HOME": str(box.root / "home"), "DOCKER_CONFIG": environment(box)["DOCKER_CONFIG"]}
            settings = " ".join(f"{name}={value}" for name, value in own.items())
            sshd = Inside(box.root / "sshd", config=[f"SetEnv {settings}"])
            sshd.prefix = inside
            stack.enter_context(sshd)
            box.write_inventory(**sshd.variables())
        yield Host(box, inside, tmp)


NODES, PASSWORDS, SERVICES = get_args(Node), get_args(Password), get_args(Service)
STARTS = [(node, PASSWORDS[n % len(PASSWORDS)], SERVICES[n % len(SERVICES)]) for n, node in enumerate(NODES)]
STARTS += [(NODES[n % 3], password, SERVICES[(n + 1) % 4]) for n, password in enumerate(PASSWORDS)]
ALL = [(how, *start) for how in ("local", "ssh") for start in STARTS]
SAMPLE = {
    ("local", "dirty", "stale", "before"),
    ("ssh", "absent", "stale-user", "current"),
}


@pytest.mark.docker
@pytest.mark.parametrize(
    ("how", "node", "password", "service"),
    [
        pytest.param(*case, id="-".join(case), marks=() if case in SAMPLE else pytest.mark.full)
        for case in sorted({*ALL, *SAMPLE})
    ],
)
def test_the_main_job(how: str, node: Node, password: Password, service: Service, tmp_path: Path) -> None:
    with host(tmp_path, how, node=node, password=password, service=service) as the_host:
        the_host.plan("-vv")
        the_host.run("apply", "-y")
        the_host.plan("--skip", "comfyui")


def every_kind(box: Sandbox) -> dict[str, Any]:
    """Resources of all kinds in many forms, most of which differ from what is there."""
    here = box.root / "things"
    compose = {"project_dir": str(box.workspace), "service": SERVICE}
    clone = {"repo": str(box.repository)}
    resources: dict[str, Any] = {
        "content": {"file-sync": {"path": f"{here}/new/file", "content": "new\n", "parents": True, "mode": "0640"}},
        "big": {"file-sync": {"path": f"{here}/big", "content": "big\n" * 20000, "backup": 2}},
        "line": {"file-sync": {"path": str(box.password), "first_line": "{{ secrets.token }}"}},
        "keys": {"file-sync": {"path": f"{here}/env", "dotenv": {"TOKEN": "{{ secrets.token }}", "A": "1"}}},
        "tree": {"file-sync": {"path": f"{here}/tree", "source": "tree", "delete": True, "owner": "root"}},
        "marks": {"file-sync": {"path": f"{here}/marks", "mode": "0600", "owner": "nobody"}},
        "gone": {"file-sync": {"path": f"{here}/gone", "state": "absent", "delete": True}},
        "link": {"file-sync": {"path": f"{here}/link", "content": "x"}},
        "followed": {"file-sync": {"path": f"{here}/followed", "content": "x", "follow": True}},
        "home": {"file-sync": {"path": "~/.config/thing/settings", "content": "x", "parents": True}},
        "branch": {"git-clone": {**clone, "path": f"{here}/branch", "revision": "main", "shallow": True}},
        "newer": {"git-clone": {**clone, "path": f"{here}/checkout", "submodules": True}},
        "kept": {"git-clone": {**clone, "path": f"{here}/kept", "revision": box.commits[-1], "on_dirty": "stash"}},
        "dirty": {"git-clone": {**clone, "path": f"{here}/dirty", "revision": box.commits[-1]}},
        "removed": {"git-clone": {**clone, "path": f"{here}/removed", "state": "absent"}},
        "packages": {"pip-install": {"python": sys.executable, "packages": ["pytest", "standin-sessions>=9"]}},
        "inside": {
            "pip-install": {"container": compose, "python": image.PYTHON, "packages": ["standin-sessions>=9"]}
        },
        "service": {
            "compose-restart": {**compose, "restart_on": ["line", "tree", "newer", "inside", "marks", "keys"]}
        },
        "stopped": {"compose-restart": {**compose, "state": "stopped"}},
        "answer": {
            "http-assert": {"url": f"{box.url}/system_stats", "bearer": "{{ secrets.token }}", "json": {"a": 1}}
        },
        "from-here": {"http-assert": {"url": f"{box.url}/system_stats", "from": "controller", "status": 401}},
    }
    return {name: resource | {"needs": []} for name, resource in resources.items()}


def lay_things(box: Sandbox) -> None:
    """What `every_kind` is about, other than declared."""
    here = box.root / "things"
    (here / "tree" / "sub").mkdir(parents=True)
    (box.root / "tree" / "sub").mkdir(parents=True)
    (box.root / "tree" / "sub" / "file").write_text("new\n")
    for name in ("big", "marks", "led-to", "tree/sub/file", "tree/stranger"):
        (here / name).write_text("old\n")
    (here / "env").write_text("A=2 # why\nB=3\n")
    (here / "gone").mkdir()
    (here / "gone" / "file").touch()
    for name in ("link", "followed"):
        (here / name).symlink_to("led-to")
    for name in ("checkout", "dirty", "kept", "removed"):
        git(here, "clone", "-q", str(box.repository), name)
        git(here / name, "checkout", "-q", box.commits[0])
    for name in ("dirty", "kept"):
        (here / name / "README.md").write_text("by hand\n")
    for path in (*(here / "checkout").rglob("*.md"), *(here / "removed").rglob("*.md")):
        # git's index knows another time of it: `git status` would like to write that down.
        os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.mark.docker
@pytest.mark.parametrize("how", ["local", "ssh"])
def test_every_kind(how: str, tmp_path: Path) -> None:
    with host(tmp_path, how, node="right", password="stale", service="current") as the_host:
        box = the_host.box
        lay_things(box)
        state = box.root / "every-kind.yaml"
        state.write_text(
            yaml.safe_dump(
                {
                    "name": "every-kind",
                    "hosts": "gpu",
                    "secrets": {"token": {"file": str(box.token_file)}},
                    "resources": every_kind(box),
                }
            )
        )
        steps = the_host.plan(str(state), "-vv").steps()
        outlooks = {name: step["status"] for name, step in steps.items()}
        assert "error" not in outlooks.values(), [(step["name"], step["reason"]) for step in steps.values()]
        assert outlooks["link"] == outlooks["dirty"] == "refused"
        the_host.run("apply", str(state), "-y", "--only", "kind:file-sync", "--only", "kind:git-clone")
        the_host.plan(str(state))
