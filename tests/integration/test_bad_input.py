"""What is wrong is said: through the real commands, message by message, with nothing half done behind it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.codes import BY_NAME
from engine.declare.registry import OWN
from tests.integration.project import Project, Ran
from tests.sshd import Sshd, free_port, keygen, needs_sshd, public

HEAD = "name: test\nhosts: all\n"
ONE = f"{HEAD}resources:\n  one:\n"
FILE = "    file-sync: { path: /nowhere/x, content: a }\n"
HASH = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
TOKEN = f"""{HEAD}secrets:
  token: {{ file: .secrets/token, format: bcrypt }}
resources:
  one:
    file-sync: {{ path: /nowhere/x, content: "{{{{ secrets.token }}}}" }}
"""

STATES = {
    "not YAML": (
        f"{HEAD}resources: [one\n",
        "state.yaml:4:1: not valid YAML: did not find expected ',' or ']'\n"
        "  while reading what begins in line 3; keys of one map, and items of one list, start in the same column\n",
    ),
    "tabs": (
        f"{HEAD}resources:\n\tone:\n",
        "state.yaml:4:1: a tab where YAML allows only spaces\n  indent with spaces\n",
    ),
    "unquoted template": (
        f"{ONE}    file-sync: {{ path: {{{{ dir }}}}/x, content: a }}\n",
        "state.yaml:5:24: a value that begins with `{{` must be quoted\n" + '  write it as "{{ dir }}/x"\n',
    ),
    "duplicate key": (
        f"{ONE}{FILE}  one:\n{FILE}",
        "state.yaml:6:3: duplicate key `one`\n  the first one is in line 4\n",
    ),
    "unknown keyword": (
        f"{ONE}{FILE}    need: []\n",
        "state.yaml:6:5: `need` is neither a kind nor a keyword of a resource\n"
        "  did you mean `needs`? Keywords: needs, when, for_each, tags, become, timeout, retries\n",
    ),
    "unknown parameter": (
        f"{ONE}    file-sync: {{ path: /nowhere/x, contents: a }}\n",
        "state.yaml:5:36: file-sync has no parameter `contents`\n"
        "  did you mean `content`? See: onetrip kinds file-sync\n",
    ),
    "unknown kind": (
        f"{ONE}    file-synch: {{ path: /nowhere/x }}\n",
        f"state.yaml:5:5: unknown kind `file-synch`\n  did you mean `file-sync`? Available: {', '.join(OWN)}\n",
    ),
    "wrong type": (
        f"{ONE}    file-sync: {{ path: /nowhere/x, content: a, parents: [1] }}\n",
        "state.yaml:5:57: file-sync `parents`: expected true or false, got a list\n",
    ),
    "missing parameter": (
        f"{ONE}    file-sync: {{ content: a }}\n",
        "state.yaml:5:5: file-sync needs the parameter `path`\n  `path`: The file or directory on the host\n",
    ),
    "undefined variable": (
        f"{HEAD}vars: {{ directory: /nowhere }}\nresources:\n  one:\n"
        '    file-sync: { path: "{{ directry }}/x" }\n',
        "state.yaml:6:24: `directry` is not defined\n  did you mean `directory`?\n",
    ),
    "cycle": (
        f"{ONE}{FILE}    needs: [two]\n  two:\n{FILE}    needs: [one]\n",
        "state.yaml:4:3: circular needs: one → two → one\n"
        "  state.yaml:4:3: one needs two\n  state.yaml:7:3: two needs one\n",
    ),
    "needs of an unknown name": (
        f"{ONE}{FILE}  two:\n{FILE.replace('/x', '/y')}    needs: [on]\n",
        "state.yaml:8:13: `two` needs `on`, but no resource has that name\n  did you mean `one`?\n",
    ),
    "a pattern without hosts": (
        f"{ONE}{FILE}".replace("all", "gpus"),
        "state.yaml:2:8: `gpus` is neither a group nor a host of the inventory\n"
        "  did you mean `gpu1`?\n  hosts: here, gpu1\n",
    ),
    "an empty file": (
        "",
        "state.yaml:1:1: expected a map, got an empty file\n"
        "  a state file starts with keys such as `name:`, `hosts:` and `resources:`\n",
    ),
    "a relative path": (
        f"{ONE}    file-sync: {{ path: tmp/x, content: a }}\n",
        "state.yaml:5:24: file-sync `path`: expected a path on the host, absolute or beginning with ~/, "
        "got `tmp/x`\n",
    ),
    "several at once": (
        f"{ONE}    file-synch: {{}}\n  two:\n    file-sync: {{ content: a }}\n",
        "state.yaml:5:5: unknown kind `file-synch`\n"
        f"  did you mean `file-sync`? Available: {', '.join(OWN)}\n"
        "state.yaml:7:5: file-sync needs the parameter `path`\n  `path`: The file or directory on the host\n",
    ),
}

NO_HASH = "state.yaml:4:12: secret token is not a bcrypt hash: "
READ = "  read from ROOT/.secrets/token"
SECRETS = {
    "missing": (
        None,
        "state.yaml:4:12: secret token cannot be read: ROOT/.secrets/token does not exist\n"
        "  ROOT/.secrets does not exist\n",
    ),
    "empty": ("", f"{NO_HASH}it is empty\n{READ} (0 characters, expected 60)\n"),
    "a raw password": (
        "hunter2-and-more\n",
        f"{NO_HASH}it does not begin with `$2b$`; this looks like the password itself, or another kind of token\n"
        f"{READ} (16 characters, expected 60)\n"
        "  To create its hash, declare `bcrypt: {password: NAME, file: PATH}`.\n",
    ),
    "without $2b": (
        f"{HASH[3:]}\n",
        f"{NO_HASH}it starts with `$12$`, not `$2b$12$`\n{READ} (57 characters, expected 60)\n"
        "  A shell removed `$2b`; write the file again with the hash in single quotes.\n",
    ),
    "without $2": (
        f"b{HASH[3:]}\n",
        f"{NO_HASH}it starts with `b$12$`, not `$2b$12$`\n{READ} (58 characters, expected 60)\n"
        "  A shell removed `$2`; write the file again with the hash in single quotes.\n",
    ),
    "with BOM": (
        f"\ufeff{HASH}\n",
        f"{NO_HASH}it begins with a byte-order mark (BOM), probably added by an editor\n"
        f"{READ} (60 characters, expected 60)\n  Save it as UTF-8 without BOM.\n",
    ),
    "with CR": (
        f"{HASH}\r\n",
        f"{NO_HASH}it contains a carriage return (CR), as Windows editors add at line ends\n"
        f"{READ} (61 characters, expected 60)\n  Save it with Unix line ends, or remove them: tr -d '\\r'\n",
    ),
}

COMMANDS = {
    "-e of an undeclared variable": (
        ("plan", "-e", "workspce=x"),
        "-e workspce: no state declares this variable\n  did you mean `workspace`? Available: workspace, ",
    ),
    "-e without a value": (("plan", "-e", "workspace"), "-e workspace: expected key=value or @file.yaml\n"),
    "-e of a file that is not there": (
        ("apply", "-e", "@no.yaml"),
        "ROOT/no.yaml: cannot be read: no such file\n  tried ROOT/no.yaml\n",
    ),
    "--only without a match": (
        ("plan", "--only", "oen"),
        "--only: `oen` matches no resource\n  did you mean `one`?\n  Available: one\n",
    ),
    "--skip without a match": (
        ("apply", "--skip", "kind:git"),
        "--skip: `kind:git` matches no resource\n  Available: kind:file-sync\n",
    ),
    "--limit without a match": (
        ("plan", "-l", "gpu9"),
        "`gpu9` is neither a group nor a host of the inventory\n  did you mean `gpu1`?\n  hosts: here, gpu1\n",
    ),
    "an option that is none": (("apply", "--fast"), "Usage: apply [OPTIONS] STATE...\n"),
    "a root that is none": (("plan", "-C", "/nonexistent"), "-C /nonexistent: no such directory\n"),
    "an inventory that is none": (
        ("apply", "-i", "no.yaml"),
        "no.yaml: cannot be read: no such file\n  tried ROOT/no.yaml\n",
    ),
}


CODES = {
    "not YAML": "OT1103",
    "tabs": "OT1103",
    "unquoted template": "OT1103",
    "duplicate key": "OT1105",
    "unknown keyword": "OT1108",
    "unknown parameter": "OT1108",
    "unknown kind": "OT1111",
    "wrong type": "OT1107",
    "missing parameter": "OT1109",
    "undefined variable": "OT1401",
    "cycle": "OT1115",
    "needs of an unknown name": "OT1114",
    "a pattern without hosts": "OT1206",
    "an empty file": "OT1107",
    "a relative path": "OT1107",
    "several at once": "OT1111 OT1109",
    "missing": "OT1301",
    "empty": "OT1305",
    "a raw password": "OT1305",
    "without $2b": "OT1305",
    "without $2": "OT1305",
    "with BOM": "OT1305",
    "with CR": "OT1305",
    "-e of an undeclared variable": "OT1006",
    "-e without a value": "OT1005",
    "-e of a file that is not there": "OT1101",
    "--only without a match": "OT1007",
    "--skip without a match": "OT1007",
    "--limit without a match": "OT1206",
    "an option that is none": "OT1001",
    "a root that is none": "OT1004",
    "an inventory that is none": "OT1101",
}
"""Case → the codes its message shows."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    local = {"ansible_connection": "local"}
    project.inventory({"here": local, "gpu1": local})
    return project


SHOWN = re.compile(r"(?m) \[(OT\d{4})\]$")
"""The code at the end of an error's first line."""


def judge(ran: Ran, project: Project, code: int, message: str, *codes: str) -> str:
    """The whole message, the codes in it, the exit code, nothing on the other stream. The message without codes."""
    assert ran.code == code, ran.out + ran.err
    said = SHOWN.sub("", ran.err).replace(str(project.root), "ROOT")
    assert said.startswith(message), ran.err
    assert tuple(SHOWN.findall(ran.err)) == codes, ran.err
    assert set(codes) <= set(BY_NAME)
    if message.count("\n") > 1:
        assert len(ran.err.splitlines()) <= message.count("\n") + 1
    assert ran.out == ""
    assert "Traceback" not in ran.err
    return said


@pytest.mark.parametrize("case", STATES)
def test_a_state_that_cannot_be(project: Project, case: str) -> None:
    text, message = STATES[case]
    project.write("state.yaml", text)
    ran = project.run("plan")
    assert judge(ran, project, 3, message, *CODES[case].split()) == message
    assert all(SHOWN.search(line) for line in ran.err.splitlines() if not line.startswith(" "))


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_that_cannot_be(project: Project, case: str) -> None:
    text, message = SECRETS[case]
    project.write("state.yaml", TOKEN)
    if text is not None:
        project.write(".secrets/token", text)
    ran = project.run("apply")
    assert judge(ran, project, 3, message, CODES[case]) == message
    assert not (project.root / ".engine/runs").exists()


def test_a_secret_that_everybody_can_read(project: Project, tmp_path: Path) -> None:
    project.write("state.yaml", TOKEN.replace("/nowhere", str(tmp_path)).replace("hosts: all", "hosts: here"))
    project.write(".secrets/token", HASH + "\n", 0o644)
    ran = project.run("apply")
    assert ran.code == 0, ran.err
    path = project.root / ".secrets/token"
    assert ran.err == (
        f"warning: secret token: {path} can be read by everyone on this machine (mode 0644); chmod 600 {path}\n"
    )


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_that_cannot_be(project: Project, case: str) -> None:
    words, message = COMMANDS[case]
    project.write("state.yaml", f"{HEAD}vars: {{ workspace: /nowhere }}\nresources:\n  one:\n{FILE}")
    judge(project.run(*words), project, 3, message, CODES[case])


def test_a_state_that_is_not_there(project: Project) -> None:
    project.write("states/qwen.yaml", f"{ONE}{FILE}")
    judge(
        project.run("plan", state="stat.yaml"),
        project,
        3,
        "no such state file: ROOT/stat.yaml\n  Available:\n",
        "OT1003",
    )
    judge(
        project.run("plan", state=""),
        project,
        3,
        "no state file given\n  Available:\n    states/qwen.yaml\n",
        "OT1002",
    )


# --- hosts ---------------------------------------------------------------------------------------------------------


def told(project: Project, code: int, *messages: str) -> None:
    """An apply ends so, and its report says so."""
    ran = project.run("apply")
    assert ran.code == code, ran.out + ran.err
    for message in messages:
        assert re.search(rf"(?m)^ .*{re.escape(message)}( \[OT\d{{4}}\])?$", ran.out), ran.out
    assert SHOWN.search(ran.out), "an error without a code"
    assert "Traceback" not in ran.out + ran.err


def file_at(project: Project, path: Path, **parameters: Any) -> None:
    project.state({"one": {"file-sync": {"path": str(path), "content": "new\n", **parameters}}})


def test_a_host_where_nothing_listens(tmp_path: Path) -> None:
    port = free_port()
    project = Project(tmp_path, {"ansible_host": "127.0.0.1", "ansible_port": port})
    file_at(project, tmp_path / "x")
    told(project, 4, f"✗ unreachable: 127.0.0.1:{port} refuses connections; nothing is listening")


@pytest.fixture
def seen_by_all() -> Iterator[Path]:
    """A directory that every user may look into; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def sshd(seen_by_all: Path) -> Iterator[Sshd]:
    with Sshd(seen_by_all / "sshd", users={"alice": "unused"}) as server:
        yield server


@pytest.mark.sshd
@needs_sshd
def test_a_host_that_is_not_who_it_should_be(tmp_path: Path, sshd: Sshd) -> None:
    project = Project(tmp_path, sshd.variables())
    file_at(project, tmp_path / "x")
    right = public(sshd.host_key())
    sshd.known_hosts.write_text("")
    told(
        project,
        4,
        "is not known; nothing was sent",
        "Check it on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        f"then add to {sshd.known_hosts}: {sshd.name} {right}",
    )
    sshd.known_hosts.write_text(f"{sshd.name} {public(keygen(tmp_path / 'other'))}\n")
    told(
        project,
        4,
        "does not match the known one; nothing was sent",
        "Either the host was reinstalled, or someone is intercepting the connection.",
        f"replace {sshd.known_hosts}:1: {sshd.name} {right}",
    )
    sshd.known_hosts.write_text(f"{sshd.name} {right}\n")
    project.inventory({"here": sshd.variables() | {"ansible_user": "nobody-here"}})
    told(
        project,
        4,
        f"✗ unreachable: authentication failed for nobody-here@127.0.0.1:{sshd.port}",
        "The server accepts: publickey",
        "Check ansible_user and ansible_ssh_private_key_file, and authorized_keys on the host.",
    )
    assert sshd.execs() == 0
    assert not (tmp_path / "x").exists()


@pytest.mark.sshd
@needs_sshd
def test_what_the_user_may_not_do(tmp_path: Path, sshd: Sshd, seen_by_all: Path) -> None:
    project = Project(tmp_path, sshd.variables() | {"ansible_user": "alice"})
    closed = seen_by_all / "closed"
    closed.mkdir(mode=0o755)
    file_at(project, closed / "x")
    told(project, 1, f"because    no file can be made in {closed}; {closed}/x is as it was", ": Permission denied")
    assert list(closed.iterdir()) == []
    (closed / "x").write_text("old\n")
    told(project, 1, f"because    no file can be made in {closed}; {closed}/x is as it was")
    assert (closed / "x").read_text() == "old\n"
    (closed / "x").chmod(0o600)
    told(project, 1, f"because        permission denied: {closed}/x cannot be read")
    assert [path.name for path in closed.iterdir()] == ["x"]


def without(directory: Path, *names: str) -> dict[str, Any]:
    """This machine as a host on which the programs that begin with `names` are not installed."""
    directory.mkdir()
    for top in ("/usr/local/bin", "/usr/bin", "/bin"):
        for program in Path(top).iterdir():
            link = directory / program.name
            if not program.name.startswith(names) and not link.exists() and os.access(program, os.X_OK):
                link.symlink_to(program)
    return {"ansible_connection": "command", "ansible_command_argv": ["env", f"PATH={directory}"]}


@pytest.mark.parametrize(
    ("missing", "resource", "message"),
    [
        ("git", {"git-clone": {"repo": "/srv/x.git", "path": "{top}/clone"}}, "git is not installed on this host"),
        ("curl", {"http-assert": {"url": "http://127.0.0.1:9"}, "timeout": 3}, "curl is not installed on this host"),
        ("python", {"pip-install": {"packages": ["x"]}}, "python3 is not installed on this host"),
        (
            "docker",
            {"compose-restart": {"project_dir": "{top}/service", "service": "it"}},
            "docker is not installed on this host",
        ),
    ],
)
def test_a_program_that_is_not_installed(tmp_path: Path, missing: str, resource: Any, message: str) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service/docker-compose.yml").write_text("services: { it: { image: none } }\n")
    project = Project(tmp_path, without(tmp_path / "bin", missing, "podman"))
    (kind,) = (name for name in resource if "-" in name)
    parameters = {
        name: value.replace("{top}", str(tmp_path)) if isinstance(value, str) else value
        for name, value in resource[kind].items()
    }
    project.state({"one": {**resource, kind: parameters}})
    told(project, 1, message)
    assert not (tmp_path / "clone").exists()


def test_tar_is_missing_where_bulk_content_is_to_be_sent(tmp_path: Path) -> None:
    project = Project(tmp_path, without(tmp_path / "bin", "tar"))
    project.write("tree/a", "x" * 70_000)
    project.state({"one": {"file-sync": {"path": f"{tmp_path}/tree", "source": "tree"}}})
    told(project, 1, "✗ upload: tar is not installed on this host")
    assert not (tmp_path / "tree").exists()


def test_a_host_without_sh(tmp_path: Path) -> None:
    host = {"ansible_connection": "command", "ansible_command_argv": ["env", "PATH=/nonexistent"]}
    project = Project(tmp_path, host)
    file_at(project, tmp_path / "x")
    told(
        project,
        1,
        "✗ `sh` could not be started on the host (exit status 127); the host needs a POSIX sh",
    )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with next to no room."""
    top = tmp_path / "small"
    top.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(top)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs root, and the right to mount a file system")
    yield top
    subprocess.run(["umount", str(top)], check=True)


def test_a_disk_that_is_full(project: Project, small: Path) -> None:
    project.inventory({"here": {"ansible_connection": "local"}})
    target = small / "file"
    target.write_text("old\n")
    (small / "filler").write_bytes(b"x" * 48_000)
    project.write("large", "n" * 200_000)
    for content, message in (
        ({"content": "n" * 20_000}, "could not be written in full (no space left?); the old one is as it was"),
        ({"source": "large"}, "No space left on device"),
    ):
        project.state({"one": {"file-sync": {"path": str(target), **content}}})
        told(project, 1, message)
        assert target.read_text() == "old\n"
        assert sorted(path.name for path in small.iterdir()) == ["file", "filler"]
    (small / "filler").unlink()
    file_at(project, target)
    assert project.run("apply").code == 0
    assert target.read_text() == "new\n"


def test_what_stands_in_the_way(project: Project, tmp_path: Path) -> None:
    project.inventory({"here": {"ansible_connection": "local"}})
    real, link, directory = tmp_path / "real", tmp_path / "link", tmp_path / "directory"
    real.write_text("old\n")
    link.symlink_to(real)
    directory.mkdir()
    file_at(project, link)
    told(
        project,
        1,
        f"! one                   refused    {link} is a symbolic link; it was left as it is: remove it, or set "
        "follow: true to manage what it leads to",
    )
    file_at(project, directory)
    told(project, 1, f"{directory} is in the way: it is a directory; it was left as it is: move it away")
    file_at(project, real / "x", parents=True)
    told(project, 1, f"{real} is in the way of {real}/x: it is not a directory; it was left as it is")
    assert real.read_text() == "old\n"
    assert link.is_symlink()
