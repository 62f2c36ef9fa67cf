"""docs/wsl.md, block by block: the engine on Windows with distributions of WSL as hosts, and the engine inside WSL
with files of Windows: mode 0777, CRLF, a byte-order mark."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from engine import filemodes
from engine.declare.secrets.key import Key
from engine.errors import InvalidInput
from tests.integration.project import Project, own_sshd
from tests.sshd import keygen, needs_sshd, public
from tests.windows import AS_WINDOWS, MOUNTS, TOP, WSL

PAGE = TOP / "docs/wsl.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CANARY = "x7Gq-canary-2Lw9"
BOM = "\ufeff"
HASH = bcrypt.hashpw(b"pass", b"$2b$04$" + b"." * 22).decode()
IN_WSL = """\
import sys
from pathlib import Path
from engine import cli, filemodes
filemodes.MOUNTS = Path(sys.argv.pop(1))
{"engine": cli.main, "onetrip": cli.main, "plan": cli.plan_main, "apply": cli.apply_main}[sys.argv.pop(1)]()
"""


class Machine(Project):
    """One with Windows and WSL: drive D: is at `mnt/d`, where every file has mode 0777."""

    def __init__(self, directory: Path, kind: str = "drvfs") -> None:
        super().__init__(directory)
        self.drive = directory / "mnt/d"
        self.drive.mkdir(parents=True)
        self.mounts = directory / "mountinfo"
        self.mounts.write_text(MOUNTS[kind].format(device=device(directory)))
        self.write("bin/wsl.exe", WSL, 0o755)
        for verb in ("engine", "onetrip", "plan", "apply"):
            words = [sys.executable, "-c", IN_WSL, str(self.mounts), verb]
            self.write(f"wsl/{verb}", f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', 0o755)
            self.write(f"windows/{verb}", f'#!/bin/sh\nexec {shlex.join([*AS_WINDOWS, verb])} "$@"\n', 0o755)

    def on_drive(self, name: str, text: str) -> Path:
        """A file of mode 0777 on the drive."""
        path = self.drive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o777)
        return path

    def shell(self, script: str, where: str = "wsl") -> subprocess.CompletedProcess[str]:
        """Run commands of the page, by Windows or inside WSL; the first that fails ends them."""
        path = f"{self.root / where}:{self.root / 'bin'}:{os.environ['PATH']}"
        env = self.environment({"PATH": path, "PYTHONPATH": str(TOP)})
        return subprocess.run(
            ["sh", "-euc", self.placed(script)], cwd=self.root, env=env, capture_output=True, text=True, check=False
        )

    def placed(self, text: str) -> str:
        """What the page says, with the drive where it is here."""
        place = f"{self.drive}/secrets/"
        return re.sub(r"D:\\secrets\\|/mnt/d/secrets/", lambda _: place, text)

    def reads(self, secret: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A plan inside WSL that uses a secret."""
        content = {"path": str(self.home / "out"), "content": "{{ secrets.it }}"}
        self.state({"out": {"file-sync": content}}, secrets={"it": {"file": secret, **more}})
        return self.shell("plan state.yaml")


def device(path: Path) -> str:
    number = path.stat().st_dev
    return f"{os.major(number)}:{os.minor(number)}"


def section(name: str) -> Iterator[tuple[str, str]]:
    """Language and text of the blocks of a section."""
    text = PAGE.read_text().split(f"\n## {name}\n")[1].split("\n## ")[0]
    yield from BLOCK.findall(text)


def follow(machine: Machine, name: str, where: str) -> list[str]:
    """Do what a section says; what its commands print."""
    said = []
    for language, text in section(name):
        if language == "yaml":
            machine.write(text.split("\n")[0].removeprefix("# "), machine.placed(text))
            continue
        assert language == {"windows": "powershell", "wsl": "sh"}[where]
        for line in text.splitlines():
            ran = machine.shell(line, where)
            assert (ran.returncode, ran.stderr) == (0, ""), f"{line}\n{ran}"
            said.append(ran.stdout)
    assert CANARY not in "".join(said)
    return said


def test_from_windows(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.on_drive("secrets/api.token", f"{CANARY}\r\n")
    user, _, plan, apply, again = follow(machine, "From Windows", "windows")
    assert user.strip()
    assert "1 to create" in plan
    assert "Converged: 1 created" in apply
    assert "1 unchanged" in again
    assert machine.home.joinpath(".config/editor/token").read_text() == f"{CANARY}\n"


def test_inside_wsl(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    token = machine.on_drive("secrets/api.token", f"{CANARY}\r\n")
    _, plan, apply, _, again = follow(machine, "Inside WSL", "wsl")
    assert "1 to create" in plan
    assert "Converged: 1 created" in apply
    assert "1 unchanged" in again
    assert token.read_text() == f"{CANARY}\n"
    # The command of the last state takes out what the editor put there.
    machine.on_drive("secrets/api.token", f"{BOM}{CANARY}\r\n")
    assert "1 unchanged" in machine.shell("plan states/editor.yaml").stdout


def stated(words: str) -> str:
    """Words that the page promises."""
    assert words in PAGE.read_text()
    return words


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        (f"{CANARY}\n", "plain", ""),
        (f"{CANARY}\r\n", "plain", ""),
        (f"{BOM}{CANARY}\r\n", "plain", "a byte-order mark (BOM), probably added by an editor"),
        (f"{HASH}\n", "bcrypt", ""),
        (f"{HASH}\r\n", "bcrypt", "it contains a carriage return (CR)"),
        (f"{BOM}{HASH}\n", "bcrypt", "a byte-order mark (BOM), probably added by an editor"),
    ],
)
def test_a_secret_of_windows(tmp_path: Path, text: str, form: str, said: str) -> None:
    machine = Machine(tmp_path)
    secret = machine.on_drive("it", text)
    ran = machine.reads(str(secret), format=form)
    assert ran.returncode == (3 if said else 0), ran
    assert "mode" not in ran.stderr
    assert "can be read" not in ran.stderr
    assert stated(said) in ran.stderr
    assert CANARY not in ran.stdout + ran.stderr


def test_a_secret_in_utf_16(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    secret = machine.on_drive("it", "")
    secret.write_bytes(f"{CANARY}\r\n".encode("utf-16"))
    ran = machine.reads(str(secret))
    assert ran.returncode == 3
    assert stated("is UTF-16, expected UTF-8") in ran.stderr


def test_where_modes_count_a_secret_that_all_can_read_is_warned_of(tmp_path: Path) -> None:
    for kind, remedy in (("metadata", "chmod 600"), ("vfat", "vfat keeps no modes"), ("ext4", "chmod 600")):
        machine = Machine(tmp_path / kind, kind)
        secret = machine.on_drive("it", f"{CANARY}\n")
        ran = machine.reads(str(secret))
        assert ran.returncode == 0
        assert f"{secret} can be read by everyone on this machine (mode 0777); {remedy}" in ran.stderr
    stated("can be read by everyone on this machine (mode 0777); chmod 600")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_key_of_the_project_on_a_windows_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setattr(filemodes, "MOUNTS", machine.mounts)
    machine.on_drive(".engine/key", f"a key of more than sixteen characters{end}")
    assert Key.load(machine.drive, env={}).id == Key("a key of more than sixteen characters").id
    machine.on_drive(".engine/key", f"{BOM}a key of more than sixteen characters{end}")
    with pytest.raises(InvalidInput, match=re.escape(stated("a byte-order mark (BOM), probably added by an editor"))):
        Key.load(machine.drive, env={})
    with pytest.raises(InvalidInput, match="BOM"):
        Key.load(machine.drive, env={"ENGINE_KEY": f"{BOM}a key of more than sixteen characters"})


@pytest.mark.parametrize(("kind", "made"), [("drvfs", True), ("drvfs 1", True), ("vfat", False)])
def test_a_key_is_made_where_files_have_no_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, made: bool
) -> None:
    """Every file there is open to all, and links do not exist."""
    machine = Machine(tmp_path, kind)
    opened = os.open

    def wide_open(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(path, flags, mode)
        os.fchmod(descriptor, 0o777)
        return descriptor

    def link(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(filemodes, "MOUNTS", machine.mounts)
    monkeypatch.setattr(os, "open", wide_open)
    monkeypatch.setattr(os, "link", link)
    if made:
        assert Key.load(machine.drive, env={}).id == Key.load(machine.drive, env={}).id
        return
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            Key.load(machine.drive, env={})
        key = machine.drive / ".engine/key"
        assert f"the key {key} can be read by others (mode 0777)" in str(caught.value)
        assert f"{stated('vfat keeps no modes')}: move {key} to another file system" in str(caught.value)
        assert "ENGINE_KEY" in str(caught.value)
        assert [path.name for path in key.parent.iterdir()] == [".gitignore"], "no key is left where all can read it"


@needs_sshd
@pytest.mark.parametrize("kind", ["drvfs", "metadata", "vfat"])
def test_private_keys_of_windows(tmp_path: Path, kind: str) -> None:
    machine = Machine(tmp_path, kind)
    with own_sshd(tmp_path) as sshd:
        plain = keygen(tmp_path / "plain")
        sshd.directory.joinpath("authorized_keys").write_text(public(plain) + "\n")
        sshd.client_config.write_text(f"Host *\n  UserKnownHostsFile {sshd.known_hosts}\n  IdentityAgent none\n")
        for text in ("{}", BOM + "{}"):
            key = machine.on_drive("key", text.format(plain.read_text().replace("\n", "\r\n")))
            host = {**sshd.variables(), "ansible_ssh_private_key_file": str(key)}
            # The inventory and the state are of Windows, too.
            machine.inventory({"here": host})
            machine.state({})
            for name in ("inventory.yaml", "state.yaml"):
                machine.write(name, BOM + machine.root.joinpath(name).read_text().replace(", ", ",\r\n"))
            ran = machine.shell("plan state.yaml -i inventory.yaml")
            if kind == "drvfs":
                assert ran.returncode == 0, ran
                continue
            assert ran.returncode == 4, ran
            remedy = stated("vfat keeps no modes") if kind == "vfat" else f"chmod 600 {key}"
            assert f"{key}: others may read it (mode 0777); {remedy}" in ran.stdout + ran.stderr
