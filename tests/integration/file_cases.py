"""Generated file-sync resources, what stands at their paths before, and what an apply of them must come to.

What must come of a case is worked out here from the file system and from the parameters, apart from the engine.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = os.geteuid() == 0
TREES: list[dict[str, tuple[str, int]]] = [
    {"a": ("a\n", 0o644), "sub/b": ("b\n", 0o755), "sub/deep/c d": ("c" * 50000, 0o644)},
    {"a": ("other a\n", 0o644), "sub/x\ny": ("b\n", 0o600), "-e": ("", 0o700)},
    {},
]

Tree = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Start:
    """What stands at a path before: `what`, and what it is like."""

    what: str = "absent"
    text: str = ""
    mode: int = 0o644
    owner: int = 0
    tree: int = 0
    extra: tuple[str, ...] = ()


def standing(path: Path) -> str:
    """absent, file, directory, link, other; or blocked, where something that is no directory stands above it."""
    if path.is_symlink():
        return "link"
    if path.exists():
        return "file" if path.is_file() else "directory" if path.is_dir() else "other"
    above = next(p for p in path.parents if p.exists() or p.is_symlink())
    return "absent" if above.is_dir() else "blocked"


def write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def lay_tree(root: Path, tree: Tree) -> None:
    root.mkdir(exist_ok=True)
    for name, (text, mode) in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write(root / name, text)
        (root / name).chmod(mode)


@dataclass
class FileCase:
    """One resource; `path` is where it is, `params` what is declared beside the path."""

    path: Path
    params: dict[str, Any]
    start: Start
    below: Path | None = None
    secret: str | None = None
    kind: str = "file-sync"
    before: Any = field(default=None, compare=False)

    @property
    def target(self) -> Path:
        """What is worked on: what a link leads to, where it is followed."""
        return Path(os.path.realpath(self.path)) if self.params.get("follow") else self.path

    def spec(self) -> dict[str, Any]:
        """What stands in the state file."""
        params = dict(self.params)
        if self.secret is not None:
            params["content" if "content" in params else "first_line"] = "{{ secrets." + self.secret + " }}"
        if "source" in params:
            params["source"] = f"tree{params['source']}"
        return {"file-sync": {"path": str(self.path), **params}}

    def mine(self, path: Path) -> bool:
        """Whether a change of this resource may touch `path`."""
        own = (self.path, self.target)
        backup = any(str(path).startswith(f"{p}.bak") for p in own) and self.params.get("backup")
        made = self.params.get("parents") and path in self.target.parents
        return bool(backup) or bool(made) or any(path == p or p in path.parents for p in own)

    # --- the start ---------------------------------------------------------------------------------------------

    def lay(self) -> None:
        """Make the start, as far as what is above allows it."""
        if not self.path.parent.is_dir() or os.path.lexists(self.path):
            return
        start, path = self.start, self.path
        if start.what in ("file", "link"):
            file = path if start.what == "file" else path.with_name(f"{path.name}.led-to")
            write(file, start.text)
            file.chmod(start.mode)
            if ROOT:
                os.chown(file, start.owner, start.owner)
            if file is not path:
                path.symlink_to(file.name)
        elif start.what == "dangling":
            path.symlink_to(f"{path.name}.led-to")
        elif start.what == "other":
            os.mkfifo(path)
        elif start.what == "directory":
            path.mkdir(start.mode | 0o700)
        elif start.what == "tree":
            self._lay_tree()

    def _lay_tree(self) -> None:
        lay_tree(self.path, TREES[self.start.tree])
        for name in self.start.extra:
            item = self.path / name.removesuffix("@").removesuffix("/")
            item.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("@"):
                self.path.with_name(f"{self.path.name}.led-to").mkdir(exist_ok=True)
                if not os.path.lexists(item):
                    item.symlink_to(f"../{self.path.name}.led-to")
            elif name.endswith("/"):
                if not os.path.lexists(item):
                    item.mkdir()
            elif not os.path.lexists(item):
                write(item, "a stranger\n")

    # --- what must come of it ----------------------------------------------------------------------------------

    def foresee(self) -> str:
        """converged, change, refused; doomed: it cannot succeed unless something before it makes its directory."""
        self.before = self._look()
        target, params = self.target, self.params
        found = standing(target)
        if params.get("state") == "absent":
            filled = found == "directory" and any(target.iterdir())
            if found in ("absent", "blocked"):
                return "converged"
            return "refused" if filled and not params.get("delete") else "change"
        wanted = {"directory"} if self._directory else {"file", "directory"} if self.marks_only else {"file"}
        if found == "absent":
            lacking = self.marks_only or not (target.parent.is_dir() or params.get("parents"))
            return "doomed" if lacking else "change"
        if found not in wanted or self._obstructed():
            return "refused"
        return "converged" if self._holds() else "change"

    @property
    def _directory(self) -> bool:
        return "source" in self.params or self.params.get("state") == "directory"

    @property
    def marks_only(self) -> bool:
        return not self._directory and not {"content", "first_line", "dotenv"} & set(self.params)

    def _obstructed(self) -> bool:
        if "dotenv" in self.params:
            return "never closed" in self.target.read_text()
        if "source" not in self.params:
            return False
        for name in self._sent():
            item = self.target / name
            above = [p for p in item.parents if p != self.target and self.target in p.parents]
            if os.path.lexists(item) and standing(item) != "file":
                return True
            if any(os.path.lexists(p) and standing(p) != "directory" for p in above):
                return True
        return False

    def holds(self, others: Iterable[Path] = ()) -> None:
        """After a successful apply: it is as declared, and what is not declared is as it was."""
        if self.params.get("state") == "absent":
            assert standing(self.path) in ("absent", "blocked")
            return
        assert self._holds(), f"{self.path} is not as declared: {self._look()}"
        self._kept()

    def _kept(self) -> None:
        before, now = self.before, self._look()
        if before is None or self._directory:
            return
        for name, place in (("mode", 1), ("owner", 2)):
            assert name in self.params or before[place] == now[place], f"{name} of {self.path} changed"
        if "first_line" in self.params:
            first, _, rest = before[0].partition(b"\n")
            value = self.params["first_line"].encode()
            if not first and rest.partition(b"\n")[0] == value:
                # What a blank line had pushed down is line 1 again.
                rest = rest.partition(b"\n")[2]
            assert now[0].partition(b"\n")[2] == rest, "lines after the first changed"
        if "dotenv" in self.params:
            ours = re.compile(rb"\s*(?:export\s+)?(%s)\s*=" % "|".join(self.params["dotenv"]).encode())
            left = [[x.rstrip(b"\n") for x in c[0].splitlines(True) if not ours.match(x)] for c in (before, now)]
            assert left[0] == left[1], "other lines changed"

    def _look(self) -> Any:
        if standing(self.target) not in ("file", "directory"):
            return None
        info = self.target.stat()
        text = self.target.read_bytes() if self.target.is_file() else b""
        return text, stat.S_IMODE(info.st_mode), info.st_uid

    def _holds(self) -> bool:
        target, params = self.target, self.params
        if not target.exists():
            return False
        if "source" in params:
            return self._tree_holds()
        info = target.stat()
        if "mode" in params and stat.S_IMODE(info.st_mode) != int(params["mode"], 8):
            return False
        if "owner" in params and info.st_uid != {"root": 0}.get(params["owner"], 65534):
            return False
        if self._directory:
            return target.is_dir()
        if self.marks_only:
            return True
        data = target.read_bytes()
        if "content" in params:
            return bool(data == params["content"].encode())
        if "first_line" in params:
            return bool(data.split(b"\n", 1)[0] == params["first_line"].encode())
        return all(self._key(data, key, value) for key, value in params["dotenv"].items())

    @staticmethod
    def _key(data: bytes, key: str, value: str) -> bool:
        """Whether a reader of the `.env` file gets this value: the last entry counts."""
        found = re.findall(rb"(?m)^\s*(?:export\s+)?%s\s*=\s*(.*?)\s*$" % key.encode(), data)
        if not found:
            return False
        last = re.sub(r"\s#.*", "", found[-1].decode())
        return last in (value, f"'{value}'") or (last == f'"{value}"' and "$" not in value)

    # --- trees -------------------------------------------------------------------------------------------------

    def _sent(self) -> Tree:
        tree = TREES[self.params["source"]]
        return {name: file for name, file in tree.items() if not self._excluded(name)}

    def _excluded(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(p, x) for x in self.params.get("exclude", ()) for p in name.split("/"))

    def _tree_holds(self) -> bool:
        sent = self._sent()
        for name, (text, mode) in sent.items():
            item = self.target / name
            if standing(item) != "file" or item.read_bytes() != text.encode():
                return False
            now = stat.S_IMODE(item.stat().st_mode)
            declared = self.params.get("mode")
            if now != int(declared, 8) if declared else bool(now & 0o100) != bool(mode & 0o100):
                return False
        if not self.params.get("delete"):
            return True
        wanted = {*sent, *(str(above) for name in sent for above in Path(name).parents)}
        there = {str(p.relative_to(self.target)): p for p in self.target.rglob("*")}
        kept = {name for name in there if self._excluded(name)}
        holding = {str(above) for name in kept for above in Path(name).parents}
        return not set(there) - wanted - kept - holding
