"""Who else can read a file of the controller, as its mode tells, and what would close it to them."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
WITHOUT_MODES = {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3"}
"""File systems whose files have the mode that the mount gives them, on which chmod has no lasting effect."""


def others(status: os.stat_result, bits: int = 0o077) -> str:
    """Who else a file's mode lets in by any of `bits`: `its group`, `everyone on this machine`, or "" for nobody.

    A mode says nothing on Windows, nor on a Windows drive inside WSL, where Windows decides: each file of it shows
    0777, and whoever is in the distribution can be root there.
    """
    mode = stat.S_IMODE(status.st_mode) & bits
    if os.name == "nt" or not mode or _is_windows_drive(status):
        return ""
    return "everyone on this machine" if mode & 0o007 else "its group"


def remedy(path: Path, status: os.stat_result) -> str:
    """What to do to close the file to others."""
    kind = _mounted(status)[0]
    if kind in WITHOUT_MODES:
        return f"{kind} keeps no modes: move {path} to another file system, or mount this one with umask=077"
    return f"chmod 600 {shlex.quote(str(path))}"


def _is_windows_drive(status: os.stat_result) -> bool:
    """Whether a file lies on a drive that WSL mounts (DrvFs), without the option that gives its files modes."""
    kind, about = _mounted(status)
    words = about.replace(";", ",").split(",")
    return kind in ("9p", "virtiofs", "drvfs") and "drvfs" in f"{kind} {about}" and "metadata" not in words


def _mounted(status: os.stat_result) -> tuple[str, str]:
    """Type of the file system that a file is on, and its source and options; empty where that is not known."""
    if sys.platform == "win32":
        return "", ""
    try:
        device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "", ""
    for line in lines:
        mount, _, about = line.partition(" - ")
        if mount.split()[2] == device:
            kind, _, rest = about.partition(" ")
            return kind, rest.replace(" ", ",")
    return "", ""
