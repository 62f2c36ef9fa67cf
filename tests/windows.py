"""What the tests of Windows and WSL share."""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
AS_WINDOWS = (sys.executable, "-X", "warn_default_encoding", "-m", "tests.as_windows")
"""Before the words of a command: see tests/as_windows.py."""
WSL = """#!/bin/sh
# Stands for wsl.exe: `-d NAME --exec PROGRAM...` runs a program in a distribution.
[ "$1" = -d ] && [ "$2" = Ubuntu ] && [ "$3" = --exec ] || { echo "unexpected: $*" >&2; exit 255; }
shift 3
exec "$@"
"""
ROOT = "22 1 0:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
DRVFS = (
    "110 60 {{device}} / /mnt/d rw,noatime - 9p D:\\134 rw,dirsync,aname=drvfs;path=D:\\;uid=1000;gid=1000;{}"
    "symlinkroot=/mnt/,cache=5,access=client,msize=65536,trans=fd,rfd=5,wfd=5\n"
)
MOUNTS = {
    "drvfs": ROOT + DRVFS.format(""),
    "metadata": ROOT + DRVFS.format("metadata;"),
    "drvfs 1": ROOT + "9 2 {device} / /mnt/d rw,noatime shared:1 - drvfs D: rw,uid=1000,gid=1000,case=off\n",
    "vfat": ROOT + "70 22 {device} / /media/stick rw,nosuid - vfat /dev/sdb1 rw,fmask=0000,dmask=0000\n",
    "ext4": ROOT.replace("0:1", "{device}"),
}
"""What /proc/self/mountinfo says where files are on a Windows drive in WSL 2 (without and with modes), in WSL 1, and
on a USB stick; `{device}` is the number of its device."""
