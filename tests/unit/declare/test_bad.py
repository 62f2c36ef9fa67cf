"""Input that is wrong, as data: `bad/NAME.yaml` (or the directory `bad/NAME`), and in `bad/NAME.txt` every word that
is said about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import InvalidInput
from tests.unit.declare.conftest import Project

BAD = Path(__file__).parent / "bad"
CASES = sorted(path for path in BAD.iterdir() if path.suffix != ".txt")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_says(path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE_TEST_TOKEN", "hush")
    if path.is_dir():
        shutil.copytree(path, project.root, dirs_exist_ok=True)
    else:
        shutil.copy(path, project.root / "state.yaml")
    with pytest.raises(InvalidInput) as caught:
        project.load()
    assert str(caught.value).replace(str(project.root), "PROJECT") + "\n" == (BAD / f"{path.stem}.txt").read_text()
    assert "hush" not in str(caught.value)


def test_not_utf8(project: Project) -> None:
    project.root.joinpath("state.yaml").write_bytes(b"hosts: one\nname: caf\xe9\n")
    assert says(project) == "state.yaml:2:10: not UTF-8 text\n  save the file as UTF-8"


def test_utf16(project: Project) -> None:
    project.root.joinpath("state.yaml").write_bytes("hosts: one\n".encode("utf-16"))
    assert says(project) == "state.yaml:1:1: not UTF-8 text\n  save the file as UTF-8"


def test_binary(project: Project) -> None:
    project.root.joinpath("state.yaml").write_bytes(b"a: \x00\x01\n")
    assert "state.yaml:1:4: not YAML: the character U+0000 is not allowed" in says(project)


def test_byte_order_mark_is_no_error(project: Project) -> None:
    project.root.joinpath("state.yaml").write_bytes(b"\xef\xbb\xbfhosts: one\nresources: {}\n")
    assert project.load().hosts[0].resources == ()


def test_no_such_file(project: Project) -> None:
    assert says(project, "states/none.yaml") == (
        f"states/none.yaml: cannot be read: no such file\n  tried {project.root}/states/none.yaml"
    )


def test_what_the_system_says(project: Project) -> None:
    project.write("state.yaml", "hosts: one\n")
    assert says(project, "state.yaml/x.yaml").startswith("state.yaml/x.yaml: cannot be read: not a directory")


def test_link_in_a_circle(project: Project) -> None:
    project.root.joinpath("state.yaml").symlink_to("state.yaml")
    assert says(project).startswith("state.yaml: cannot be read: too many levels of symbolic links")


def test_directory_without_states(project: Project) -> None:
    project.root.joinpath("states").mkdir()
    assert says(project, "states") == "states: no *.yaml in this directory"


def test_every_error_of_every_file_at_once(project: Project) -> None:
    project.write("a.yaml", "hosts: web\nresources:\n  x: { notes: { path: /a } }\n")
    project.write("b.yaml", "hosts: web\nresources:\n  y: { note: { path: '{{ nowhere }}' } }\n")
    project.write("c.yaml", "hosts: [")
    lines = [line for line in says(project, "a.yaml", "b.yaml", "c.yaml").splitlines() if not line.startswith(" ")]
    assert [line.split(" ")[0] for line in lines] == ["a.yaml:3:8:", "b.yaml:3:22:", "c.yaml:2:1:"]


def test_the_same_name_in_two_files(project: Project) -> None:
    project.write("a.yaml", "hosts: web\nresources:\n  x: { note: { path: /a } }\n")
    project.write("b.yaml", "hosts: two\nresources:\n  x: { note: { path: /b } }\n")
    assert says(project, "a.yaml", "b.yaml") == (
        "b.yaml:3:3: there are two resources named `x`\n  the other is at a.yaml:3:3\n  on two"
    )


def test_two_rollouts(project: Project) -> None:
    project.write("a.yaml", "hosts: web\nrollout: { forks: 1 }\n")
    project.write("b.yaml", "hosts: web\nrollout: { forks: 2 }\n")
    assert says(project, "a.yaml", "b.yaml") == (
        "a.yaml:2:1: the states have different rollouts; apply them one at a time\n  the other: b.yaml:2:1"
    )


def test_a_problem_of_some_hosts_names_them(project: Project) -> None:
    hosts = "".join(f"    h{number}: {{ n: {number} }}\n" for number in range(6))
    project.write("inventory.yaml", f"all:\n  hosts:\n{hosts}")
    project.write("state.yaml", 'hosts: all\nresources:\n  x: { note: { path: /a, count: "{{ n - 3 }}" } }\n')
    assert says(project).splitlines() == [
        f"state.yaml:3:33: note `count`: expected a whole number from 1, got `{number}`\n  on h{number + 3}".split(
            "\n"
        )[at]
        for number in range(-3, 1)
        for at in (0, 1)
    ]
    project.write("state.yaml", "hosts: all\nresources:\n  x: { when: n < 5, note: { path: '{{ m }}' } }\n")
    assert says(project).splitlines()[-1] == "  on h0, h1, h2 and 2 more"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"workspce": "/a"}, "-e workspce: no state declares this variable\n  did you mean `workspace`?"),
        (
            {"number": "many"},
            "-e number: expected a whole number, got `many`\n  its default is `8`, at state.yaml:2:34",
        ),
        ({"number": "1.5"}, "-e number: expected a whole number, got `1.5`\n"),
        ({"flag": "maybe"}, "-e flag: expected true or false, got `maybe`\n"),
        ({"flag": "1"}, "-e flag: expected true or false, got `1`\n"),
        ({"share": "half"}, "-e share: expected a number, got `half`\n"),
        ({"list": "a"}, "-e list: expected a list, like [one, two], got `a`\n  as its default, at state.yaml:2:67"),
        ({"map": "[a]"}, "-e map: expected a map, like {key: value}, got `[a]`\n"),
        ({"map": "[a"}, "-e map: expected a map, like {key: value}, got `[a`\n"),
        ({"workspace": "{{ nowhere }}"}, "-e workspace: `nowhere` is not defined"),
    ],
)
def test_extra(project: Project, extra: dict[str, str], message: str) -> None:
    head = "vars: { workspace: /srv, number: 8, flag: true, share: 0.5, list: [], map: {} }"
    project.write(
        "state.yaml", f"hosts: one\n{head}\nresources:\n  x: {{ note: {{ path: '{{{{ workspace }}}}' }} }}\n"
    )
    assert says(project, extra=extra).startswith(message)


def test_a_broken_variable_of_the_inventory(project: Project) -> None:
    project.write("inventory.yaml", "all:\n  hosts:\n    one: { dir: '{{ wrkspace }}/x' }\n")
    project.write(
        "state.yaml", "hosts: one\nvars: { workspace: /a }\nresources:\n  x: { note: { path: '{{ dir }}' } }\n"
    )
    assert says(project) == "one: inventory variable `dir`: `wrkspace` is not defined\n  did you mean `workspace`?"


def test_limit(project: Project) -> None:
    project.write("state.yaml", "hosts: one\nresources: {}\n")
    project.write("other.yaml", "hosts: two\nresources: {}\n")
    assert [host.host.name for host in project.load("state.yaml", "other.yaml", limit="two").hosts] == ["two"]
    assert "two" in says(project, limit="two")
    assert "three" in says(project, limit="three")


def says(project: Project, *files: str, **more: object) -> str:
    """What is said about states that cannot be loaded."""
    with pytest.raises(InvalidInput) as caught:
        project.load(*files, **more)
    return str(caught.value)
