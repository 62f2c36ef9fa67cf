"""Loading as a whole: secrets are read once or not at all, files are read once, what is the same is shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.declare import read_vars
from engine.declare.registry import kinds
from engine.errors import InvalidInput, Position
from engine.model import HostPath, Secret, Source
from tests.unit.declare.conftest import Project

COUNTING = """\
hosts: web
secrets:
  used: { command: "echo x >>ran; printf secret-%s $(wc -l <ran)" }
  unused: { command: "echo x >>never" }
  per_host: { command: ["printf", "for-{{ host.name }}"] }
vars: { line: "a {{ secrets.used }} b" }
resources:
  one: { note: { path: /a, text: "{{ secrets.used }}" } }
  two: { note: { path: /b, text: "{{ line }}" } }
  three: { note: { path: /c, text: "{{ secrets.per_host | upper }}" } }
"""


def test_a_secret_is_read_once_and_only_if_it_is_used(project: Project) -> None:
    project.write("state.yaml", COUNTING)
    loaded = project.load()
    assert project.root.joinpath("ran").read_text() == "x\n"
    assert not project.root.joinpath("never").exists()
    texts = [[each.resource.text.reveal() for each in host.resources] for host in loaded.hosts]  # type: ignore[attr-defined]
    assert texts == [
        ["secret-1", "a secret-1 b", "FOR-ONE"],
        ["secret-1", "a secret-1 b", "FOR-TWO"],
    ]


def test_everything_that_must_be_redacted_is_known(project: Project) -> None:
    project.write("state.yaml", COUNTING)
    assert {secret.reveal() for secret in project.load().secrets} == {
        "secret-1", "for-one", "for-two", "FOR-ONE", "FOR-TWO",
    }  # fmt: skip


def test_validation_reads_no_secret(project: Project) -> None:
    head = "hosts: web\nsecrets:\n  used: { command: 'echo x >>ran' }\n  file: { file: /nowhere }\n"
    head += "  hash: { env: NOT_SET, format: bcrypt, matches: file }\n  ask: { prompt: true }\n"
    body = "".join(
        f"  {name}: {{ note: {{ path: /a, text: 'x{{{{ secrets.{name} }}}}' }} }}\n"
        for name in ("used", "file", "hash", "ask")
    )
    project.write("state.yaml", f"{head}resources:\n{body}")
    loaded = project.load(read_secrets=False)
    assert not project.root.joinpath("ran").exists()
    notes = [each.resource for each in loaded.hosts[0].resources]
    assert all(isinstance(note.text, Secret) for note in notes)  # type: ignore[attr-defined]
    assert len(notes[2].text.reveal()) == 61  # type: ignore[attr-defined]
    project.write("state.yaml", f"{head.replace('matches: file', 'matches: none')}resources:\n{body}")
    with pytest.raises(InvalidInput, match="secret hash refers to `none`, which is not a secret"):
        project.load(read_secrets=False)


def test_warnings_are_handed_on(project: Project) -> None:
    project.write("token", "hush-hush").chmod(0o644)
    project.write(
        "state.yaml",
        "hosts: web\nsecrets: { t: { file: token } }\n"
        "resources:\n  a: { note: { path: /a, text: '{{ secrets.t }}' } }\n",
    )
    (warning,) = project.load().warnings
    assert "secret t" in warning
    assert "hush" not in warning


def test_what_is_the_same_for_all_hosts_is_made_once(project: Project) -> None:
    project.write("file", "text")
    project.write(
        "state.yaml",
        "hosts: web\nresources:\n  a: { copy: { source: file } }\n  b: { copy: { source: '{{ \"file\" }}' } }\n",
    )
    one, two = project.load().hosts
    assert one.resources[0].resource is two.resources[0].resource
    assert one.resources[1].resource is not two.resources[1].resource
    assert one.resources[1].resource.source is two.resources[1].resource.source  # type: ignore[attr-defined]


def test_what_a_kind_gets(one: Any) -> None:
    note = one("path: ~/a, lines: [a], place: { dir: /b }, free: [[1], { a: [2] }]")
    assert type(note.path) is HostPath
    assert type(note.place["dir"]) is HostPath
    assert note.lines == ("a",)
    assert note.free == ((1,), {"a": (2,)})
    assert type(one("path: /a, count: '{{ n }}'", "vars: { n: 0x10 }").count) is int
    assert type(one("path: /a, ratio: '{{ n }}'", "vars: { n: 1.50 }").ratio) is float
    assert type(one("path: /a, text: '{{ n }}'", "vars: { n: 1.50 }").text) is str


def test_positions(project: Project) -> None:
    project.write("sub/part.yaml", "resources:\n  a:\n    note: { path: /a }\n")
    project.write(
        "sub/state.yaml",
        "hosts: one\ninclude: [{ file: part.yaml, as: p }]\nresources:\n  b:\n    note: { path: /b }\n",
    )
    places = [each.position for each in project.load("sub/state.yaml").hosts[0].resources]
    assert places == [Position("sub/part.yaml", 2, 3), Position("sub/state.yaml", 4, 3)]


def test_a_directory_stands_for_its_states(project: Project) -> None:
    for name in ("b.yaml", "a.yml", "c.txt"):
        project.write(f"states/{name}", f"hosts: one\nresources:\n  {name[0]}: {{ note: {{ path: /a }} }}\n")
    loaded = project.load("states")
    assert loaded.name == "a, b"
    assert [each.name for each in loaded.hosts[0].resources] == ["a", "b"]
    assert project.load("states/a.yml", "states/b.yaml", "states/a.yml").name == "a, b"


def test_variables_from_a_file_remember_their_spelling(project: Project) -> None:
    path = project.write("more.yaml", "bits: 0640\nrevision: 6910925\nlist: [1, a]\nname: x\nyes: no\n")
    extra = read_vars(path)
    assert extra == {"bits": 640, "revision": 6910925, "list": [1, "a"], "name": "x", "yes": "no"}
    head = "vars: { bits: 0600, revision: main, list: [], name: '', yes: '' }"
    project.write(
        "state.yaml",
        f"hosts: one\n{head}\nresources:\n"
        "  a: { note: { path: '/{{ revision }}', mode: '{{ bits }}' } }\n",
    )
    note: Any = project.load(extra=extra).hosts[0].resources[0].resource
    assert (note.path, note.mode) == ("/6910925", "0640")
    for text, words in (
        ("[a]", "expected a map of variables"),
        ("a: [", "not valid YAML"),
        ("a: 1\na: 2\n", "duplicate key"),
    ):
        with pytest.raises(InvalidInput, match=words):
            read_vars(project.write("more.yaml", text))
    assert read_vars(project.write("more.yaml", "# nothing\n")) == {}
    with pytest.raises(InvalidInput, match="no such file"):
        read_vars(Path("nowhere.yaml"))


def test_sources(project: Project, one: Any) -> None:
    project.write("tree/b/deep", "deep").chmod(0o755)
    project.write("tree/a", "a" * 70_000)
    project.write("outside", "x")
    (project.root / "tree/link").symlink_to("b")
    (project.root / "tree/b/file").symlink_to("../a")
    source: Source = one("source: tree", kind="copy").source
    assert source.tree
    assert [(file.name, file.size, file.mode) for file in source.files if file.mode == 0o755] == [
        ("b/deep", 4, 0o755), ("link/deep", 4, 0o755),
    ]  # fmt: skip
    assert [file.name for file in source.files] == ["a", "b/deep", "b/file", "link/deep", "link/file"]
    assert [file.data for file in source.files] == [None] * 5
    small: Source = one("source: outside", kind="copy").source
    assert (small.tree, small.files[0].name, small.files[0].data) == (False, "", b"x")
    big: Source = one("source: tree/a", kind="copy").source
    assert (big.files[0].data, big.files[0].digest) == (None, source.files[0].digest)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("../outside", "is a link that points outside"),
        ("/etc", "is a link that points outside"),
        (".", "is a link to a directory that contains it"),
        ("nowhere", "tree/link does not exist"),
        ("link", "tree/link cannot be read: Too many levels"),
    ],
)
def test_links_in_a_source(project: Project, one: Any, target: str, words: str) -> None:
    project.write("tree/a", "a")
    project.write("outside", "x")
    (project.root / "tree/link").symlink_to(target)
    with pytest.raises(InvalidInput, match=words):
        one("source: tree", kind="copy")


def test_a_source_that_is_no_file(project: Project, one: Any) -> None:
    import os

    project.write("tree/a", "a")
    os.mkfifo(project.root / "tree/pipe")
    with pytest.raises(InvalidInput, match="tree/pipe is neither a file nor a directory"):
        one("source: tree", kind="copy")


def test_a_home_directory_expands(project: Project, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project.root / "home"))
    project.write("home/motd", "hello")
    assert one("source: ~/motd", kind="copy").source.files[0].data == b"hello"


def test_a_small_state_loads_without_what_is_slow(project: Project) -> None:
    """jsonschema is for errors, Jinja2 for expressions, and a kind that is not used is not imported."""
    project.write(
        "state.yaml",
        "hosts: one\nvars: { dir: /srv }\nresources:\n  a:\n    needs: []\n    for_each: [x, y]\n    timeout: 90\n"
        "    file-sync: { path: '{{ dir }}/{{ each.value }}', content: hello, mode: 0600, parents: true }\n",
    )
    code = """
import sys
from pathlib import Path
from engine.declare.build import load
from engine.declare.inventory import Inventory

root = Path.cwd()
inventory = Inventory.load([root / "inventory.yaml"], root)
load([Path("state.yaml")], project=root, inventory=inventory, extra={}, limit=None)
slow = {"jinja2", "jsonschema", "bcrypt", "difflib", "engine.kinds.git_clone", "engine.declare.yaml.syntax"}
print(*sorted(slow & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project.root)
    assert ran.stdout == "\n"


def test_the_kinds_of_the_engine_are_there() -> None:
    assert set(kinds()) >= {"git-clone", "file-sync", "compose-restart", "http-assert", "pip-install"}
