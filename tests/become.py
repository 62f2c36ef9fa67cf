"""A machine with users, sudo and doas of its own, for tests: a mount namespace in which /etc is a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sshd import SSHD, Sshd, may_unshare

needs_become = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0 or not (shutil.which("sudo") and shutil.which("doas")) or not may_unshare(),
    reason="needs sshd, sudo and doas, and root with mount namespaces",
)

CAROL, DAVE = "carol", "dave"
"""Who connects, and a third user. Neither exists outside of the tests."""
PASSWORD = "correct horse 42!"
"""Carol's."""
FREE = f"{CAROL} ALL=(ALL) NOPASSWD: ALL"
ASKING = f"{CAROL} ALL=(ALL) ALL"


class Machine(Sshd):
    """An SSH server in a mount namespace whose /etc has these users and these rules.

    sudoers   lines after `root ALL=(ALL) ALL`
    doas      /etc/doas.conf
    """

    user = CAROL

    def __init__(self, directory: Path, *, sudoers: str = "", doas: str = "", **more: Any) -> None:
        users = {CAROL: PASSWORD, DAVE: "dave's own"}
        self.files = {
            "sudoers": ("Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n" + sudoers + "\n", 0o440),
            "doas.conf": (doas + "\n", 0o400),
        }
        super().__init__(directory, users=users, **more)

    def rules(self, sudoers: str) -> None:
        """Other lines of sudoers, from now on."""
        self.files["sudoers"] = ("Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n" + sudoers + "\n", 0o440)
        write(self.directory / "etc/sudoers", *self.files["sudoers"])

    def _with_users(self, command: list[str]) -> list[str]:
        prefix = super()._with_users(command)[: -len(command)]
        etc = self.directory / "etc"
        shutil.rmtree(etc, ignore_errors=True)
        subprocess.run(["cp", "-a", "/etc", str(etc)], check=True)
        for name, (text, mode) in self.files.items():
            write(etc / name, text, mode)
        shutil.rmtree(etc / "sudoers.d", ignore_errors=True)
        for name in ("passwd", "shadow"):
            shutil.copyfile(self.directory / name, etc / name)
        # The lock is in a user's home, and this machine's root has other tests' programs.
        own = (etc / "passwd").read_text()
        write(etc / "passwd", re.sub(r"(?m)^(root:(?:[^:]*:){4})[^:]*", rf"\g<1>{self.home('root')}", own), 0o644)
        self.home("root").mkdir(exist_ok=True)
        # What sudo remembers of a user stays within, too.
        script = " && ".join(
            [
                'mount --bind "$0/etc" /etc',
                *(
                    f"mkdir -p {place} && mount -t tmpfs -o mode=711 none {place}"
                    for place in ("/run/sudo", "/var/lib/sudo")
                ),
                'exec "$@"',
            ]
        )
        assert prefix[:4] == ["unshare", "-m", "sh", "-c"]
        return ["unshare", "-m", "sh", "-c", script, str(self.directory), *command]

    def here(self, **variables: Any) -> dict[str, Any]:
        """Variables of a host reached without SSH: a program started as Carol, in the server's namespace."""
        assert self.process
        number = str(23000)
        prefix = ["nsenter", "-t", str(self.process.pid), "-m", "--wd=/"]
        prefix += ["setpriv", "--reuid", number, "--regid", number, "--clear-groups", "env", "-i"]
        prefix += [f"HOME={self.directory}/home_{CAROL}", f"USER={CAROL}", f"PATH={os.environ['PATH']}"]
        return {"ansible_connection": "command", "ansible_command_argv": prefix, **variables}

    def home(self, user: str) -> Path:
        return self.directory / f"home_{user}"

    def everybodys(self) -> Path:
        """A new directory in which every user may make files of their own."""
        path = self.directory.parent / "target"
        path.mkdir()
        path.chmod(0o1777)
        return path


def owner(path: Path) -> str:
    """Whose file it is."""
    return {0: "root", 23000: CAROL, 23001: DAVE}[path.stat().st_uid]


def write(path: Path, text: str, mode: int) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


@contextmanager
def machine(**more: Any) -> Iterator[Machine]:
    """A machine in a directory that its users can look into."""
    directory = Path(tempfile.mkdtemp(prefix="engine-become-", dir="/tmp"))
    directory.chmod(0o755)
    try:
        with Machine(directory / "sshd", **more) as made:
            made.directory.chmod(0o755)
            yield made
    finally:
        shutil.rmtree(directory)
