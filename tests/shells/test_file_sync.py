"""file-sync on this machine, under each shell: absent, applied, no change, drifted, applied, something in the way."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import HostFailed, Refused
from engine.kinds.file_sync import FileSync
from engine.model import HostPath, Secret, Source, SourceFile
from tests.command_stubs import Commands
from tests.harness import (
    SHELLS,
    Failed,
    apply,
    apply_all,
    carry_out,
    converge,
    observe,
    observe_all,
    script,
    snapshot,
    watch,
)

AWKWARD = "-a b'c\"d$HOME`e`\\f\ng ü*[h]"
SECRET = Secret("$2b$12$Q'\"`x`\\%s{}|é" + "canary")
EXTERNAL = (
    "mv",
    "rm",
    "cp",
    "ln",
    "chmod",
    "chown",
    "mkdir",
    "rmdir",
    "stat",
    "sha256sum",
    "tail",
    "wc",
    "cmp",
    "head",
)


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS])
def some_shell(request: pytest.FixtureRequest) -> Sequence[str]:
    """Two shells by default, for what hardly depends on the shell."""
    return SHELLS[request.param]


def at(path: Path) -> HostPath:
    return HostPath(str(path))


def source(root: Path) -> Source:
    """What the loader makes of a file or directory."""
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    files = []
    for path in paths:
        data, info = path.read_bytes(), path.stat()
        name = "" if path == root else str(path.relative_to(root))
        kept = data if path == root and len(data) <= 65536 else None
        digest = hashlib.sha256(data).hexdigest()
        files.append(SourceFile(name, path, len(data), info.st_mode & 0o7777, digest, kept))
    return Source(root, root.is_dir(), tuple(files))


def refusal(resource: FileSync, shell: Sequence[str]) -> str:
    """What a plan says to something in the way, which it must not touch."""
    with pytest.raises(Refused, match="left as it is") as refused:
        observe(resource, shell)
    return str(refused.value)


def unchanged(resource: FileSync, shell: Sequence[str], root: Path) -> None:
    """Neither a look nor an apply finds anything to do, and nothing is touched: not even a time."""
    before = snapshot(root)
    assert apply(resource, shell) is None
    watch(resource, shell)
    assert snapshot(root) == before


def test_the_whole_content(shell: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / AWKWARD / AWKWARD / "a"
    content = "line\n'\"$x`y`\\n%s ü\n\n"
    resource = FileSync(path=at(path), content=content, mode="0640", group="1", parents=True, dir_mode="0750")
    assert converge(resource, shell)
    assert path.read_text() == content
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o750
    unchanged(resource, shell, tmp_path)

    path.write_text("drift")
    path.chmod(0o604)
    change = converge(resource, shell)
    assert change is not None
    assert change.differing() == ("content", "mode")
    assert path.read_text() == content
    assert sorted(os.listdir(path.parent)) == ["a"]

    path.unlink()
    path.mkdir()
    (path / "theirs").touch()
    assert "it is a directory" in refusal(resource, shell)
    assert [*path.iterdir()] == [path / "theirs"]


def test_what_is_not_declared_stays(some_shell: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o751)
    os.chown(path, 1, 2)
    apply(FileSync(path=at(path), content="new"), some_shell)
    assert (path.stat().st_mode & 0o7777, path.stat().st_uid, path.stat().st_gid) == (0o751, 1, 2)

    inode = path.stat().st_ino
    apply(FileSync(path=at(path), mode="0600", owner="0"), some_shell)
    assert path.read_text() == "new"
    assert (path.stat().st_mode & 0o7777, path.stat().st_uid, path.stat().st_gid) == (0o600, 0, 2)
    assert path.stat().st_ino == inode


def test_new_files_are_private_where_they_are_secret(some_shell: Sequence[str], tmp_path: Path) -> None:
    apply(FileSync(path=at(tmp_path / "open"), content="x"), some_shell)
    apply(FileSync(path=at(tmp_path / "closed"), content=Secret("x\n$y\n\n")), some_shell)
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "closed").read_text() == "x\n$y\n\n"


def test_links(some_shell: Sequence[str], tmp_path: Path) -> None:
    target, link = tmp_path / "target\n", tmp_path / "link"
    target.write_text("old")
    link.symlink_to("target\n")
    assert "symbolic link" in refusal(FileSync(path=at(link), content="new"), some_shell)
    assert target.read_text() == "old"
    apply(FileSync(path=at(link), content="new", follow=True), some_shell)
    assert (target.read_text(), link.is_symlink()) == ("new", True)
    # A directory above may be one.
    (tmp_path / "dir").mkdir()
    (tmp_path / "elsewhere").symlink_to("dir")
    apply(FileSync(path=at(tmp_path / "elsewhere" / "a"), content="x"), some_shell)
    assert (tmp_path / "dir" / "a").read_text() == "x"


def test_directories_above(some_shell: Sequence[str], tmp_path: Path) -> None:
    with pytest.raises(Failed, match="does not exist; make it, or set parents: true"):
        apply(FileSync(path=at(tmp_path / "no" / "a"), content="x"), some_shell)
    (tmp_path / "file").write_text("")
    assert "it is not a directory" in refusal(
        FileSync(path=at(tmp_path / "file/x/a"), content="x", parents=True), some_shell
    )
    (tmp_path / "dangling").symlink_to("nowhere")
    assert "it is not a directory" in refusal(
        FileSync(path=at(tmp_path / "dangling/a"), content="x", parents=True), some_shell
    )
    assert not (tmp_path / "no").exists()


FIRST_LINES = {
    b"": b"{line}\n",
    b"old": b"{line}",
    b"old\n": b"{line}\n",
    b"old\nuser": b"{line}\nuser",
    b"old\r\nuser\r\n": b"{line}\nuser\r\n",
    b"\nold\nuser\n": b"{line}\nold\nuser\n",
    b"\xef\xbb\xbf{line}\nuser\n": b"{line}\nuser\n",
    b" {line}\n": b"{line}\n",
    b"{line}\r\n\n": b"{line}\n\n",
    b"{line}\0\n\xff\0\xfe": b"{line}\n\xff\0\xfe",
}


def test_the_first_line(shell: Sequence[str], tmp_path: Path) -> None:
    line = SECRET.reveal().encode()
    befores = [None, *(before.replace(b"{line}", line) for before in FIRST_LINES)]
    afters = [line + b"\n", *(after.replace(b"{line}", line) for after in FIRST_LINES.values())]
    paths = [tmp_path / f"{AWKWARD}{n}" for n in range(len(befores))]
    for path, before in zip(paths, befores, strict=True):
        if before is not None:
            path.write_bytes(before)
    resources = [FileSync(path=at(path), first_line=SECRET) for path in paths]
    changes = apply_all(resources, shell)
    assert {change and change.differing() for change in changes} == {("line 1",)}
    assert [path.read_bytes() for path in paths] == afters
    assert paths[0].stat().st_mode & 0o777 == 0o600
    # What the node itself writes below is no drift, and is not touched.
    paths[0].write_bytes(line + b"\njesse")
    before = snapshot(tmp_path)
    assert set(apply_all(resources, shell)) == {None}
    assert snapshot(tmp_path) == before
    paths[0].unlink()
    paths[0].mkdir()
    assert "it is a directory" in refusal(resources[0], shell)


ENV_FILES = {
    # as it was: as it is afterwards, with A = `1 $x #2`, B = `b` and C the secret
    "": "A='1 $x #2'\nB='b'\nC='{c}'\n",
    "X=1": "X=1\nA='1 $x #2'\nB='b'\nC='{c}'\n",
    "# A='0'\nexport A = old\nB=b\nC='{c}'\n": "# A='0'\nexport A='1 $x #2'\nB=b\nC='{c}'\n",
    'A="0" # why\n\n  B: yaml\nC="{c}" # it\n': "A='1 $x #2' # why\n\n  B='b'\nC='{c}'\n",
    "A=0 # why\r\nB=b\r\nC='{c}'\r\n": "A='1 $x #2' # why\r\nB=b\r\nC='{c}'\r\n",
    "A=0\nB='b'#c\nA='1'\nC='{c}'\nA=2\nX='a\nA=3\n'": "B='b'#c\nC='{c}'\nA='1 $x #2'\nX='a\nA=3\n'",
    "A='1 $x #2'\nC={c}\nB=\"b\"\n": "A='1 $x #2'\nC='{c}'\nB=\"b\"\n",
    'B\nC=\nA=\'1 $x #2\' tail\nAB="$A\\"\nB=x"': "B='b'\nC='{c}'\nA='1 $x #2'\nAB=\"$A\\\"\nB=x\"",
}


def test_keys_of_a_dotenv_file(shell: Sequence[str], tmp_path: Path) -> None:
    secret = Secret('$2b$12$Q"`x`\\%s{}|é canary')
    resources = []
    for n, before in enumerate(ENV_FILES):
        path = tmp_path / f"{n}.env"
        path.write_text(before.replace("{c}", secret.reveal()), newline="")
        resources.append(FileSync(path=at(path), dotenv={"A": "1 $x #2", "B": "b", "C": secret}))
    absent = FileSync(path=at(tmp_path / "new"), dotenv={"A": "1 $x #2", "B": "b", "C": secret})
    assert None not in apply_all([absent, *resources], shell)
    assert (tmp_path / "new").read_text() == (tmp_path / "0.env").read_text()
    for resource, after in zip(resources, ENV_FILES.values(), strict=True):
        assert Path(resource.path).read_bytes().decode() == after.replace("{c}", secret.reveal())
    before = snapshot(tmp_path)
    assert set(apply_all(resources, shell)) == {None}
    assert snapshot(tmp_path) == before
    (tmp_path / "new").write_text('A="0" # why\n\n  B: yaml\nC=x\nD=\'\n')
    assert "line 5 of" in refusal(absent, shell)


def test_a_tree(shell: Sequence[str], tmp_path: Path) -> None:
    root, path = tmp_path / "src", tmp_path / "to" / AWKWARD
    for name in ("a", f"{AWKWARD}/{AWKWARD}", "d/e/-f", "d/run"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"this is {name}")
    (root / "d/run").chmod(0o755)
    resource = FileSync(path=at(path), source=source(root), parents=True)
    assert apply(resource, shell)
    assert {n: v[-1] for n, v in snapshot(path).items()} == {n: v[-1] for n, v in snapshot(root).items()}
    assert os.access(path / "d/run", os.X_OK)
    (path / "stranger").write_text("x")
    unchanged(resource, shell, path)

    before = snapshot(path)
    (path / "d/e/-f").write_text("drift")
    (path / "d/run").chmod(0o600)
    (path / "a").unlink()
    change = apply(resource, shell)
    assert change is not None
    assert set(change.differing()) == {"d/e/-f", "d/run", "a"}
    assert (path / "d/run").stat().st_mode & 0o777 == 0o700
    after = snapshot(path)
    assert after[f"{AWKWARD}/{AWKWARD}"] == before[f"{AWKWARD}/{AWKWARD}"]

    (path / "d/e/-f").unlink()
    (path / "d/e").rmdir()
    (path / "d/e").symlink_to(tmp_path)
    assert "it is a symbolic link" in refusal(resource, shell)


def test_a_link_that_appears_after_the_plan(some_shell: Sequence[str], tmp_path: Path) -> None:
    for name in ("src/d/e/a", "to/d/e/old", "outside/theirs"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    resource = FileSync(path=at(tmp_path / "to"), source=source(tmp_path / "src"), delete=True)
    change = observe(resource, some_shell).change
    for place in ("d/e", "d"):
        shutil.rmtree(tmp_path / "to" / place)
        (tmp_path / "to" / place).symlink_to(tmp_path / "outside")
        with pytest.raises(Failed, match="is in the way: it is a symbolic link"):
            carry_out([resource], [change], some_shell)
        (tmp_path / "to" / place).unlink()
        (tmp_path / "to" / place).mkdir()
    assert os.listdir(tmp_path / "outside") == ["theirs"]


def test_strangers_in_a_tree(shell: Sequence[str], tmp_path: Path) -> None:
    root, path, outside = tmp_path / "src", tmp_path / "to", tmp_path / "outside"
    for name in ("src/a", "to/old/x/y", f"to/{AWKWARD}", "to/kept/k.key", "to/k.key", "outside/theirs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (path / "away").symlink_to(outside)
    (path / "empty").mkdir()
    resource = FileSync(path=at(path), source=source(root), delete=True, exclude=("*.key",), backup=2)
    change = apply(resource, shell)
    assert change is not None
    gone = {"old/x/y", AWKWARD, "away", "old/", "old/x/", "empty/"}
    assert set(change.differing()) == {"a", *gone}
    assert sorted(str(p.relative_to(path)) for p in path.rglob("*")) == ["a", "k.key", "kept", "kept/k.key"]
    assert (outside / "theirs").read_text() == "outside/theirs"
    assert (tmp_path / "to.bak/old/x/y").read_text() == "to/old/x/y"
    unchanged(resource, shell, path)
    (path / "a").write_text("drift")
    apply(resource, shell)
    assert (tmp_path / "to.bak/a").read_text() == "drift"
    assert (tmp_path / "to.bak.2/old/x/y").exists()


def test_modes_and_owners_of_a_tree(some_shell: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "src/d").mkdir(parents=True)
    (tmp_path / "src/d/a").write_text("a")
    path = tmp_path / "to"
    tree = source(tmp_path / "src")
    resource = FileSync(path=at(path), source=tree, mode="0640", dir_mode="2750", owner="1", group="2")
    apply(resource, some_shell)
    found = {p: (p.stat().st_mode & 0o7777, p.stat().st_uid, p.stat().st_gid) for p in (path, *path.rglob("*"))}
    assert found == {path: (0o2750, 1, 2), path / "d": (0o2750, 1, 2), path / "d/a": (0o640, 1, 2)}
    # From here on it is that user's, and that user puts right what drifted, as far as such a user can.
    os.chown(path / "d/a", 0, 2)
    assert "user 1, who owns its directory, cannot read" in refusal(resource, some_shell)
    os.chown(path / "d/a", 0, 1)
    (path / "d").chmod(0o700)
    resource = FileSync(path=at(path), source=tree, mode="0640", dir_mode="2750", owner="1", group="1")
    change = apply(resource, some_shell)
    assert change is not None
    assert set(change.differing()) == {"./", "d/", "d/a"}


def test_one_large_file(some_shell: Sequence[str], tmp_path: Path) -> None:
    data = os.urandom(200_000) + b"\0end"
    (tmp_path / "src").write_bytes(data)
    path = tmp_path / "new" / AWKWARD
    resource = FileSync(path=at(path), source=source(tmp_path / "src"), parents=True, mode="0600")
    apply(resource, some_shell)
    assert path.read_bytes() == data
    unchanged(resource, some_shell, path.parent)
    (tmp_path / "src").write_bytes(b"changed meanwhile" + data)
    path.write_text("drift")
    with pytest.raises(Exception, match="src"):
        apply(resource, some_shell)
    assert path.read_text() == "drift"
    assert os.listdir(path.parent) == [path.name]


def test_directories_and_absence(shell: Sequence[str], tmp_path: Path) -> None:
    above = tmp_path / "y" / AWKWARD
    apply(FileSync(path=at(above), state="directory", mode="0711", owner="1", parents=True), shell)
    assert (above.stat().st_mode & 0o7777, above.stat().st_uid) == (0o711, 1)
    assert (above.parent.stat().st_mode & 0o7777, above.parent.stat().st_uid) == (0o755, 1)
    shutil.rmtree(above.parent)

    path = tmp_path / "x" / AWKWARD
    path.parent.mkdir()
    directory = FileSync(path=at(path), state="directory", mode="0711", owner="1")
    apply(directory, shell)
    assert (path.stat().st_mode & 0o7777, path.stat().st_uid) == (0o711, 1)
    path.chmod(0o700)
    apply(directory, shell)
    unchanged(directory, shell, tmp_path)

    absent = FileSync(path=at(path), state="absent")
    (path / "..a").write_text("")
    assert "is not empty" in refusal(absent, shell)
    (path / "..a").unlink()
    apply(absent, shell)
    assert not path.exists()
    path.write_text("")
    apply(absent, shell)
    path.symlink_to(tmp_path)
    apply(absent, shell)
    assert tmp_path.is_dir()
    (path / "a/b").mkdir(parents=True)
    (path / "a/away").symlink_to(tmp_path)
    apply(FileSync(path=at(path), state="absent", delete=True), shell)
    assert [*tmp_path.iterdir()] == [tmp_path / "x"]
    unchanged(absent, shell, tmp_path)


def test_previous_contents_are_kept(some_shell: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in ("1", "2", "3", "4"):
        apply(FileSync(path=at(path), content=content, mode="0600", backup=2), some_shell)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "4", "a.bak": "3", "a.bak.2": "2"}
    assert (tmp_path / "a.bak").stat().st_mode & 0o777 == 0o600


def test_what_a_service_watches(some_shell: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / "a"
    (tmp_path / "src").mkdir()
    (tmp_path / "src/f").write_text("f")
    line, mode = FileSync(path=at(path), first_line="x"), FileSync(path=at(path), first_line="x", mode="0600")
    tree = FileSync(path=at(tmp_path / "t"), source=source(tmp_path / "src"))
    assert watch(line, some_shell)[1] == ""
    for resource in (mode, tree):
        apply(resource, some_shell)
    seen, seen_with_mode = watch(line, some_shell), watch(mode, some_shell)
    info = path.stat()
    assert seen[1] == f"{info.st_ctime_ns // 10**9}.{info.st_ctime_ns % 10**9:09d}"
    with path.open("a") as file:
        file.write("user")
    path.chmod(0o640)
    # What is not managed does not count, though the time tells that something was done.
    assert watch(line, some_shell)[0] == seen[0]
    assert watch(line, some_shell)[1] > seen[1]
    assert watch(mode, some_shell)[0] != seen_with_mode[0]
    seen = watch(tree, some_shell)
    (tmp_path / "t/stranger").write_text("")
    assert watch(tree, some_shell) == seen
    (tmp_path / "t/f").write_text("g")
    assert watch(tree, some_shell)[0] != seen[0]
    assert watch(tree, some_shell)[1] > seen[1]


def test_a_full_disk(some_shell: Sequence[str], tmp_path: Path) -> None:
    """A limit on the size of files fails a write half-way just as a full disk does."""
    limited = ("sh", "-c", 'trap "" XFSZ; ulimit -f 16; exec "$@"', "sh", *some_shell)
    long = "x" * 30_000
    (tmp_path / "src").write_text(long * 3)
    for name, resource in {
        "whole": FileSync(path=at(tmp_path / "whole"), content=long),
        "line": FileSync(path=at(tmp_path / "line"), first_line=long),
        "env": FileSync(path=at(tmp_path / "env"), dotenv={"A": long}),
        "large": FileSync(path=at(tmp_path / "large"), source=source(tmp_path / "src")),
    }.items():
        (tmp_path / name).write_text("A='old'\n")
        with pytest.raises((Failed, HostFailed)) as failed:
            apply(resource, limited)
        assert "the old one is as it was" in str(failed.value) or isinstance(failed.value, HostFailed)
        assert (tmp_path / name).read_text() == "A='old'\n"
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "line", "env", "large", "src"}


@pytest.mark.parametrize("shell_name", ["dash", "bash"])
def test_no_secret_reaches_another_process(shell_name: str, tmp_path: Path) -> None:
    commands = Commands(tmp_path / "bin", (*EXTERNAL, "tr", "readlink"))
    (tmp_path / "line").write_text("old\nuser\n")
    (tmp_path / "env").write_text("C=old\nD='x'\n")
    with commands.at(0):
        for resource in (
            FileSync(path=at(tmp_path / "line"), first_line=SECRET, backup=1),
            FileSync(path=at(tmp_path / "new/whole"), content=SECRET, parents=True, owner="1"),
            FileSync(path=at(tmp_path / "env"), dotenv={"C": Secret("a canary")}),
        ):
            apply(resource, SHELLS[shell_name])
            watch(resource, SHELLS[shell_name])
    assert "mv -f -- " in commands.log
    assert "canary" not in commands.log


@pytest.mark.parametrize("shell_name", ["dash", pytest.param("bash", marks=pytest.mark.full)])
@pytest.mark.parametrize("start", ["nothing", "an old file", "an old tree"])
def test_cut_off_at_each_command(start: str, shell_name: str, tmp_path: Path, full: bool) -> None:
    """Whatever command is the last: the file is the old or the new one, and the next apply does the rest."""
    shell = SHELLS[shell_name]
    commands = Commands(tmp_path / "bin", EXTERNAL)
    (tmp_path / "src/d").mkdir(parents=True)
    for name in ("a", "d/b"):
        (tmp_path / "src" / name).write_text(name)
    place = tmp_path / "place"
    target = at(place / "p/q/file")
    file = FileSync(path=target, first_line=Secret("new"), mode="0600", owner="1", parents=True, backup=2)
    tree = FileSync(path=at(place / "tree"), source=source(tmp_path / "src"), delete=True, dir_mode="0700")
    resource, files = {
        "nothing": (file, {}),
        "an old file": (file, {"p/q/file": "old\nuser\n", "p/q/file.bak": "older"}),
        "an old tree": (tree, {"tree/d/b": "old", "tree/old/x": "x"}),
    }[start]
    for victim in range(1, 60, 1 if full else 5):
        place.mkdir()
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        change = observe(resource, shell).change
        # What the last look reads through a command that was killed differs from what is there, and is said to.
        with commands.at(victim), suppress(AssertionError, HostFailed):
            carry_out([resource], [change], shell)
        left = [path for path in place.rglob(".engine-*") if path.is_file()]
        assert [path for path in left if path.stat().st_mode & 0o077] == []
        if "p/q/file" in files:
            assert (place / "p/q/file").read_text() in ("old\nuser\n", "new\nuser\n")
        apply(resource, shell)
        if "p/q/file" in files:
            kept = [(place / f"p/q/file{end}").read_text() for end in ("", ".bak", ".bak.2")]
            assert kept == ["new\nuser\n", "old\nuser\n", "older"]
        # What a program that was killed had staged goes with the next one that has something to do.
        (place / "tree/more").write_text("") if resource is tree else Path(target).unlink()
        apply(resource, shell)
        assert [path for path in place.rglob("*") if path.name.startswith(".engine-")] == []
        shutil.rmtree(place)
        if commands.count < victim:
            return
    pytest.fail("it was cut off each time")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_what_may_not_be_seen_is_not_absent(some_shell: Sequence[str], tmp_path: Path) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *some_shell)
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        top = Path(directory)
        top.chmod(0o755)
        (top / "closed/in").mkdir(parents=True)
        (top / "closed/a").write_text("x")
        (top / "private").write_text("x")
        (top / "tree/closed").mkdir(parents=True)
        (top / "tree/closed/a").write_text("x")
        for closed in ("closed", "private", "tree/closed"):
            (top / closed).chmod(0)
        (tmp_path / "src/closed").mkdir(parents=True)
        (tmp_path / "src/closed/a").write_text("x")
        for resource in (
            FileSync(path=at(top / "closed/a"), content="x"),
            FileSync(path=at(top / "closed/in/a"), state="absent"),
            FileSync(path=at(top / "closed"), state="absent", delete=True),
            FileSync(path=at(top / "private"), content="x"),
            FileSync(path=at(top / "private"), first_line="x"),
            FileSync(path=at(top / "private"), dotenv={"A": "x"}),
            FileSync(path=at(top / "tree"), source=source(tmp_path / "src")),
        ):
            with pytest.raises(Failed, match="permission denied"):
                observe(resource, nobody)


def test_files_looked_at_together_are_found_as_each_alone(shell: Sequence[str], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    contents = {"same": "as it was", "other": "drifted", "empty": "", AWKWARD: "as it was", "big": "x" * 300_000}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o604)
    (tmp_path / "link").symlink_to("same")
    (tmp_path / "directory").mkdir()
    (tmp_path / "pipe").touch()
    (tmp_path / "pipe").unlink()
    os.mkfifo(tmp_path / "pipe")
    names = [*contents, "absent", "same", "not/there"]
    resources = [FileSync(path=at(tmp_path / name), content="as it was", mode="0604", owner="0") for name in names]
    together = observe_all(resources, shell)
    for resource, seen in zip(resources, together, strict=True):
        alone = script(replace(resource.probe(), shared={}), shell).facts
        assert alone == seen.facts
    assert [seen.change is None for seen in together] == [True, False, False, True, False, False, True, False]
    assert together[1].facts["text"] == "drifted"
    for name in ("link", "directory", "pipe"):
        resource = FileSync(path=at(tmp_path / name), content="as it was")
        with pytest.raises(Refused, match="left as it is"):
            observe_all([resources[0], resource], shell)
