"""The key of a project: where it comes from, and what is derived from it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.declare.secrets.key import Key
from engine.errors import InvalidInput, PlanRefused
from engine.model import Secret

TEXT = "a key of more than sixteen characters"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    key = Key.load(tmp_path, env={})
    path = tmp_path / ".engine" / "key"
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert sorted(item.name for item in path.parent.iterdir()) == [".gitignore", "key"]
    assert len(path.read_text().strip()) == 43
    assert Key.load(tmp_path, env={}).id == key.id
    assert Key.load(tmp_path, create=False, env={}).id == key.id
    assert Key.load(tmp_path / "..", env={"ENGINE_KEY": path.read_text()}).id == key.id


def test_git_ignores_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    Key.load(tmp_path, env={})
    status = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--short", "-uall"], capture_output=True, check=True
    )
    assert status.stdout == b""


def test_the_environment_goes_first(tmp_path: Path) -> None:
    assert Key.load(tmp_path, env={"ENGINE_KEY": f" {TEXT}\n"}).id == Key(TEXT).id
    assert not (tmp_path / ".engine").exists()


@pytest.mark.parametrize(("text", "found"), [("", "is empty"), ("  \n", "is empty"), ("short", "has 5 characters")])
def test_too_short(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(InvalidInput, match=f"the key in ENGINE_KEY {found}") as caught:
        Key.load(tmp_path, env={"ENGINE_KEY": text})
    assert "token_urlsafe" in str(caught.value)
    path = tmp_path / ".engine" / "key"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(InvalidInput, match=re.escape(f"the key in {path} {found}")):
        Key.load(tmp_path, env={})


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, bits: int) -> None:
    Key.load(tmp_path, env={})
    path = tmp_path / ".engine" / "key"
    path.chmod(bits)
    with pytest.raises(InvalidInput) as caught:
        Key.load(tmp_path, env={})
    assert f"chmod 600 {path}" in str(caught.value)
    assert f"mode {bits:04o}" in str(caught.value)
    assert path.read_text().strip() not in str(caught.value)


def test_without_a_key_and_not_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="ENGINE_KEY is not set and") as caught:
        Key.load(tmp_path, create=False, env={})
    assert "copy the project's .engine/key" in str(caught.value)
    assert not (tmp_path / ".engine").exists()


def test_a_place_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / ".engine").write_text("a file in the way")
    with pytest.raises(InvalidInput, match=r"cannot be read or made: .*directory") as caught:
        Key.load(tmp_path, env={})
    assert "set ENGINE_KEY" in str(caught.value)


def test_many_at_once_agree(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.declare.secrets.key import Key\n"
        "print(Key.load(Path(sys.argv[1])).id)"
    )
    env = {name: value for name, value in os.environ.items() if name != "ENGINE_KEY"}
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=env)
        for _ in range(8)
    ]
    ids = {run.communicate()[0] for run in runs}
    assert len(ids) == 1
    assert re.fullmatch(rb"[0-9a-f]{8}\n", ids.pop())
    assert sorted(item.name for item in (tmp_path / ".engine").iterdir()) == [".gitignore", "key"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    key = Key.load(tmp_path, env={})
    assert Key.load(tmp_path, env={}).id == key.id
    assert sorted(item.name for item in (tmp_path / ".engine").iterdir()) == [".gitignore", "key"]


def test_fingerprints() -> None:
    key, other = Key(TEXT), Key(TEXT + "!")
    secret = Secret("hunter2")
    assert re.fullmatch("secret:[0-9a-f]{16}", key.fingerprint(secret))
    assert key.fingerprint(secret, 64).startswith(key.fingerprint(secret))
    assert len(key.fingerprint(secret, 64)) == len("secret:") + 64
    # One found on a host has the same fingerprint as the one declared.
    assert key.fingerprint(Secret.seen(secret.digest), 64) == key.fingerprint(secret, 64)
    assert key.fingerprint(Secret("hunter3")) != key.fingerprint(secret) != other.fingerprint(secret)
    digest = hashlib.sha256(b"hunter2").hexdigest()
    assert digest[:6] not in key.fingerprint(secret, 64)


def test_macs() -> None:
    key = Key(TEXT)
    mac = key.mac(b"data")
    assert re.fullmatch("[0-9a-f]{64}", mac)
    assert key.verify(b"data", mac)
    assert not key.verify(b"Data", mac)
    assert not key.verify(b"data", mac[:-1])
    assert not key.verify(b"data", "é")
    assert not Key(TEXT + "!").verify(b"data", mac)
    # A fingerprint is no MAC of the digest it is made from.
    secret = Secret("x")
    assert key.mac(bytes.fromhex(secret.digest)) not in key.fingerprint(secret, 64)


def test_it_does_not_show() -> None:
    key = Key(TEXT)
    assert str(key) == repr(key) == f"<key {key.id}>"
    assert not hasattr(key, "__dict__")
