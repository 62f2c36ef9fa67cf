"""Package managers in containers, each with a repository of its own that is made here: no network is asked.

machine(manager)    a container in which `apt`, `dnf` or `pacman` is the manager of the system
Repository          what it offers; packages are added to it and taken out while the container runs
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine_images import docker
from tests.systemd import debootstrapped

IMAGE = "onetrip-packages"
PACKAGES = "busybox,dnf,rpm,pacman-package-manager"
SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: {name}
License: MIT
BuildArch: noarch
{requires}
%description
{name}
%files
"""
CONFIGURATION = {
    "apt": "rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*; "
    "echo 'deb [trusted=yes] copy:/repository ./' >/etc/apt/sources.list",
    "dnf": "rm /usr/bin/apt-get; mkdir -p /etc/yum.repos.d; printf '%s\\n' '[local]' name=local "
    "baseurl=file:///repository gpgcheck=0 >/etc/yum.repos.d/local.repo; "
    "printf '%s\\n' releasever=1 >>/etc/dnf/dnf.conf",
    "pacman": "rm /usr/bin/apt-get /usr/bin/dnf; printf '%s\\n' '[options]' Architecture=auto SigLevel=Never "
    "'[made]' 'Server=file:///repository' >/etc/pacman.conf; mkdir -p /var/lib/pacman",
}


class Repository:
    """A directory with packages of one manager. `publish` makes its index of what was added."""

    def __init__(self, manager: str, directory: Path) -> None:
        self.manager, self.directory = manager, directory
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)

    def add(self, name: str, version: str, needs: str = "", conflicts: str = "") -> None:
        """A package without files."""
        getattr(self, f"_{self.manager}")(name, version, needs, conflicts)

    def remove(self, name: str, version: str) -> None:
        """Take a package out."""
        for path in self.directory.rglob(f"{name}[-_]{version}*"):
            path.unlink()

    def publish(self) -> None:
        """Make the index."""
        if self.manager == "apt":
            done = subprocess.run(
                ["dpkg-scanpackages", "-m", "."], cwd=self.directory, capture_output=True, text=True, check=True
            )
            (self.directory / "Packages").write_text(done.stdout)
        elif self.manager == "dnf":
            subprocess.run(["createrepo_c", "-q", str(self.directory)], check=True, capture_output=True)
        else:
            self._publish_pacman()

    def _apt(self, name: str, version: str, needs: str, conflicts: str) -> None:
        fields = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "T <t@example.org>"}
        fields |= {"Depends": needs} if needs else {}
        fields |= {"Conflicts": conflicts} if conflicts else {}
        with tempfile.TemporaryDirectory() as made:
            control = Path(made) / "DEBIAN/control"
            control.parent.mkdir(mode=0o755)
            Path(made).chmod(0o755)
            text = "".join(f"{key}: {value}\n" for key, value in fields.items())
            control.write_text(f"{text}Description: {name}\n")
            path = self.directory / f"{name}_{version}_all.deb"
            subprocess.run(["dpkg-deb", "-b", made, str(path)], check=True, capture_output=True)

    def _dnf(self, name: str, version: str, needs: str, conflicts: str) -> None:
        requires = "\n".join([f"Requires: {needs}"] * bool(needs) + [f"Conflicts: {conflicts}"] * bool(conflicts))
        with tempfile.TemporaryDirectory() as made:
            spec = Path(made) / "it.spec"
            spec.write_text(SPEC.format(name=name, version=version, requires=requires))
            defined = ["--define", f"_topdir {made}", "--define", f"_rpmdir {self.directory}"]
            subprocess.run(["rpmbuild", "-bb", *defined, str(spec)], check=True, capture_output=True)

    def _pacman(self, name: str, version: str, needs: str, conflicts: str) -> None:
        fields = {"pkgname": name, "pkgver": f"{version}-1", "pkgdesc": name, "arch": "any", "size": "0"}
        fields |= {"depend": needs} if needs else {}
        fields |= {"conflict": conflicts} if conflicts else {}
        text = "".join(f"{key} = {value}\n" for key, value in fields.items())
        path = self.directory / f"{name}-{version}-1-any.pkg.tar.gz"
        _archive(path, {".PKGINFO": text})

    def _publish_pacman(self) -> None:
        entries = {}
        for path in sorted(self.directory.glob("*.pkg.tar.gz")):
            with tarfile.open(path) as archive:
                file = archive.extractfile(".PKGINFO")
                assert file is not None
                known = dict(line.split(" = ", 1) for line in file.read().decode().splitlines())
            fields = {
                "FILENAME": path.name,
                "NAME": known["pkgname"],
                "VERSION": known["pkgver"],
                "ARCH": "any",
                "CSIZE": str(path.stat().st_size),
                "ISIZE": "0",
                "SHA256SUM": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            fields |= {"DEPENDS": known["depend"]} if "depend" in known else {}
            fields |= {"CONFLICTS": known["conflict"]} if "conflict" in known else {}
            text = "".join(f"%{key}%\n{value}\n\n" for key, value in fields.items())
            entries[f"{known['pkgname']}-{known['pkgver']}/desc"] = text
        _archive(self.directory / "made.db", entries)


def _archive(path: Path, files: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o644
            archive.addfile(info, io.BytesIO(text.encode()))


class Box:
    """A container with its repository."""

    def __init__(self, name: str, repository: Repository) -> None:
        self.name, self.repository = name, repository

    def sh(self, text: str) -> str:
        """What a script in it prints."""
        return docker("exec", self.name, "sh", "-c", text)

    def installed(self) -> dict[str, str]:
        """The packages of the repository that are installed, with their versions."""
        asked = {
            "apt": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' | sed -n 's/ .i *$//p'",
            "dnf": "rpm -qa --qf '%{NAME} %{VERSION}\\n'",
            "pacman": "pacman -Q | sed 's/-1$//'",
        }[self.repository.manager]
        found = dict(line.split()[:2] for line in self.sh(asked).splitlines())
        return {name: version for name, version in found.items() if name.startswith("tool")}

    @property
    def variables(self) -> dict[str, Any]:
        """What an inventory says of it."""
        return {"ansible_connection": "docker", "ansible_host": self.name}


@contextmanager
def machine(manager: str) -> Iterator[Box]:
    """A container with tool 1.0, which needs nothing, and tool 2.0, which needs tool-library 1.0."""
    builder = {"apt": "dpkg-scanpackages", "dnf": "createrepo_c", "pacman": "tar"}[manager]
    if shutil.which(builder) is None or (manager == "dnf" and shutil.which("rpmbuild") is None):
        pytest.skip(f"{builder} is not installed")
    image = debootstrapped(IMAGE, PACKAGES)
    name = f"{IMAGE}-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="onetrip-packages-") as made:
        Path(made).chmod(0o755)
        repository = Repository(manager, Path(made) / "repository")
        repository.add("tool", "1.0")
        if manager != "pacman":
            repository.add("tool", "2.0", needs="tool-library")
            repository.add("tool-library", "1.0")
        repository.publish()
        volume = f"{repository.directory}:/repository:ro"
        docker("run", "-d", "--init", "--network", "none", "--name", name, "-v", volume, image, "sleep", "3600")
        try:
            box = Box(name, repository)
            box.sh(CONFIGURATION[manager])
            yield box
        finally:
            subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
