"""Secrets from their sources, checked, and never shown."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import jsonschema
import pytest

from engine.declare.secrets import bcrypt_format
from engine.declare.secrets.key import Key
from engine.declare.secrets.resolve import SECRET_SCHEMA, NewHash, resolve
from engine.errors import InvalidInput, Position
from engine.kit import duration
from engine.model import Secret

CANARY = "cän$ary'q\"b\\s %{br}"
SALT = b"$2b$10$nJ7GZWmkuQTs3vYFi0KbHe"  # the same in every run: hashes are part of the names of tests
HASH = bcrypt.hashpw(CANARY.encode(), SALT).decode()
WHERE = Position("states/qwen.yaml", 12, 16)


class Case:
    """One project: resolves secrets in it, collects the warnings."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.warnings: list[str] = []
        self.others: dict[str, Secret] = {"password": Secret(CANARY, "password")}
        self.key = "the key of every worker"
        self.new: dict[Path, NewHash] = {}

    def write(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def resolve(self, spec: dict[str, Any], **options: Any) -> Secret:
        jsonschema.validate(spec, SECRET_SCHEMA)
        secret = resolve(
            "token",
            spec,
            project=self.project,
            where=WHERE,
            other=self.others.__getitem__,
            key=lambda: Key(self.key),
            new=self.new,
            warn=self.warnings.append,
            **options,
        )
        assert CANARY not in "".join(self.warnings)
        assert HASH not in "".join(self.warnings)
        return secret

    def value(self, spec: dict[str, Any], **options: Any) -> str:
        return self.resolve(spec, **options).reveal()

    def error(self, spec: dict[str, Any], **options: Any) -> str:
        with pytest.raises(InvalidInput) as caught:
            self.resolve(spec, **options)
        error: BaseException | None = caught.value
        while error is not None:
            for secret in (CANARY, CANARY.encode("unicode_escape").decode(), HASH, HASH[7:]):
                assert secret not in str(error)
            assert error.__suppress_context__ or error.__context__ is None
            error = error.__cause__
        text = str(caught.value)
        assert text.startswith("states/qwen.yaml:12:16: secret token ")
        return text


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (CANARY, CANARY),
        (CANARY + "\n", CANARY),
        (CANARY + "\n\n", CANARY + "\n"),
        (CANARY + "\r\n", CANARY),
        (f" {CANARY} \n", f" {CANARY} "),
        ("two\nlines\n", "two\nlines"),
        (CANARY + "\r", CANARY + "\r"),
    ],
)
def test_a_file(case: Case, content: str, value: str) -> None:
    case.write(".secrets/api token", content)
    secret = case.resolve({"file": ".secrets/api token"})
    assert secret.reveal() == value
    assert secret.name == "token"
    assert case.warnings == []


def test_paths(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    path = case.write("home/x", "value")
    monkeypatch.setenv("HOME", str(case.project / "home"))
    assert case.value({"file": "~/x"}) == "value"
    assert case.value({"file": str(path)}) == "value"
    assert case.value({"file": "home/../home/x"}) == "value"
    assert "unknown home directory: ~nobody-of-that-name/x" in case.error({"file": "~nobody-of-that-name/x"})


def test_a_file_that_is_not_there(case: Case) -> None:
    case.write(".secrets/qwen-api-user.token", CANARY)
    path = case.project / ".secrets" / "qwen-api-usr.token"
    assert case.error({"file": ".secrets/qwen-api-usr.token"}).splitlines() == [
        f"states/qwen.yaml:12:16: secret token cannot be read: {path} does not exist",
        "  did you mean qwen-api-user.token?",
    ]
    assert f"{case.project / '.secret'} does not exist" in case.error({"file": ".secret/deeper/x"})


def test_files_that_cannot_be_read(case: Case) -> None:
    (case.project / "directory").mkdir()
    assert "names a directory, expected a file" in case.error({"file": "directory"})
    case.write("utf-16", CANARY.encode("utf-16"))
    assert "is UTF-16, expected UTF-8; PowerShell's `>`" in case.error({"file": "utf-16"})
    case.write("latin", CANARY.encode("latin-1"))
    assert "is not UTF-8: byte 2 of 19 is wrong" in case.error({"file": "latin"})
    case.write("nul", b"a\0b")
    assert "contains a NUL byte" in case.error({"file": "nul"})
    case.write("large", b"x" * 70_000)
    assert "it is larger than 64 KiB" in case.error({"file": "large"})
    assert "it is larger than 64 KiB" in case.error({"file": "/dev/zero"})
    case.write("BOM", "\ufeff" + CANARY)
    assert "byte-order mark (BOM)" in case.error({"file": "BOM"})
    (case.project / "loop").symlink_to("loop")
    assert f"cannot be read from {case.project / 'loop'}: Too many levels" in case.error({"file": "loop"})
    case.write("file", "x")
    assert "Not a directory" in case.error({"file": "file/below"})


def test_a_file_without_permission(case: Case) -> None:
    path = case.write("closed", CANARY, 0o000)
    case.project.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from engine.declare.secrets.resolve import resolve\n"
        "os.setuid(65534)\n"
        "try: resolve('token', {'file': sys.argv[1]}, project=Path('/'), where=None, other=None, key=None, new={})\n"
        "except Exception as error: print(error)"
    )
    if os.getuid() != 0:
        assert "Permission denied" in case.error({"file": "closed"})
        return
    for parent in path.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"secret token cannot be read from {path}: Permission denied\n"


@pytest.mark.parametrize("content", ["", "\n", " \n", "\r\n"])
def test_empty(case: Case, content: str) -> None:
    path = case.write("empty", content)
    said = case.error({"file": "empty"})
    assert "is empty" in said or "only white space" in said
    assert f"read from {path}" in said
    said = case.error({"file": "empty", "format": "bcrypt"})
    assert "is empty" in said or "only white space" in said


@pytest.mark.parametrize(
    ("mode", "who"), [(0o644, "everyone on this machine"), (0o640, "its group"), (0o604, "everyone")]
)
def test_a_file_that_others_can_read(case: Case, mode: int, who: str) -> None:
    path = case.write("it's open", CANARY, mode)
    assert case.value({"file": "it's open"}) == CANARY
    assert len(case.warnings) == 1
    assert f"secret token: {path} can be read by {who}" in case.warnings[0]
    command = case.warnings[0].partition("; ")[2]
    subprocess.run(["sh", "-c", command], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    case.warnings.clear()
    case.value({"file": "it's open"})
    assert case.warnings == []


def test_the_environment(case: Case) -> None:
    assert case.value({"env": "TOKEN"}, env={"TOKEN": CANARY + "\n"}) == CANARY + "\n"
    assert "environment variable TOKEN, which is not set" in case.error({"env": "TOKEN"}, env={})
    said = case.error({"env": "TOKEN"}, env={"TOKEN": ""})
    assert "is empty\n  read from the environment variable TOKEN" in said
    assert case.value({"env": "TOKEN", "format": "bcrypt"}, env={"TOKEN": HASH}) == HASH
    said = case.error({"env": "TOKEN", "format": "bcrypt"}, env={"TOKEN": HASH[2:]})
    assert "set the variable again with the hash in single quotes" in said


def test_commands(case: Case) -> None:
    case.write("value", CANARY + "\n")
    assert case.value({"command": ["cat", "value"]}) == CANARY
    assert case.value({"command": "cat value | cat; cat /dev/stdin"}) == CANARY
    said = case.error({"command": ["no-such-program", "x"]})
    assert "needs the command no-such-program, which was not found" in said
    assert "is empty\n  printed by: true" in case.error({"command": ["true"]})
    case.write("script", "#!/bin/sh\n", 0o600)
    assert "needs the command ./script, which does not start: Permission denied" in case.error(
        {"command": ["./script"]}
    )
    assert "its command printed more than 64 KiB" in case.error({"command": "head -c 100000 /dev/zero | tr '\\0' x"})


def test_a_command_that_fails(case: Case) -> None:
    case.write("value", CANARY + "\n")
    said = case.error({"command": 'set -x; v=$(cat value); echo "$v"; echo "wrong: $v" >&2; exit 3'})
    assert "could not be read: its command ended with status 3" in said
    assert "wrong: <secret>" in said
    assert "ended with signal 9" in case.error({"command": "kill -9 $$"})


@pytest.mark.parametrize("command", [["sleep", "60"], "sleep 60; echo x", "sleep 60 & sleep 60"])
def test_a_command_that_takes_too_long(case: Case, command: Any) -> None:
    start = time.monotonic()
    assert "did not come from its command within 0.3 s" in case.error({"command": command, "timeout": 0.3})
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("timeout", "seconds"), [(1, 1), ("1.5", 1.5), ("90s", 90), ("2m", 120), ("1 h", 3600)])
def test_timeouts(case: Case, timeout: Any, seconds: float) -> None:
    jsonschema.validate({"command": "x", "timeout": timeout}, SECRET_SCHEMA)
    assert duration.seconds(timeout) == seconds


def test_nothing_of_a_command_that_timed_out_is_left(case: Case) -> None:
    case.error({"command": "echo $$ > pid; sleep 61 | cat", "timeout": 0.5})
    pid = (case.project / "pid").read_text().strip()
    time.sleep(0.2)
    left = subprocess.run(["ps", "-o", "args=", "-g", pid], capture_output=True, text=True, check=False).stdout
    assert "sleep 61" not in left


def test_prompts(case: Case) -> None:
    asked: list[str] = []

    def prompt(answer: str) -> Callable[[str], str]:
        return lambda text: asked.append(text) or answer  # type: ignore[func-returns-value]

    assert case.value({"prompt": "Token of the API"}, prompt=prompt(CANARY)) == CANARY
    assert case.value({"prompt": True}, prompt=prompt(CANARY)) == CANARY
    assert asked == ["Token of the API: ", "Secret token: "]
    assert "is empty\n  typed in" in case.error({"prompt": True}, prompt=prompt(""))


def test_a_prompt_without_a_terminal(case: Case) -> None:
    with open("/dev/null") as null, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", null)
        said = case.error({"prompt": "Token"})
    assert "has to be typed on a terminal, and there is none" in said


def test_a_bcrypt_hash(case: Case) -> None:
    case.write("token", HASH + "\n")
    assert case.value({"file": "token", "format": "bcrypt"}) == HASH
    assert case.warnings == []


def test_the_message_of_a_damaged_hash(case: Case) -> None:
    path = case.write(".secrets/qwen-api-user.token", "b$12$" + HASH[7:])
    assert case.error({"file": ".secrets/qwen-api-user.token", "format": "bcrypt"}).splitlines() == [
        "states/qwen.yaml:12:16: secret token is not a bcrypt hash: it starts with `b$12$`, not `$2b$12$`",
        f"  read from {path} (58 characters, expected 60)",
        "  A shell removed `$2`; write the file again with the hash in single quotes.",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CANARY, "this looks like the password itself"),
        ("\ufeff" + HASH, "byte-order mark (BOM)"),
        (HASH + "\r\n", "carriage return (CR)"),
        (HASH + "\njesse", "two lines"),
        (f" {HASH}", "white space before it"),
        (HASH[:50], "the last 10 characters of it are missing"),
    ],
)
def test_a_wrong_hash(case: Case, content: str, message: str) -> None:
    case.write("token", content)
    assert message in case.error({"file": "token", "format": "bcrypt"})


def test_doubtful_hashes_are_taken_with_a_warning(case: Case) -> None:
    case.write("token", bcrypt.hashpw(b"x", bcrypt.gensalt(4)))
    case.value({"file": "token", "format": "bcrypt"})
    assert "has the low cost 4" in case.warnings[0]


def test_short_secrets_are_taken_with_a_warning(case: Case) -> None:
    case.write("pin", "123")
    assert case.value({"file": "pin"}) == "123"
    assert "it has 3 characters" in case.warnings[0]


def test_a_pair_that_matches(case: Case) -> None:
    case.write("token", HASH)
    assert case.value({"file": "token", "format": "bcrypt", "matches": "password"}) == HASH
    assert case.value({"file": "token", "matches": "password"}) == HASH


def test_a_pair_that_does_not_match(case: Case) -> None:
    case.write("token", HASH)
    case.others["password"] = Secret(CANARY + "!", "password")
    said = case.error({"file": "token", "matches": "password"})
    assert "does not match password: the hash was made from another password" in said
    case.write("token", CANARY)
    assert "is not a bcrypt hash" in case.error({"file": "token", "matches": "password"})


def test_a_password_too_long_for_bcrypt(case: Case) -> None:
    case.write("token", HASH)
    case.others["password"] = Secret("é" * 36 + "x", "password")
    for spec in ({"file": "token", "matches": "password"}, {"bcrypt": {"password": "password", "file": "new"}}):
        said = case.error(spec)
        assert "that has 73 bytes, and bcrypt takes at most 72" in said
    case.others["password"] = Secret("é" * 36, "password")
    assert case.value({"bcrypt": {"password": "password", "file": "new", "cost": 4}})


BCRYPT: dict[str, Any] = {"bcrypt": {"password": "password", "file": ".secrets/made/token", "cost": 4}}


def test_a_hash_is_made_once_and_kept(case: Case) -> None:
    value = case.value(BCRYPT)
    path = case.project / ".secrets" / "made" / "token"
    assert bcrypt.checkpw(CANARY.encode(), value.encode())
    assert value.startswith("$2b$04$")
    assert bcrypt_format.fault(value) is None
    assert not [doubt for doubt in bcrypt_format.doubts(value) if "low cost" not in doubt]
    assert list(case.project.iterdir()) == [], "who resolves a secret writes nothing"
    assert case.warnings == [f"secret token: {path} holds no hash yet; an apply creates one from password"]

    said = case.new[path].keep("20260302-1405-a3f1")
    assert said == f"secret token: {path} holds a new bcrypt hash of password"
    assert path.read_text() == value + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [item.name for item in path.parent.iterdir()] == ["token"]
    before = path.stat()
    case.new.clear()
    for _ in range(2):
        assert case.value({"bcrypt": {**BCRYPT["bcrypt"], "cost": 5}}) == value
    assert not case.new
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(case.warnings) == 1


def test_every_worker_makes_the_same_hash(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It follows from the key, the secret's name, the password and the hash it replaces, and from nothing else."""

    def made(key: str, name: str, password: str, replaced: str) -> str:
        worker = Case(tmp_path_factory.mktemp("worker"))
        worker.key, worker.others = key, {"password": Secret(password, "password")}
        if replaced:
            worker.write(".secrets/made/token", replaced + "\n")
        found = resolve(
            name,
            BCRYPT,
            project=worker.project,
            where=WHERE,
            other=worker.others.__getitem__,
            key=lambda: Key(worker.key),
            new=worker.new,
        )
        return found.reveal()

    usual = ("the key of every worker", "token", CANARY, "")
    others = [
        ("another key, as long as it must be", *usual[1:]),
        (usual[0], "another", *usual[2:]),
        (*usual[:2], "another", ""),
        (*usual[:3], bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()),
    ]
    hashes = [made(*each) for each in (usual, *others)]
    assert hashes == [made(*each) for each in (usual, *others)]
    assert len({hashed[:29] for hashed in hashes}) == len(hashes), "a salt is used twice"
    assert hashes[0] == case.value(BCRYPT)


def test_a_hash_is_made_anew_for_another_password(case: Case) -> None:
    old = case.write(".secrets/made/token", HASH + "\n", 0o640)
    case.others["password"] = Secret("another", "password")
    second = case.value(BCRYPT)
    assert second != HASH
    assert bcrypt.checkpw(b"another", second.encode())
    assert old.read_text() == HASH + "\n"
    said = f"{old} holds no hash of password; an apply replaces it and keeps a copy beside it"
    assert case.warnings[-1] == f"secret token: {said}"

    aside = old.with_name("token.before-20260302-1405-a3f1")
    said = case.new[old].keep("20260302-1405-a3f1")
    assert said == f"secret token: {old} holds a new bcrypt hash of password; the old one is in {aside}"
    assert (old.read_text(), aside.read_text()) == (second + "\n", HASH + "\n")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, aside)] == [0o600, 0o600]
    assert sorted(path.name for path in old.parent.iterdir()) == ["token", aside.name]
    # Another run that made the same hash finds it there.
    case.new[old].keep("20260302-1406-0001")
    assert sorted(path.name for path in old.parent.iterdir()) == ["token", aside.name]


def test_what_somebody_else_wrote_meanwhile_stays(case: Case) -> None:
    case.value(BCRYPT)
    (new,) = case.new.values()
    case.write(".secrets/made/token", HASH + "\n")
    with pytest.raises(InvalidInput) as caught:
        new.keep("20260302-1405-a3f1")
    assert f"secret token cannot be written to {new.path}, which has changed meanwhile" in str(caught.value)
    assert HASH not in str(caught.value)
    assert new.path.read_text() == HASH + "\n"


def test_two_secrets_of_one_file(case: Case) -> None:
    first = case.value(BCRYPT)
    assert case.value(BCRYPT) == first
    assert len(case.new) == 1
    case.others["other"] = Secret("another", "other")
    said = case.error({"bcrypt": {**BCRYPT["bcrypt"], "password": "other"}})
    assert "which token uses for the hash of another password" in said


def test_an_empty_file_is_filled(case: Case) -> None:
    path = case.write(".secrets/made/token", "\n")
    value = case.value(BCRYPT)
    assert bcrypt.checkpw(CANARY.encode(), value.encode())
    assert "the old one" not in case.new[path].keep("20260302-1405-a3f1")
    assert path.read_text() == value + "\n"


@pytest.mark.parametrize("content", ["my notes", CANARY, HASH[2:], HASH + "\njesse"])
def test_something_else_in_the_file_is_not_written_over(case: Case, content: str) -> None:
    path = case.write("token", content)
    said = case.error({"bcrypt": {"password": "password", "file": "token"}})
    assert "cannot be written to a file with other content" in said
    assert f"read from {path}" in said
    assert path.read_text() == content


def test_a_place_that_cannot_be_written(case: Case) -> None:
    case.write("file", "x")
    case.value({"bcrypt": {"password": "password", "file": "file/token", "cost": 4}})
    (new,) = case.new.values()
    with pytest.raises(InvalidInput) as caught:
        new.keep("20260302-1405-a3f1")
    assert f"secret token cannot be written to {case.project / 'file' / 'token'}: " in str(caught.value)


def test_a_link_to_the_file_stays_a_link(case: Case) -> None:
    real = case.write("real", "")
    (case.project / "token").symlink_to("real")
    value = case.value({"bcrypt": {"password": "password", "file": "token", "cost": 4}})
    case.new[real].keep("20260302-1405-a3f1")
    assert (case.project / "token").is_symlink()
    assert real.read_text() == value + "\n"


def test_many_at_once_agree_on_one_hash(case: Case) -> None:
    old = case.write("token", HASH + "\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from engine.declare.secrets.key import Key\n"
        "from engine.declare.secrets.resolve import resolve; from engine.model import Secret\n"
        "spec = {'bcrypt': {'password': 'p', 'file': 'token', 'cost': 6}}\n"
        "made = {}\n"
        "print(resolve('t', spec, project=Path(sys.argv[1]), where=None, other=lambda n: Secret('x'),\n"
        "    key=lambda: Key('the key of every worker'), new=made).reveal())\n"
        "for one in made.values():\n"
        "    one.keep('20260302-1405-' + sys.argv[2])\n"
    )
    command = [sys.executable, "-c", script, str(case.project)]
    runs = [subprocess.Popen([*command, f"{n:04x}"], stdout=subprocess.PIPE) for n in range(6)]
    assert {run.communicate()[0] for run in runs} == {old.read_bytes()}
    assert {run.returncode for run in runs} == {0}
    (aside,) = (path for path in case.project.iterdir() if path != old)
    assert aside.read_text() == HASH + "\n"


def test_sources_are_counted(case: Case) -> None:
    for spec, found in (({}, "has no source"), ({"file": "x", "env": "Y"}, "has 2 sources (file, env)")):
        with pytest.raises(InvalidInput) as caught:
            resolve(
                "token",
                spec,
                project=case.project,
                where=WHERE,
                other=case.others.__getitem__,
                key=lambda: Key("not needed, but long enough"),
                new={},
            )
        assert f"secret token {found}, expected exactly one of: file, env" in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"file": "x", "env": "Y"},
        {"file": ""},
        {"file": "x", "fromat": "bcrypt"},
        {"file": "x", "format": "argon2"},
        {"command": []},
        {"bcrypt": {"password": "p"}},
        {"bcrypt": {"password": "p", "file": "f", "cost": 3}},
        {"prompt": False},
        {"command": "x", "timeout": "soon"},
    ],
)
def test_the_schema_refuses(spec: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec, SECRET_SCHEMA)


def test_the_schema_describes_everything() -> None:
    jsonschema.Draft202012Validator.check_schema(SECRET_SCHEMA)
    properties = SECRET_SCHEMA["properties"]
    for name, schema in {**properties, **properties["bcrypt"]["properties"]}.items():
        assert schema["description"], name
