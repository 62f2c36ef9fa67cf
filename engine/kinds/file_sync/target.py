"""The path of a file-sync resource: what may stand there, and whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.errors import Refused
from engine.kinds.file_sync import scripts
from engine.kit.paths import temporary
from engine.model import Action, Change, Facts, HostPath, Script, Secret, State, Unknown, Value

Variables = dict[str, str | int | bool | Secret]


class Form(Protocol):
    """One way to manage what is at a path; each method is as in `Resource`."""

    @property
    def target(self) -> Target: ...

    def probe(self) -> Script: ...
    def actual(self, facts: Facts) -> State | None: ...
    def desired(self, facts: Facts) -> State | None: ...
    def actions(self, change: Change) -> Iterator[Action]: ...
    def watched(self) -> Script: ...


@dataclass(frozen=True)
class About:
    """What `stat` said of a file: permission bits, owner and group as numbers and names."""

    mode: int
    uid: str
    gid: str
    user: str
    group: str

    @classmethod
    def parse(cls, text: str) -> About:
        """From `MODE UID GID SIZE USER/GROUP`."""
        mode, uid, gid, _size, names = text.split(" ", 4)
        user, _, group = names.partition("/")
        return cls(int(mode, 8), uid, gid, user, group)

    def owner_as(self, declared: str) -> str:
        """The owner, as a number where a number is declared, or where it has no name."""
        return self.uid if declared.isdigit() or self.user in ("UNKNOWN", "") else self.user

    def group_as(self, declared: str) -> str:
        """The group, likewise."""
        return self.gid if declared.isdigit() or self.group in ("UNKNOWN", "") else self.group


@dataclass(frozen=True)
class Target:
    """Where the thing is, and what is declared of it beside its content. Empty text: not declared."""

    path: HostPath
    mode: str = ""
    owner: str = ""
    group: str = ""
    dir_mode: str = ""
    parents: bool = False
    follow: bool = False
    backup: int = 0

    @property
    def marked(self) -> bool:
        """Whether mode, owner or group is declared."""
        return bool(self.mode or self.owner or self.group)

    def probe_vars(self) -> Variables:
        """Variables of a script that looks."""
        return {
            "path": self.path,
            "follow": self.follow,
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }

    def write_vars(self, facts: Facts, fresh: str) -> Variables:
        """Variables of a script that writes; `fresh` is the mode of a file that was not there before."""
        return {
            **self.probe_vars(),
            "planned_as": facts.get("acts", ""),
            "temp": temporary(self.path),
            "parents": self.parents,
            "dir_mode": self.dir_mode,
            "backup": self.backup,
            "fresh": fresh,
        }

    def file_vars(self, facts: Facts, fresh: str) -> Variables:
        """The same for one that writes a file, and leaves directories that are there as they are."""
        return {**self.write_vars(facts, fresh), "leaves_directories": True}

    def there(self, facts: Facts, allowed: tuple[str, ...]) -> bool:
        """Whether something is at the path. Raises Refused where that must not be touched."""
        if obstacle := facts.get("refused") or self._obstacle(facts, allowed):
            raise Refused(obstacle)
        return facts.get("type") != "absent"

    def _obstacle(self, facts: Facts, allowed: tuple[str, ...]) -> str:
        """Why what stands at the path must not be touched; empty where it may, or where nothing is there."""
        found = facts.get("type", "absent")
        if found == "absent" or found in allowed:
            return ""
        if found == "blocked":
            return f"{facts['above']} is in the way of {self.path}: it is no directory; it was left as it is"
        if found == "link":
            return (
                f"{self.path} is a symbolic link; it was left as it is: remove it, or set follow: true to manage "
                "what it leads to"
            )
        names = {"file": "a file", "directory": "a directory", "other": "neither a file nor a directory"}
        return f"{self.path} is in the way: it is {names[found]}; it was left as it is: move it away"

    def actual(self, facts: Facts) -> dict[str, Value]:
        """Mode, owner and group on the host, as far as they are declared."""
        if not facts.get("about"):
            return {}
        about = About.parse(facts["about"])
        found: dict[str, Value] = {}
        if self.mode:
            found["mode"] = f"{about.mode:04o}"
        if self.owner:
            found["owner"] = about.owner_as(self.owner)
        if self.group:
            found["group"] = about.group_as(self.group)
        return found

    def desired(self) -> dict[str, Value]:
        """Mode, owner and group as declared."""
        mode = f"{int(self.mode, 8):04o}" if self.mode else ""
        return {name: value for name, value in self.marks(mode).items() if value}

    def marks(self, mode: str) -> dict[str, str]:
        """What is declared besides the content, with this mode."""
        return {"mode": mode, "owner": self.owner, "group": self.group}

    def lacking(self, facts: Facts, name: str = "directory") -> dict[str, Value]:
        """The attribute `name` where the directory it is to be in is missing, and only something before it in the
        state can make that."""
        if "lacks" not in facts or self.parents:
            return {}
        reason = f"directory {facts['lacks']} does not exist; make it, or set parents: true"
        return {name: Unknown(reason, upstream=True)}

    def check_owner(self, facts: Facts, abouts: Iterable[About]) -> None:
        """Raise Refused where somebody else than root owns the directory, and so writes what is to be written, and
        cannot give it to whom it is for: `owner`, or who has it now, of which `abouts` tells."""
        user, _, name = facts.get("as", "").partition(" ")
        if not user:
            return
        name = user if name in ("", "UNKNOWN") else name
        if self.owner and self.owner not in (user, name):
            whose = f"is to belong to {self.owner}"
        else:
            strangers = [about.uid for about in abouts if about.uid != user]
            if self.owner or not strangers:
                return
            whose = f"belongs to user {strangers[0]}"
        raise Refused(
            f"{self.path} {whose}, and its directory to {name}, as whom it would be written; it was left as it is: "
            f"declare owner: {name}, or give the directory to root"
        )

    def mark(self, change: Change, directory: bool = False) -> Action:
        """Set mode and owner of what is there, and nothing else."""
        names = [name for name in ("mode", "owner", "group") if getattr(self, name)]
        if "crowded" in change.facts and change.facts["type"] == "directory":
            raise Refused(
                f"others can write {change.facts['crowded']}, so {self.path} could be another directory by then; it "
                "was left as it is: take that right from them"
            )
        variables = self.write_vars(change.facts, "") | {"directory": directory}
        return Action(f"set {' and '.join(names)} of {self.path}", Script(scripts.PLAIN_ACTION, variables))

    def beside(self, facts: Facts) -> HostPath:
        """A directory that exists, where what is sent can wait: on the file system where the thing is or will be; in
        the engine's own where others could bring something else to that path."""
        if "acts" in facts:
            return HostPath("~/.local/state/engine/staged")
        return HostPath(facts["above"]) if "above" in facts else HostPath(self.path.rpartition("/")[0] or "/")


def shown(digest: str) -> str:
    """A digest of content that is no secret, as an attribute's value."""
    return f"sha256:{digest[:12]}"


def text_digest(text: str) -> str:
    """SHA-256 hex of text, whose undecodable bytes are surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
