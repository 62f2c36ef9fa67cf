"""Generated git-clone resources, what stands at their paths before, and what an apply of them must come to.

What must come of a case is worked out here with git and the file system, apart from the engine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.sandbox import git
from tests.integration.file_cases import standing

CHECKOUTS = ["old", "newest", "branch", "dirty", "staged", "untracked", "local commit", "kept branch", "unfinished"]


class Repositories:
    """The repository that is cloned, another one, and a checkout for each start, made once and copied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.origin, self.other = root / "origin.git", root / "other.git"
        self.commits: dict[str, str] = {}
        root.mkdir()
        work = root / "work"
        git(root, "init", "-q", "-b", "main", "work")
        for number in range(4):
            (work / "file").write_text(f"{number}\n")
            (work / "sub").mkdir(exist_ok=True)
            (work / "sub" / f"f{number}").write_text("x" * number)
            (work / ".gitignore").write_text("ignored\n")
            git(work, "add", "-A")
            git(work, "commit", "-q", "-m", f"commit {number}")
            if number == 0:
                git(work, "tag", "-a", "v1", "-m", "annotated")
                git(work, "branch", "next")
            if number == 1:
                git(work, "tag", "light")
                self.commits["old"] = git(work, "rev-parse", "HEAD").strip()
        git(work, "checkout", "-q", "next")
        (work / "file").write_text("next\n")
        git(work, "commit", "-q", "-a", "-m", "on another branch")
        git(work, "checkout", "-q", "main")
        for bare in (self.origin, self.other):
            git(root, "clone", "-q", "--bare", str(work), bare.name)
        for name in ("main", "next", "light", "HEAD"):
            self.commits[name] = git(work, "rev-parse", name).strip()
        self.commits["v1"] = git(work, "rev-parse", "v1^{commit}").strip()
        self.commits["newest"] = self.commits["main"]
        for start in ("no index", "broken", "other remote", "stashed", *CHECKOUTS):
            self._template(start)

    def revision(self, name: str) -> str:
        """As it is declared."""
        if name.startswith("short "):
            return self.commits[name.removeprefix("short ")][:8]
        return self.commits[name] if name in ("old", "newest") else name

    def lay(self, start: str, path: Path) -> None:
        """Make a start at `path`."""
        if start == "empty":
            path.mkdir()
        elif start == "plain":
            path.mkdir()
            (path / "file").write_text("0\n")
        elif start == "file":
            path.write_text("a file\n")
        elif start == "half":
            git(path.parent, "init", "-q", "-b", "main", "--", f"./{path.name}")
            git(path, "remote", "add", "origin", str(self.origin))
            (path / ".git/objects/pack/tmp_pack_a1B2c3").write_bytes(b"PACK\0\0")
        elif start != "absent":
            shutil.copytree(self.root / "starts" / start, path, symlinks=True)

    def _template(self, start: str) -> None:
        path = self.root / "starts" / start
        path.parent.mkdir(exist_ok=True)
        git(path.parent, "clone", "-q", str(self.other if start == "other remote" else self.origin), start)
        if start not in ("branch", "newest"):
            git(path, "checkout", "-q", self.commits["old"])
        elif start == "newest":
            git(path, "checkout", "-q", self.commits["newest"])
        if start in ("dirty", "staged", "stashed"):
            (path / "file").write_text("by hand\n")
        if start == "staged":
            git(path, "add", "file")
        if start == "stashed":
            git(path, "stash", "-q")
        if start in ("untracked", "dirty"):
            (path / "notes").write_text("mine\n")
            (path / "ignored").write_text("mine, too\n")
        if start in ("local commit", "kept branch"):
            if start == "kept branch":
                git(path, "checkout", "-q", "-b", "mine")
            (path / "file").write_text("by hand\n")
            git(path, "commit", "-q", "-a", "-m", "by hand")
        if start == "no index":
            (path / ".git/index").unlink()
            (path / "sub/f1").unlink()
        if start == "unfinished":
            git(path, "update-ref", "refs/engine/unfinished", self.commits["newest"])
            (path / "file").write_text("3\n")
        if start == "broken":
            shutil.rmtree(path / ".git/objects")


@dataclass
class CloneCase:
    """One resource; `path` is where it is, `params` what is declared beside the path and the repository."""

    path: Path
    params: dict[str, Any]
    start: str
    repositories: Repositories
    below: Path | None = None
    secret: None = None
    kind: str = "git-clone"
    before: dict[str, bytes] = field(default_factory=dict, compare=False)

    @property
    def wanted(self) -> str:
        """The commit."""
        return self.repositories.commits[self.params.get("revision", "HEAD").removeprefix("short ")]

    @property
    def absent(self) -> bool:
        return self.params.get("state") == "absent"

    def spec(self) -> dict[str, Any]:
        """What stands in the state file."""
        params = dict(self.params)
        if "revision" in params:
            params["revision"] = self.repositories.revision(params["revision"])
        return {"git-clone": {"repo": str(self.repositories.origin), "path": str(self.path), **params}}

    def mine(self, path: Path) -> bool:
        """Whether a change of this resource may touch `path`; directories above are made."""
        return path == self.path or self.path in path.parents or path in self.path.parents

    def lay(self) -> None:
        """Make the start, as far as what is above allows it."""
        if self.path.parent.is_dir() and not os.path.lexists(self.path):
            self.repositories.lay(self.start, self.path)
        else:
            self.start = "absent"

    # --- what must come of it ----------------------------------------------------------------------------------

    def foresee(self) -> str:
        """converged, change, refused; error: it cannot be told what is wanted."""
        self.before = self._loose()
        kind = self._kind()
        if kind in ("blocked", "file", "link", "other", "plain", "broken"):
            return "refused"
        if self.absent:
            return "converged" if kind == "absent" else self._foresee_removal(kind)
        unknown = self.params.get("revision") == "nowhere"
        if kind != "checkout":
            return "refused" if unknown else "change"
        dirty = self.start in ("dirty", "staged") and not self._cut()
        fail = self.params.get("on_dirty", "fail") == "fail"
        if dirty and fail:
            return "refused"
        if unknown:
            return "refused"
        head = git(self.path, "rev-parse", "HEAD").strip()
        if self.start in ("local commit", "kept branch") and fail:
            return "refused"
        right = head == self.wanted and self._remote() == str(self.repositories.origin)
        return "converged" if right and not dirty and not self._cut() else "change"

    def _foresee_removal(self, kind: str) -> str:
        if kind != "checkout":
            return "change"
        if self._remote() != str(self.repositories.origin):
            return "refused"
        if self._cut() or self.params.get("on_dirty") == "discard":
            return "change"
        strangers = git(self.path, "ls-files", "--others", "--exclude-standard").strip()
        lost = strangers or self.start in ("dirty", "staged", "stashed", "local commit", "kept branch")
        return "refused" if lost else "change"

    def _cut(self) -> bool:
        return self.start in ("no index", "unfinished")

    def _remote(self) -> str:
        return git(self.path, "config", "--get", "remote.origin.url").strip()

    def _kind(self) -> str:
        found = standing(self.path)
        if found != "directory":
            return found
        others = [item for item in self.path.iterdir() if item.name != ".git"]
        if not (self.path / ".git").exists():
            return "plain" if others else "empty"
        if self.start == "broken":
            return "broken"
        if self.start == "half":
            return "broken" if others else "half"
        return "checkout"

    def _loose(self) -> dict[str, bytes]:
        """Files that git does not know, which must stay."""
        if self._kind() != "checkout":
            return {}
        listed = git(self.path, "ls-files", "-z", "--others").split("\0")
        return {name: (self.path / name).read_bytes() for name in listed if name and (self.path / name).is_file()}

    def holds(self, others: Iterable[Path] = ()) -> None:
        """After a successful apply: it is as declared, and what git does not know is as it was, but for `others`,
        which are other resources'."""
        if self.absent:
            assert standing(self.path) == "absent"
            return
        assert git(self.path, "rev-parse", "HEAD").strip() == self.wanted
        assert self._remote() == str(self.repositories.origin)
        assert git(self.path, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no") == ""
        ours = {name: kept for name, kept in self.before.items() if self.path / name not in others}
        assert self.start == "no index" or ours.items() <= self._loose().items()
        if self.params.get("on_dirty") == "stash" and self.start in ("dirty", "staged"):
            assert "by hand" in git(self.path, "stash", "show", "-p")
        if self.params.get("on_dirty") == "stash" and self.start in ("local commit", "kept branch"):
            assert "by hand" in git(self.path, "log", "--branches", "--format=%s")
