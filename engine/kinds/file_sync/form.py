"""What all ways to manage something at a path have in common: what may be there, and whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from engine.errors import Refused
from engine.kinds.file_sync.parameters import Parameters
from engine.kit.paths import managed, temporary
from engine.kit.shell import texts
from engine.model import Facts, HostPath, Secret, Unknown, Value

Variables = dict[str, str | int | bool | Secret]
NAMES = {
    "file": "a file",
    "directory": "a directory",
    "link": "a symbolic link",
    "other": "neither a file nor a directory",
}
sh = texts(__file__)


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

    def owners(self, owner: str, group: str) -> tuple[str, str]:
        """Owner and group, each as a number where one is declared, or where it has no name."""
        return (
            self.uid if owner.isdigit() or self.user in ("UNKNOWN", "") else self.user,
            self.gid if group.isdigit() or self.group in ("UNKNOWN", "") else self.group,
        )


@dataclass(frozen=True)
class Form:
    """One way to manage what is at the path of `params`."""

    params: Parameters

    @cached_property
    def path(self) -> HostPath:
        """In its plain form."""
        return managed(self.params.path)

    def probe_vars(self) -> Variables:
        """Variables of a script that looks."""
        params = self.params
        follow = params.follow and params.state != "absent"
        marks = {"mode": params.mode, "owner": params.owner, "group": params.group}
        return {"path": self.path, "follow": follow, **marks}

    def write_vars(self, facts: Facts, fresh: str = "") -> Variables:
        """Variables of a script that writes; `fresh` is the mode of a file that was not there before. Only one that
        writes a file leaves directories that are there as they are."""
        return {
            **self.probe_vars(),
            "planned_as": facts.get("acts", ""),
            "temp": temporary(self.path),
            "parents": self.params.parents,
            "dir_mode": self.params.dir_mode,
            "backup": int(self.params.backup),
            "fresh": fresh,
            **({"leaves_directories": True} if fresh else {}),
        }

    def there(self, facts: Facts, *allowed: str) -> bool:
        """Whether something is at the path. Raises Refused where that is of no type allowed."""
        found = facts.get("type", "absent")
        if "refused" in facts:
            raise Refused(facts["refused"])
        if found == "absent" or found in allowed:
            return found != "absent"
        if found == "blocked":
            raise Refused(f"{facts['above']} is in the way of {self.path}: it is no directory; it was left as it is")
        if found == "link":
            raise Refused(
                f"{self.path} is a symbolic link; it was left as it is: remove it, or set follow: true to manage "
                "what it leads to"
            )
        raise Refused(f"{self.path} is in the way: it is {NAMES[found]}; it was left as it is: move it away")

    def marks(self, mode: str) -> dict[str, str]:
        """Mode, owner and group, as far as they are declared, with this mode."""
        marks = {"mode": mode, "owner": self.params.owner, "group": self.params.group}
        return {name: value for name, value in marks.items() if value}

    def lacking(self, facts: Facts, name: str = "directory") -> dict[str, Value]:
        """The attribute `name` where the directory it is to be in is missing, and only something before it in the
        state can make that."""
        if "lacks" not in facts or self.params.parents:
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
        owner = self.params.owner
        strangers = [] if owner else [about.uid for about in abouts if about.uid != user]
        if owner in ("", user, name) and not strangers:
            return
        whose = f"is to belong to {owner}" if owner else f"belongs to user {strangers[0]}"
        raise Refused(
            f"{self.path} {whose}, and its directory to {name}, as whom it would be written; it was left as it is: "
            f"declare owner: {name}, or give the directory to root"
        )

    def beside(self, facts: Facts) -> HostPath:
        """A directory that exists, where what is sent can wait: on the file system where the thing is or will be; in
        the engine's own where others could bring something else to that path."""
        if "acts" in facts:
            return HostPath("~/.local/state/engine/staged")
        return HostPath(facts.get("above") or self.path.rpartition("/")[0] or "/")


def shown(digest: str) -> str:
    """A digest of content that is no secret, as an attribute's value."""
    return f"sha256:{digest[:12]}"


def text_digest(text: str) -> str:
    """SHA-256 hex of text, whose undecodable bytes are surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
