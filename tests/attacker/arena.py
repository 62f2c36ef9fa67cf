"""An engine that runs as root on this machine, beside an attacker: the forms, rounds of them, and what he gained.

Everything is below a temporary directory: `home` is the attacker's, `vault` root's, and so is `root`, the home
directory of the engine. What must not change or be read is in the vault, never a file of the machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from engine import cli
from tests.attacker.attack import FORGED, RACES, SECRET, STATIC
from tests.attacker.kinds import install
from tests.downloads import file_server

HERE = Path(__file__).parent
MALLORY = 23007
"""The attacker: a number that no user of the machine has."""
ALICE = 23008
"""Another user, who has directories that the attacker can write."""
PRIVATE = f"root{SECRET.decode()}0\n"
"""A secret that must come to where nobody but root can read it."""
SIBLING = ("sibling", "new name: sibling")
"""Traps of one who may move a directory of root's, which stands beside the form's path."""
ONLY = {
    "nothing",
    "sibling as .git",
    "own .git",
    "backup links",
    "backup into directory",
    "backup fifo",
    "forged frames",
    *SIBLING,
}
"""Traps that mean something for the forms that name them alone."""
BLOCKING = {"backup fifo", "full temporary directory"}
"""Traps that only get in the way: the engine must come to its end in spite of them."""
TREE = {"a": "new\n", "sub/b": "new b\n", "sub/deep/c": "new c\n"}
INTERPRETER = '#!/bin/sh\n{ echo "$0" >>VAULT/executed; } 2>/dev/null\nexec PYTHON "$@"\n'
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'
EVIL = 'open("VAULT/executed", "a").write("a build\\n")\nraise SystemExit("built nothing")\n'


@dataclass(frozen=True)
class Form:
    """One use of a kind, as forms.yaml has it."""

    name: str
    resource: dict[str, Any]
    path: str = "app/file"
    lay: Mapping[str, Any] = field(default_factory=dict)
    verbs: tuple[str, ...] = ("apply",)
    traps: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    alone: bool = True
    watched: bool = False
    victim: str = "root"
    ground: str = ""

    @property
    def directory(self) -> bool:
        """Whether there is a directory at the path before."""
        return any(name.startswith(f"{self.path}/") for name in self.lay)

    def meets(self, trap: str) -> bool:
        """Whether a trap means something for this form."""
        if self.only or trap in ONLY:
            return trap in (*self.only, *self.traps) or (trap in SIBLING and "sibling" in self.traps)
        if trap in BLOCKING and not self.alone:
            return False
        if trap == "links within":
            return self.directory
        beside = any(name.startswith(f"{os.path.dirname(self.path)}/") for name in self.lay)
        return trap != "hard link" or (beside and not self.directory)


@dataclass
class Count:
    """What came of some rounds: in how many something changed that only root may change, in how many something was
    read that only root may read, in how many the engine was kept from its work; and the first of each in words."""

    rounds: int = 0
    effects: int = 0
    reads: int = 0
    blocked: int = 0
    words: list[str] = field(default_factory=list)

    def add(self, effects: list[str], reads: list[str], blocked: list[str]) -> None:
        """One more round."""
        self.rounds += 1
        self.effects += bool(effects)
        self.reads += bool(reads)
        self.blocked += bool(blocked)
        self.words = self.words or effects + reads + blocked

    @property
    def numbers(self) -> list[int]:
        """Rounds, effects, reads, blocked."""
        return [self.rounds, self.effects, self.reads, self.blocked]


@cache
def forms() -> dict[str, Form]:
    """All of them, by name."""
    found = {}
    for name, words in yaml.safe_load((HERE / "forms.yaml").read_text()).items():
        kind = next(iter(words))
        resource = {kind: words.pop(kind)}
        lists = {key: tuple(words.pop(key)) for key in ("verbs", "traps", "only") if key in words}
        found[name] = Form(name, resource, **lists, **words)
    return found


class Arena:
    """One form and one trap; `attack` plays rounds."""

    def __init__(self, directory: Path, form: Form, trap: str) -> None:
        self.form, self.trap = form, trap
        self.victim = ALICE if form.victim == "alice" else 0
        self.ground = 0 if form.ground == "root" else MALLORY
        self.home, self.vault, self.root = (directory / name for name in ("home", "vault", "root"))
        self.path, self.repo, self.project = self.home / form.path, directory / "repo", directory / "project"
        self.words = {
            "SITE": f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
            "BASE": os.path.realpath(sys.executable),
            "PATH": str(self.path),
            "HOME": str(self.home),
            "VAULT": str(self.vault),
            "REPO": str(self.repo),
            "UID": str(MALLORY),
            "ALICE": str(ALICE),
            "PYTHON": sys.executable,
            "SECRET": "{{ secrets.private }}",
        }
        if "URL" in json.dumps(form.resource):
            self.words["URL"] = file_url()
            self.words["SHA256"] = hashlib.sha256(archive()).hexdigest()
        self._declare()

    def _declare(self) -> None:
        install()
        self.root.mkdir(mode=0o700)
        (self.root / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
        for name, text in {
            "inventory.yaml": "all: {hosts: {here: {ansible_connection: local}}}\n",
            "private": PRIVATE,
            "page.j2": "new\n",
            "big.bin": "new\n" * 20_000,
            **{f"tree/{name}": text for name, text in TREE.items()},
            **{f"private_tree/{name}": PRIVATE for name in TREE},
        }.items():
            put(self.project / name, text, 0o600)
        state = {"name": "t", "hosts": "all", "secrets": {"private": {"file": "private"}}}
        patience = 3 if "fifo" in self.trap else 30
        resource = {"timeout": patience, **self._filled(self.form.resource)}
        resources = {"it": resource, **({"reader": {"reader": {"restart_on": ["it"]}}} if self.form.watched else {})}
        put(self.project / "state.yaml", json.dumps({**state, "resources": resources}), 0o600)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        value = {"INTERPRETER": INTERPRETER, "BACKEND": BACKEND, "EVIL": EVIL}.get(value, value)
        return re.sub("|".join(self.words), lambda match: self.words[match[0]], value)

    # --- what is there before a round ----------------------------------------------------------------------------

    def lay(self) -> None:
        """The attacker's home and the vault, as they are at the beginning."""
        for place in (self.home, self.vault, self.repo):
            shutil.rmtree(place, ignore_errors=True)
        if "REPO" in json.dumps(self.form.resource):
            shutil.copytree(templates() / "repo", self.repo)
            give(self.repo, self.victim or MALLORY)
        self.vault.mkdir()
        put(self.vault / "file", f"vault{SECRET.decode()}\n", 0o600)
        (self.vault / "dir").mkdir()
        give(self.vault, self.victim)
        self.home.mkdir()
        os.chown(self.home, self.ground, self.ground)
        for name, what in self.form.lay.items():
            self._lay(self._filled(name), what if isinstance(what, dict) else {"text": what or ""})
        if self.trap == "hard link":
            self.path.unlink(missing_ok=True)
            os.link(self.vault / "file", self.path)

    def _lay(self, name: str, what: Mapping[str, Any]) -> None:
        """One name, in the home and in the vault."""
        top, _, below = name.partition("/")
        theirs = int(self._filled(str(what.get("owner", MALLORY))))
        for place, owner in ((self.home / name, theirs), (self.vault / "dir" / below, self.victim)):
            missing = [above for above in place.parents if not above.exists()]
            place.parent.mkdir(parents=True, exist_ok=True)
            for above in missing:
                os.chown(above, self.ground if self.home in above.parents else self.victim, -1)
            if "checkout" in what:
                shutil.copytree(templates() / str(what["checkout"]), place)
                git(
                    place, "config", "remote.origin.url", str(self.repo if self.home in place.parents else self.vault)
                )
                if "dirty" in what:
                    (place / "file").write_text(str(what["dirty"]))
            elif "link" in what:
                place.symlink_to(self._filled(what["link"]))
            elif name.endswith("/"):
                place.mkdir(exist_ok=True)
                place.chmod(int(what.get("mode", "0755"), 8))
            else:
                text = self._filled(what["text"]) if self.home in place.parents else f"vault{SECRET.decode()}\n"
                put(place, text, int(what.get("mode", "0644"), 8) if self.home in place.parents else 0o600)
            give(place, owner)
        if "group" in what:
            os.chown(self.home / name, -1, int(self._filled(str(what["group"]))))
        give(self.home / top, self.ground, deep=False)

    # --- rounds ------------------------------------------------------------------------------------------------

    def attack(self, mallory: Mallory, rounds: int) -> Count:
        """Play rounds, with the attacker beside the engine."""
        count = Count()
        places = {"home": self.home, "path": self.path, "vault": self.vault, "root": self.root}
        about = json.dumps({"trap": self.trap, **{name: str(place) for name, place in places.items()}})
        for _ in range(rounds):
            self.lay()
            before, roots = marks(self.vault), self._roots(about=False)
            assert mallory.told(about) == "ready\n", "the attacker is gone"
            effects, stuck = [], []
            try:
                for verb in self.form.verbs:
                    code, said = self.run(verb)
                    effects += [": ".join(one) for one in differences(before, marks(self.vault))]
                    effects += [FORGED] if FORGED in said else []
                    stuck += [said] if code and self.trap in BLOCKING else []
            finally:
                reads = json.loads(mallory.told("end"))
            left = self._roots(about=True)
            effects += [f"{name} is gone" for file, name in roots.items() if file not in left]
            count.add(effects, reads, stuck)
        return count

    def _roots(self, about: bool) -> dict[tuple[int, bytes], str]:
        """Files in the attacker's home that belong to root, or to the other user whom he works against, wherever they
        are by now; `about`: what the form is about, too. Another user's `keep` is no part of that."""
        found = {}
        for path in self.home.rglob("*"):
            own = self.path == path or self.path in path.parents or path.name.startswith(f"{self.path.name}.bak")
            own = own and not (self.victim and path.name == "keep")
            if (about or not own) and not path.is_dir() and path.lstat().st_uid == self.victim:
                content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                # The number alone may be another file's by now.
                found[path.lstat().st_ino, content] = path.name
        return found

    def run(self, verb: str) -> tuple[int, str]:
        """Run the real command in this process, as root with its own home directory; its exit code and what it said.
        A rollback is one of the latest run."""
        if verb == "rollback":
            latest = max(path.stem for path in (self.project / ".engine/runs").glob("*.jsonl"))
            argv = ["engine", "rollback", latest, "-y"]
        else:
            argv = [verb, "state.yaml", *(["-y"] if verb == "apply" else [])]
        command = {"apply": cli.apply_main, "plan": cli.plan_main}.get(verb, cli.main)
        said = io.StringIO()
        with (
            as_root(self.root, self.project, argv),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            try:
                command()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return code, said.getvalue()


class Mallory:
    """The attacker's process, for many rounds."""

    def __init__(self) -> None:
        command = [sys.executable, "-B", str(HERE / "attack.py"), str(MALLORY)]
        self.process = subprocess.Popen(command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told(self, line: str) -> str:
        """His answer to a line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the attacker is gone: {self.process.wait()}"
        return answer

    def close(self) -> None:
        """He goes when there is nothing more to obey."""
        self.process.communicate()


@contextlib.contextmanager
def as_root(home: Path, project: Path, argv: list[str]) -> Iterator[None]:
    """Within, this process looks like a command started in the project."""
    before, place, words = dict(os.environ), Path.cwd(), sys.argv
    for name in list(os.environ):
        if name.startswith(("ENGINE_", "GIT_")):
            del os.environ[name]
    os.environ.update({"HOME": str(home), "NO_COLOR": "1"})
    sys.argv = argv
    os.chdir(project)
    try:
        yield
    finally:
        os.chdir(place)
        sys.argv = words
        os.environ.clear()
        os.environ.update(before)


@cache
def file_url() -> str:
    """Where a server of this process gives a file, for as long as the process lasts."""
    return _SERVERS.enter_context(file_server(archive())).url


@cache
def archive() -> bytes:
    """What that server gives: a tar."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in TREE.items():
            about = tarfile.TarInfo(name)
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text.encode()))
    return data.getvalue()


_SERVERS = contextlib.ExitStack()


@contextlib.contextmanager
def arena(form: Form, trap: str, sort: type[Arena] = Arena) -> Iterator[Arena]:
    """An arena in a directory that the attacker can look into."""
    directory = Path(tempfile.mkdtemp(prefix="engine-attack-", dir="/tmp"))
    directory.chmod(0o755)
    umask = os.umask(0o022)
    try:
        yield sort(directory, form, trap)
    finally:
        os.umask(umask)
        shutil.rmtree(directory)


# --- files ---------------------------------------------------------------------------------------------------------


def put(path: Path, text: str, mode: int) -> None:
    """A file with this content and mode, and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def give(path: Path, owner: int, deep: bool = True) -> None:
    """What is at the path, and all below it, belongs to this user."""
    os.chown(path, owner, owner, follow_symlinks=False)
    # Never what a link leads to: that is this machine's.
    if deep and path.is_dir() and not path.is_symlink():
        for inner in path.rglob("*"):
            os.chown(inner, owner, owner, follow_symlinks=False)


def marks(directory: Path) -> dict[str, tuple[str, str, str]]:
    """All there is below a directory: mode, owner and content, by name. What only links or looking change is not
    in it."""
    found = {}
    for path in [directory, *sorted(directory.rglob("*"))]:
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        else:
            content = ascii(path.read_bytes()) if stat.S_ISREG(info.st_mode) else ""
        name = str(path.relative_to(directory))
        found[name] = (f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}", content)
    return found


def differences(
    before: Mapping[str, tuple[str, str, str]], after: Mapping[str, tuple[str, str, str]]
) -> Iterator[tuple[str, str]]:
    """Names under which something changed, and how: in its mode or owner, or else in its content."""
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield name, "appeared" if now else "disappeared"
        elif was != now:
            first = next(n for n in range(3) if was[n] != now[n])
            yield name, f"{was[first][:80]} → {now[first][:80]}"


def git(directory: Path, *words: str) -> str:
    """Run git, with nobody's settings; what it prints."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "safe.directory=*"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", *who, "-C", str(directory), *words]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()


def serve(directory: Path) -> str:
    """Serve a directory on this machine for as long as this process lives; its URL."""
    handler = partial(Quiet, directory=str(directory))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Quiet(SimpleHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word."""


@cache
def templates() -> Path:
    """A repository with the tags `older` and `newer`, which has a submodule that is fetched by HTTP, and a checkout
    of `older`: made once, and copied."""
    directory = Path(_TEMPLATES.name)
    work = directory / "older"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    for tag in ("older", "newer"):
        put(work / "file", f"{tag}\n", 0o644)
        put(work / "sub/b", f"{tag}\n", 0o644)
        git(work, "add", "-A")
        if tag == "newer":
            git(directory, "clone", "-q", "--bare", str(work), str(directory / "module.git"))
            git(directory / "module.git", "update-server-info")
            served = serve(directory)
            put(work / ".gitmodules", f'[submodule "m"]\n\tpath = m\n\turl = {served}/module.git\n', 0o644)
            git(work, "add", ".gitmodules")
            git(work, "update-index", "--add", "--cacheinfo", f"160000,{git(work, 'rev-parse', 'older')},m")
        git(work, "commit", "-q", "-m", tag)
        git(work, "tag", tag)
    git(directory, "clone", "-q", "--bare", str(work), str(directory / "repo"))
    git(work, "remote", "add", "origin", str(directory / "repo"))
    git(work, "fetch", "-q", "origin")
    git(work, "checkout", "-q", "--detach", "older")
    return directory


_TEMPLATES = tempfile.TemporaryDirectory(prefix="engine-attack-git-")
TRAPS = (*STATIC, *RACES)
