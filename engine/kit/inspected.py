"""What `report_path` of files.sh reports of a path, and `describe_path` of a file, and what a kind makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import Refused
from engine.model import Facts, HostPath

NAMES = {
    "file": "a file",
    "directory": "a directory",
    "link": "a symbolic link",
    "other": "neither a file nor a directory",
}


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


def is_there(path: HostPath, facts: Facts, *allowed: str) -> bool:
    """Whether something is at the path. Raises Refused where that is of no type allowed."""
    found = facts.get("type", "absent")
    if "refused" in facts:
        raise Refused(facts["refused"])
    if found == "absent" or found in allowed:
        return found != "absent"
    if found == "blocked":
        raise Refused(f"{facts['above']} is in the way of {path}: it is not a directory; it was left as it is")
    if found == "link":
        hint = "remove it, or set follow: true to manage what it leads to"
        raise Refused(f"{path} is a symbolic link; it was left as it is: {hint}")
    raise Refused(f"{path} is in the way: it is {NAMES[found]}; it was left as it is: move it away")


def check_owner(path: HostPath, facts: Facts, owner: str, abouts: Iterable[About]) -> None:
    """Raise Refused where somebody else than root owns the directory, and so writes what is to be written, and cannot
    give it to whom it is for: `owner`, or who has it now, of which `abouts` tells."""
    user, _, name = facts.get("as", "").partition(" ")
    name = user if name in ("", "UNKNOWN") else name
    strangers = [] if owner else [about.uid for about in abouts if about.uid != user]
    if not user or (owner in ("", user, name) and not strangers):
        return
    whose = f"is to belong to {owner}" if owner else f"belongs to user {strangers[0]}"
    raise Refused(
        f"{path} {whose}, and its directory to {name}, who would write it; it was left as it is: declare "
        f"owner: {name}, or give the directory to root"
    )


def waiting_place(path: HostPath, facts: Facts) -> HostPath:
    """A directory that exists, where what is sent can wait: on the file system where the thing is or will be; in the
    engine's own where others could bring something else to that path."""
    if "acts" in facts:
        return HostPath("~/.local/state/engine/staged")
    return HostPath(facts.get("above") or path.rpartition("/")[0] or "/")
