"""git-clone on this machine, under each shell: absent, cloned, no change, drifted, updated, something in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import HostFailed, Refused
from engine.kinds.git_clone import GitClone
from engine.kit.paths import temporary
from engine.model import HostPath, Secret
from tests.command_stubs import Commands
from tests.git_server import serve
from tests.harness import HOME, SHELLS, Failed, apply, carry_out, converge, observe, script, snapshot, watch

AWKWARD = "-c b'c\"d$HOME`e`\\f\ng ü*[h]"
DASH = SHELLS["dash"]
LATER = [pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS]


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.fixture(params=LATER)
def some_shell(request: pytest.FixtureRequest) -> Sequence[str]:
    """Two shells by default, for what hardly depends on the shell."""
    return SHELLS[request.param]


def git(directory: Path, *arguments: str, check: bool = True) -> str:
    """Somebody's git, with an identity and without settings of this machine."""
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(
        ["git", "-C", str(directory), "-c", "protocol.file.allow=always", *arguments],
        env=environ, stdout=subprocess.PIPE, text=True, check=check,
    )  # fmt: skip
    return done.stdout.strip()


def commit(directory: Path, **files: str) -> str:
    """A commit that changes these files (`__` for the dot in a name); the hash."""
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)
    git(directory, "add", "--all")
    git(directory, "commit", "-q", "--allow-empty", "-m", "more")
    return git(directory, "rev-parse", "HEAD")


@dataclass(frozen=True)
class Lab:
    """A repository with two commits, the second tagged v1, and a place for a checkout."""

    upstream: Path
    path: Path
    old: str
    new: str

    def node(self, revision: str = "main", **more: Any) -> GitClone:
        """The resource: this repository at `path`."""
        return GitClone(
            **{"repo": str(self.upstream), "path": HostPath(str(self.path)), "revision": revision, **more}
        )

    def file(self, name: str = "a") -> str:
        """What a file of the checkout holds."""
        return (self.path / name).read_text()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    upstream = tmp_path_factory.mktemp("upstream") / "up"
    upstream.mkdir()
    git(upstream, "init", "-q", "-b", "main")
    old = commit(upstream, a="old\n", __gitignore="*.key\n__pycache__\n")
    (upstream / "b ü\t").write_text("b")
    new = commit(upstream, a="new\n")
    git(upstream, "tag", "-a", "-m", "tag", "v1")
    git(upstream, "branch", "side", old)
    return upstream, old, new


@pytest.fixture
def lab(template: tuple[Path, str, str], tmp_path: Path) -> Lab:
    upstream, old, new = template
    shutil.copytree(upstream, tmp_path / "up", symlinks=True)
    return Lab(tmp_path / "up", tmp_path / "x y" / AWKWARD, old, new)


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A directory that other users can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def refusal(resource: GitClone, shell: Sequence[str] = DASH) -> str:
    """What a plan says to something that it must not touch."""
    with pytest.raises(Refused, match=r"left\s+as\s+(they\s+are|it\s+is)") as refused:
        observe(resource, shell)
    return str(refused.value)


def test_cycle(shell: Sequence[str], lab: Lab) -> None:
    change = converge(lab.node(lab.old), shell)
    assert change is not None
    assert (change.before, lab.file()) == (None, "old\n")

    os.utime(lab.path / "a", (1, 1))  # the index of git is behind now, and would be written by a careless look
    before = snapshot(lab.path)
    assert apply(lab.node(lab.old), shell) is None
    assert observe(lab.node("main"), shell).change is not None
    fingerprint, ctime = watch(lab.node(), shell)
    assert snapshot(lab.path) == before

    change = converge(lab.node("main"), shell)
    assert change is not None
    assert (change.differing(), dict(change.after or {})["revision"]) == (("revision",), lab.new)
    assert (lab.file(), lab.file("b ü\t")) == ("new\n", "b")
    assert watch(lab.node(), shell)[0] != fingerprint
    assert watch(lab.node(), shell)[1] > ctime
    assert apply(lab.node("v1"), shell) is None

    git(lab.path, "checkout", "-q", lab.old)
    converge(lab.node(lab.new), shell)
    (lab.path / "a").write_text("mine\n")
    before = snapshot(lab.path)
    assert "1 file in" in refusal(lab.node(lab.old), shell)
    assert snapshot(lab.path) == before
    converge(lab.node(lab.old, on_dirty="stash"), shell)
    assert lab.file() == "old\n"
    assert "mine" in git(lab.path, "stash", "show", "-p")

    shutil.rmtree(lab.path)
    lab.path.mkdir()
    (lab.path / "theirs").write_text("")
    assert "no git checkout" in refusal(lab.node(), shell)
    (lab.path / "theirs").unlink()
    converge(lab.node(), shell)
    assert sorted(os.listdir(lab.path.parent)) == [lab.path.name]


def test_revisions(lab: Lab) -> None:
    assert converge(lab.node("HEAD"), DASH)
    for same in ("v1", lab.new, lab.new[:8], "refs/tags/v1"):
        assert apply(lab.node(same), DASH) is None
    assert apply(lab.node(lab.old[:8]), DASH)  # known in the checkout
    with pytest.raises(Refused, match="no branch or tag `mian`"):
        observe(lab.node("mian"), DASH)
    with pytest.raises(Failed, match=f"has no commit {'0' * 40}"):
        apply(lab.node("0" * 40), DASH)
    assert git(lab.path, "for-each-ref", "refs/engine/busy") == ""
    older = commit(lab.upstream, c="1")
    commit(lab.upstream, c="2")
    shutil.rmtree(lab.path)
    change = converge(lab.node(older[:9]), DASH)  # known to be one only after the clone
    assert change is not None
    assert dict(change.after or {})["revision"] == older[:9]
    assert git(lab.path, "rev-parse", "HEAD") == older
    lab.upstream.rename(lab.upstream.with_name("gone"))
    assert apply(lab.node(older), DASH) is None
    with pytest.raises(Failed, match=r"cannot reach repository .* does not appear to be a git repository"):
        observe(lab.node("main"), DASH)


def test_untracked_files(some_shell: Sequence[str], lab: Lab) -> None:
    apply(lab.node(lab.old), some_shell)
    (lab.path / "a.key").write_text("ignored")
    (lab.path / "mine").write_text("untracked")
    apply(lab.node(), some_shell)
    third = commit(lab.upstream, mine="theirs")
    before = snapshot(lab.path)[".git/HEAD"], snapshot(lab.path)["a"]
    for on_dirty in ("fail", "discard", "stash"):
        with pytest.raises(Failed, match="is as it was"):
            apply(lab.node(third, on_dirty=on_dirty), some_shell)
    assert (snapshot(lab.path)[".git/HEAD"], snapshot(lab.path)["a"]) == before
    assert (lab.file("mine"), lab.file("a.key")) == ("untracked", "ignored")
    assert apply(lab.node(lab.new), some_shell) is None
    (lab.path / "mine").unlink()
    apply(lab.node(third), some_shell)
    assert (lab.file("mine"), lab.file("a.key")) == ("theirs", "ignored")


def test_what_is_nowhere_else(some_shell: Sequence[str], lab: Lab) -> None:
    apply(lab.node(lab.old), some_shell)
    mine = commit(lab.path, mine="mine")
    assert f"1 commit that is nowhere else: {mine[:10]}" in refusal(lab.node(), some_shell)
    assert apply(lab.node(mine), some_shell) is None
    change = converge(lab.node(on_dirty="stash"), some_shell)
    assert change is not None
    assert change.differing() == ("revision", "local commits")
    assert git(lab.path, "rev-parse", f"kept-{mine}") == mine

    # On a branch of its own nothing gets lost, but it is told all the same; once pushed, there is nothing to tell.
    git(lab.path, "checkout", "-q", "-b", "work", lab.old)
    pushed = commit(lab.path, mine="pushed")
    assert pushed[:10] in refusal(lab.node(), some_shell)
    git(lab.path, "push", "-q", "origin", "work:refs/heads/work")
    apply(lab.node(), some_shell)
    assert git(lab.path, "rev-parse", "work") == pushed

    (lab.path / "a").write_text("mine\n")
    git(lab.path, "add", "a")
    change = apply(lab.node(lab.old, on_dirty="discard"), some_shell)
    assert change is not None
    assert dict(change.before or {})["uncommitted"] == "1 file: a"
    assert lab.file() == "old\n"


HALVES = {
    "an empty .git": lambda git_dir: git_dir.mkdir(parents=True),
    "part of a .git": lambda git_dir: (git_dir / "objects/pack").mkdir(parents=True),
    "an empty HEAD": lambda git_dir: (git(git_dir.parent, "init", "-q"), (git_dir / "HEAD").write_text("")),
    "no commit yet": lambda git_dir: (
        git(git_dir.parent, "init", "-q"),
        (git_dir / "index.lock").touch(),
        (git_dir / "config.lock").touch(),
        (git_dir / "objects/pack/tmp_pack_x").write_bytes(b"PACK"),
    ),
}


@pytest.mark.parametrize("half", HALVES)
def test_a_clone_that_was_cut_off(half: str, lab: Lab) -> None:
    # The directory above is a checkout itself, for which the half one must not be taken.
    outer = lab.path.parent
    outer.mkdir()
    git(outer, "init", "-q")
    head = commit(outer, outer="x")
    lab.path.mkdir()
    HALVES[half](lab.path / ".git")
    change = converge(lab.node(), DASH)
    assert change is not None
    assert change.before is None
    assert git(outer, "rev-parse", "HEAD") == head
    shutil.rmtree(lab.path / ".git")
    HALVES[half](lab.path / ".git")
    assert "git cannot use its .git" in refusal(lab.node())
    assert lab.file() == "new\n"


def test_a_first_checkout_that_was_cut_off(some_shell: Sequence[str], lab: Lab) -> None:
    lab.path.parent.mkdir()
    git(lab.path.parent, "clone", "-q", str(lab.upstream), str(lab.path))
    (lab.path / ".git/index").rename(lab.path / ".git/index.lock")
    (lab.path / "a").write_text("ne")
    (lab.path / "b ü\t").unlink()
    (lab.path / "a.key").write_text("key")
    change = converge(lab.node(), some_shell)
    assert change is not None
    assert change.differing() == ("checkout",)
    assert (lab.file(), lab.file("a.key")) == ("new\n", "key")

    # While a git is at work there, it is not cut off.
    (lab.path / ".git/index").rename(lab.path / ".git/index.lock")
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=lab.path, stdin=subprocess.PIPE) as other:
        with pytest.raises(Failed, match="another git is at work"):
            apply(lab.node(), some_shell)
        assert other.stdin
        other.stdin.close()


def test_an_update_that_was_cut_off(some_shell: Sequence[str], lab: Lab) -> None:
    """git is killed while it writes a file of the new commit, by a filter that this file passes through."""
    files = dict.fromkeys("defghij", "x" * 1000)
    apply(lab.node(lab.old), some_shell)
    latest = commit(lab.upstream, **files)
    git(lab.path, "config", "filter.deadly.smudge", "kill -9 $PPID")
    (lab.path / ".git/info").mkdir(exist_ok=True)
    (lab.path / ".git/info/attributes").write_text("h filter=deadly\n")
    with pytest.raises(Failed):
        apply(lab.node(latest), some_shell)
    assert lab.file("d") == files["d"]
    assert (lab.path / ".git/index.lock").exists()
    (lab.path / ".git/info/attributes").unlink()
    (lab.path / "a").write_text("somebody was here\n")
    change = converge(lab.node(latest), some_shell)
    assert change is not None
    assert change.differing() == ("revision", "checkout")
    assert git(lab.path, "status", "--porcelain") == ""
    assert "somebody was here" in git(lab.path, "show", "refs/engine/rescued:a")
    assert git(lab.path, "for-each-ref", "refs/engine/busy", "refs/engine/unfinished") == ""


@pytest.mark.parametrize("start", ["nothing", "an older commit", "to be removed"])
@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.full)])
def test_cut_off_at_each_command(start: str, after: bool, lab: Lab, tmp_path: Path, full: bool) -> None:
    commands = Commands(tmp_path / "bin", ("git", "mv", "rm", "mkdir", "rmdir", "stat"), after=after)
    resource = lab.node(state="absent") if start == "to be removed" else lab.node(submodules=True)
    apply(lab.node(lab.old), DASH)
    lab.path.rename(tmp_path / "older")
    for victim in range(1, 60, 1 if full else 7):
        if start != "nothing":
            shutil.copytree(tmp_path / "older", lab.path, symlinks=True)
        change = observe(resource, DASH).change
        assert change is not None
        with commands.at(victim), suppress(Failed, HostFailed):
            carry_out([resource], [change], DASH)
        apply(resource, DASH)
        if start == "to be removed":
            assert os.listdir(lab.path.parent) == []
        else:
            assert os.listdir(lab.path.parent) == [lab.path.name]
            assert (lab.file(), git(lab.path, "status", "--porcelain")) == ("new\n", "")
            shutil.rmtree(lab.path)
        if commands.count < victim:
            return
    pytest.fail("it was cut off each time")


def test_shallow(some_shell: Sequence[str], lab: Lab) -> None:
    settings = Path(HOME.name, ".gitconfig")
    # A path is not enough: git ignores the depth then.
    node = {"repo": f"file://{lab.upstream}", "shallow": 1}
    for settings_text in ("", "[protocol]\nversion = 0\n"):  # such a server hands out no commit by its name
        settings.write_text(settings_text)
        try:
            converge(lab.node(lab.new, **node), some_shell)
            assert git(lab.path, "rev-list", "--count", "HEAD") == "1"
            converge(lab.node(lab.old, **node), some_shell)
            shutil.rmtree(lab.path)
            converge(lab.node(lab.old, **node), some_shell)
            assert lab.file() == "old\n"
            shutil.rmtree(lab.path)
        finally:
            settings.unlink()
    converge(lab.node(lab.new, repo=node["repo"]), some_shell)
    latest = commit(lab.upstream, a="latest")
    converge(lab.node(latest, **node), some_shell)
    assert git(lab.path, "rev-parse", "--is-shallow-repository") == "false"


def test_submodules(some_shell: Sequence[str], lab: Lab, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    first = commit(inner, i="1")
    git(lab.upstream, "submodule", "--quiet", "add", str(inner), "sub dir")
    one = commit(lab.upstream)
    second = commit(inner, i="2")
    git(lab.upstream / "sub dir", "pull", "-q", "origin", "main")
    two = commit(lab.upstream)
    settings = Path(HOME.name, ".gitconfig")
    settings.write_text('[protocol "file"]\nallow = always\n')
    try:
        converge(lab.node(one, submodules=True), some_shell)
        assert git(lab.path / "sub dir", "rev-parse", "HEAD") == first
        change = converge(lab.node(two, submodules=True), some_shell)
        assert change is not None
        assert git(lab.path / "sub dir", "rev-parse", "HEAD") == second
        git(lab.path / "sub dir", "checkout", "-q", first)
        change = converge(lab.node(two, submodules=True), some_shell)
        assert change is not None
        assert change.differing() == ("submodules",)
        (lab.path / "sub dir/i").write_text("mine")
        assert "sub dir/i" in refusal(lab.node(two, submodules=True), some_shell)
        converge(lab.node(two, submodules=True, on_dirty="discard"), some_shell)
        (lab.path / "sub dir/i").write_text("mine")
        converge(lab.node(two, submodules=True, on_dirty="stash"), some_shell)
        assert "mine" in git(lab.path / "sub dir", "stash", "show", "-p")
    finally:
        settings.unlink()


def test_the_remote(lab: Lab, tmp_path: Path) -> None:
    apply(lab.node(), DASH)
    shutil.copytree(lab.upstream, tmp_path / "other")
    latest = commit(tmp_path / "other", a="other\n")
    change = converge(lab.node(repo=str(tmp_path / "other"), remote="origin"), DASH)
    assert change is not None
    assert change.differing() == ("revision", "remote")
    assert (git(lab.path, "rev-parse", "HEAD"), lab.file()) == (latest, "other\n")
    git(lab.path, "remote", "remove", "origin")
    converge(lab.node(repo=str(tmp_path / "other")), DASH)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for others")
def test_git_runs_as_the_owner(some_shell: Sequence[str], lab: Lab, everybodys: Path) -> None:
    shutil.copytree(lab.upstream, everybodys / "up", symlinks=True)
    home = everybodys / "theirs"
    home.mkdir()
    subprocess.run(["chown", "-R", "1:1", str(home), str(everybodys / "up")], check=True)
    theirs = Lab(everybodys / "up", home / "new" / AWKWARD, lab.old, lab.new)
    converge(theirs.node(lab.old), some_shell)
    hook = theirs.path / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nid -u >ran.key\n")
    hook.chmod(0o755)
    os.chown(hook, 1, 1)
    converge(theirs.node(), some_shell)
    assert theirs.file("ran.key") == "1\n"
    assert {path.lstat().st_uid for path in [home, *home.rglob("*")]} == {1}
    assert watch(theirs.node(), some_shell)[1]
    converge(theirs.node(state="absent"), some_shell)


def test_hooks_inherit_nothing(some_shell: Sequence[str], lab: Lab) -> None:
    apply(lab.node(lab.old), some_shell)
    hook = lab.path / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nls /proc/self/fd >open.key\n")
    hook.chmod(0o755)
    apply(lab.node(), some_shell)
    # The last is the directory that is being listed.
    assert lab.file("open.key").split() == ["0", "1", "2", "3"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for others")
def test_each_is_done_as_the_owner_of_where_it_is(some_shell: Sequence[str], lab: Lab, everybodys: Path) -> None:
    shutil.copytree(lab.upstream, everybodys / "up", symlinks=True)
    mixed = Lab(everybodys / "up", everybodys / "it", lab.old, lab.new)
    subprocess.run(["chown", "-R", "1:1", str(mixed.upstream)], check=True)

    def owners() -> set[int]:
        return {path.lstat().st_uid for path in (mixed.path, *mixed.path.rglob("*"))}

    # An empty directory stays whose it is, and the checkout in it becomes theirs, though the one above is root's.
    mixed.path.mkdir()
    os.chown(mixed.path, 1, 1)
    converge(mixed.node(lab.old), some_shell)
    converge(mixed.node(), some_shell)
    assert owners() == {1}
    # What root's checkout holds of theirs is not run.
    os.chown(mixed.path, 0, 0)
    assert "belongs to root, but others can write" in refusal(mixed.node(), some_shell)
    os.chown(mixed.path, 1, 1)
    converge(mixed.node(state="absent"), some_shell)
    # A link is theirs to make, and ours to refuse.
    mixed.path.symlink_to(mixed.upstream)
    assert "it is a symbolic link" in refusal(mixed.node(), some_shell)
    mixed.path.unlink()
    # git names its directory by its full path, on which anybody could put a link.
    everybodys.chmod(0o777)
    assert "could lead git elsewhere" in refusal(mixed.node(), some_shell)
    # Where everybody can write, only what is ours is used.
    everybodys.chmod(0o1777)
    leftover = everybodys / temporary(mixed.node().path)
    leftover.mkdir()
    os.chown(leftover, 1, 1)
    subprocess.run(["chown", "-R", "0:0", str(mixed.upstream)], check=True)
    converge(mixed.node(), some_shell)
    assert (owners(), leftover.stat().st_uid) == ({0}, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for others")
def test_a_clone_that_was_cut_off_where_others_can_write(lab: Lab, everybodys: Path, tmp_path: Path) -> None:
    """It is removed a day later by the next one."""
    everybodys.chmod(0o1777)
    mixed = Lab(lab.upstream, everybodys / "it", lab.old, lab.new)
    commands = Commands(tmp_path / "bin", ("git",))
    change = observe(mixed.node(), DASH).change
    with commands.at(6), suppress(Failed, HostFailed):
        carry_out([mixed.node()], [change], DASH)
    (left,) = everybodys.iterdir()
    apply(mixed.node(), DASH)
    assert left.exists()
    shutil.rmtree(mixed.path)
    os.utime(left, (1, 1))
    apply(mixed.node(), DASH)
    assert os.listdir(everybodys) == ["it"]


def test_a_password_shows_nowhere(some_shell: Sequence[str], lab: Lab) -> None:
    password = "pass word$'\"\\%canary"
    found: list[str] = []
    shared: list[int] = []

    def look() -> None:
        shared.append(1)
        for process in Path("/proc").glob("[0-9]*"):
            if int(process.name) == os.getpid():
                continue
            with suppress(OSError):
                text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                if b"canary" in text:
                    found.append(text.decode(errors="replace"))

    with serve(lab.upstream.parent, "me", password, look) as place:
        quoted = password.replace("%", "%25").replace("\\", "%5C").replace('"', "%22").replace(" ", "%20")
        repo = Secret(f"http://me:{quoted}@{place}/up/.git")
        with pytest.raises(Failed) as failed:
            observe(lab.node(repo=Secret(f"http://me:wrong@{place}/up/.git")), some_shell)
        assert "wrong" not in str(failed.value)
        converge(lab.node(lab.old, repo=repo), some_shell)
        converge(lab.node(repo=repo, shallow=True), some_shell)
    assert len(shared) > 4
    assert found == []
    assert "canary" not in (lab.path / ".git/config").read_text()
    assert not [p for p in lab.path.rglob("*") if p.is_file() and b"canary" in p.read_bytes()]


def test_absent(some_shell: Sequence[str], lab: Lab) -> None:
    absent = lab.node(state="absent")
    assert apply(absent, some_shell) is None
    apply(lab.node(), some_shell)
    (lab.path / "mine").write_text("x")
    assert "files that are not in git" in refusal(absent, some_shell)
    git(lab.path, "add", "mine")
    assert "uncommitted changes" in refusal(absent, some_shell)
    git(lab.path, "stash", "-q")
    assert "a stash" in refusal(absent, some_shell)
    git(lab.path, "stash", "drop", "-q")
    git(lab.path, "checkout", "-q", "-b", "work")
    commit(lab.path, mine="x")
    git(lab.path, "checkout", "-q", lab.new)
    assert "commits that are nowhere else" in refusal(absent, some_shell)
    assert "another repository" in refusal(lab.node(state="absent", repo="/other"), some_shell)
    converge(lab.node(state="absent", on_dirty="discard"), some_shell)
    assert os.listdir(lab.path.parent) == []
    lab.path.write_text("")
    assert "it is a file" in refusal(absent, some_shell)


SINCE: dict[str, Callable[[Lab], object]] = {
    "another commit": lambda lab: git(lab.path, "commit", "-q", "--allow-empty", "-m", "mine"),
    "another remote": lambda lab: git(lab.path, "remote", "set-url", "origin", "/elsewhere"),
    "an uncommitted change": lambda lab: [(lab.path / name).write_text("mine\n") for name in (".gitignore", "stray")],
}


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_changed_since_the_plan_is_left(lab: Lab, since: str, state: str) -> None:
    apply(lab.node(lab.old), DASH)
    (lab.path / "a").write_text("agreed to be lost\n")
    node = lab.node(commit(lab.upstream, a="newest\n"), on_dirty="discard", state=state)
    planned = observe(node).change
    SINCE[since](lab)
    left = snapshot(lab.path)
    assert planned is not None
    first = next(iter(node.actions(planned)))
    with pytest.raises(Failed, match="was changed since it was planned"):
        script(first.script)
    assert {name: about for name, about in snapshot(lab.path).items() if ".git/" not in name + "/"} == {
        name: about for name, about in left.items() if ".git/" not in name + "/"
    }


def test_a_removal_that_was_cut_off(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rm is killed when a file is gone: what is left must not look like a checkout that somebody changed."""
    apply(lab.node(), DASH)
    (tmp_path / "bin").mkdir()
    deadly = tmp_path / "bin/rm"
    rm = shutil.which("rm")
    kill = f'[ "$last" != ./a ] || {{ {rm} "$last"; kill -9 $PPID; exit; }}'
    deadly.write_text(f'#!/bin/sh\nfor last do :; done\n{kill}\nexec {rm} "$@"\n')
    deadly.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        with pytest.raises((Failed, HostFailed)):
            apply(lab.node(state="absent"), DASH)
    assert not (lab.path / "a").exists()
    assert (lab.path / "b ü\t").exists()
    shutil.copytree(lab.path, tmp_path / "half", symlinks=True)
    converge(lab.node(state="absent"), DASH)
    assert os.listdir(lab.path.parent) == []
    (tmp_path / "half").rename(lab.path)
    converge(lab.node(), DASH)
    assert lab.file() == "new\n"


def test_what_a_service_watches(some_shell: Sequence[str], lab: Lab) -> None:
    apply(lab.node(), some_shell)
    seen = watch(lab.node(), some_shell)
    commit(lab.upstream, more="x")
    git(lab.path, "fetch", "-q")
    git(lab.path, "status")
    (lab.path / "__pycache__").mkdir()
    (lab.path / "__pycache__/a.pyc").write_text("")
    (lab.path / "a.key").write_text("key")
    assert watch(lab.node(), some_shell) == seen
    (lab.path / "b ü\t").unlink()
    gone = watch(lab.node(), some_shell)
    assert gone[0] != seen[0]
    assert gone[1] > seen[1]
    apply(lab.node(lab.new, on_dirty="discard"), some_shell)
    back = watch(lab.node(), some_shell)
    assert (back[0], back[1] > gone[1]) == (seen[0], True)
    (lab.path / "a").write_text("mine")
    assert watch(lab.node(), some_shell)[0] != back[0]


def test_without_git(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("dash", "cat", "stat", "sha256sum", "id", "ps", "rm", "mkdir"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Failed, match="git is not installed on this host"):
        observe(lab.node(), DASH)
