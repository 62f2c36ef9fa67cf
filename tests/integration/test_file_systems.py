"""Homes on file systems that lack what the engine counts on: owners, modes, links, or a root who may do everything.

They are real, and mounted in user space, since few kernels have all of them: exFAT and NTFS as removable disks and
Windows have them; bindfs, where whatever root makes belongs to nobody and can be given to nobody, as on NFS with
root_squash. What is not safe must be refused with the name of the file system, and nothing may be left.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.kinds.file_sync import FileSync
from engine.kinds.git_clone import GitClone
from engine.model import HostPath, Secret
from tests.attacker.arena import git, put
from tests.harness import Failed, apply, converge, observe

USER = 23007
NEEDED = ("mkfs.exfat", "mount.exfat-fuse", "mkfs.ntfs", "ntfs-3g", "bindfs", "losetup", "setpriv")
missing = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount"),
    pytest.mark.skipif(bool(missing), reason=f"missing: {', '.join(missing)} (scripts/setup tests)"),
    pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="this kernel has no FUSE"),
]


def ran(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot be mounted here: {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def mounted(options: str, make: str = "mkfs.exfat", mount: str = "mount.exfat-fuse") -> Iterator[Path]:
    """A fresh file system in a file of its own."""
    with tempfile.TemporaryDirectory(prefix="engine-fs-") as made:
        Path(made).chmod(0o755)
        image, place = Path(made) / "image", Path(made) / "place"
        image.touch()
        os.truncate(image, 16 << 20)
        place.mkdir()
        device = ran("losetup", "-f", "--show", image)
        try:
            ran(make, *(["-F", "-Q"] if "ntfs" in make else []), device)
            ran(mount, "-o", f"allow_other,{options}", device, place)
            try:
                yield place
            finally:
                subprocess.run(["umount", str(place)], check=True)
        finally:
            subprocess.run(["losetup", "-d", device], check=True)


@contextmanager
def squashed() -> Iterator[Path]:
    """Everybody may write there; what root makes belongs to nobody."""
    with tempfile.TemporaryDirectory(prefix="engine-fs-") as made:
        Path(made).chmod(0o755)
        behind, place = Path(made) / "behind", Path(made) / "place"
        behind.mkdir()
        place.mkdir()
        ran("bindfs", "--create-for-user=nobody", "--create-for-group=nogroup", "--chown-deny", behind, place)
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True)


def file(path: Path, **params: object) -> FileSync:
    return FileSync(path=HostPath(str(path)), **{"content": "new\n", **params})


def test_a_users_disk() -> None:
    """All of it belongs to the user who mounted it: done as that user."""
    with mounted(f"uid={USER},gid={USER},umask=022") as place:
        converge(file(place / "file"))
        converge(file(place / "file", content="newer\n", backup=1))
        converge(file(place / "sub/line", content=None, first_line="one", parents=True))
        converge(FileSync(path=HostPath(str(place / "directory")), state="directory"))
        assert (place / "file").read_text() == "newer\n"
        assert (place / "file.bak").read_text() == "new\n"
        converge(file(place / "file", content=None, state="absent"))
        with pytest.raises(Refused, match=f"declare owner: {USER}"):
            list(file(place / "x", owner="root").actions(observe(file(place / "x", owner="root")).change))
        assert sorted(os.listdir(place)) == ["directory", "file.bak", "sub"]


@pytest.mark.parametrize("owner", [USER, 0])
def test_what_others_may_not_read(owner: int) -> None:
    """There are no modes: a secret would be everybody's."""
    for make, mount in (("mkfs.exfat", "mount.exfat-fuse"), ("mkfs.ntfs", "ntfs-3g")):
        with mounted(f"uid={owner},gid={owner},umask=022", make, mount) as place:
            for secret in ({"mode": "0600"}, {"content": Secret("canary")}):
                with pytest.raises(Failed, match=r"kept from others: its file system has no modes.*\(\w+\)"):
                    apply(file(place / "file", **secret))
            assert os.listdir(place) == []


def test_roots_disk() -> None:
    """What cannot be given away is not put there first."""
    with mounted("uid=0,gid=0,umask=022") as place:
        converge(file(place / "file"))
        with pytest.raises(Failed, match=rf"cannot be given to {USER}.*\(\w+\)"):
            apply(file(place / "other", owner=str(USER)))
        with pytest.raises(Failed, match=rf"cannot be given to {USER}.*\(\w+\)"):
            apply(FileSync(path=HostPath(str(place / "new")), state="directory", owner=str(USER)))
        assert os.listdir(place) == ["file"]


def test_everybodys_disk() -> None:
    """Where everybody can write, and no directory can be closed, nothing can be made safely."""
    with mounted("uid=0,gid=0,umask=000") as place:
        for resource in (file(place / "file"), file(place / "sub/file", parents=True)):
            with pytest.raises(Failed, match=r"others can write it \(\w+\)"):
                apply(resource)
        assert os.listdir(place) == []


def test_a_checkout_on_a_users_disk() -> None:
    with tempfile.TemporaryDirectory(prefix="engine-fs-") as made, mounted(f"uid={USER},gid={USER}") as place:
        Path(made).chmod(0o755)
        put(Path(made) / "file", "x\n", 0o644)
        for words in (("init", "-q", "-b", "main"), ("add", "file"), ("commit", "-q", "-m", "x")):
            git(Path(made), *words)
        for path in [Path(made), *Path(made).rglob("*")]:
            os.chown(path, USER, USER)
        node = GitClone(repo=made, path=HostPath(str(place / "it")), revision="main")
        converge(node)
        assert (place / "it/file").read_text() == "x\n"
        converge(node.replace(state="absent"))
        assert os.listdir(place) == []


def test_where_root_is_nobody() -> None:
    """As on NFS with root_squash: in a directory of a user's it is done as that user; in others' it is refused."""
    with squashed() as place:
        (place / "theirs").mkdir()
        (place.parent / "behind/shared").mkdir()
        (place.parent / "behind/shared").chmod(0o777)
        os.chown(place.parent / "behind/theirs", USER, USER)
        place.parent.joinpath("behind/roots").mkdir(mode=0o755)
        for name in ("roots", "shared"):
            with pytest.raises(Failed, match=r"\(\w+\)"):
                apply(file(place / name / "file", mode="0600"))
            assert os.listdir(place / name) == []


def test_where_owners_can_be_given() -> None:
    """A file system in user space may well have owners."""
    with tempfile.TemporaryDirectory(prefix="engine-fs-") as made:
        behind, place = Path(made) / "behind", Path(made) / "place"
        behind.mkdir()
        place.mkdir()
        ran("bindfs", behind, place)
        try:
            converge(file(place / "file", owner=str(USER), mode="0600"))
            info = (place / "file").stat()
            assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (USER, 0o600)
        finally:
            subprocess.run(["umount", str(place)], check=True)
