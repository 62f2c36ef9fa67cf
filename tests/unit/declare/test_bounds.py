"""What costs without end is refused: soon, with its place, what was expected and what to do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import bounds, matching
from engine.declare import read_vars
from engine.declare.inventory import Inventory
from engine.declare.templates.names import MISSING, RenderError
from engine.declare.templates.template import render
from engine.errors import InvalidInput
from tests.unit.declare.conftest import Project

HEAD = "hosts: one\nresources:\n"
SECRET = f"{HEAD}  it: {{ note: {{ path: /x, text: '{{{{ secrets.s }}}}' }} }}\nsecrets: {{ s: {{ "
LONG = "x" * 1_000_000


@contextmanager
def soon(seconds: float = 20) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def refused(project: Project, text: str, **more: Any) -> str:
    """What is said of a state, and that it is said soon."""
    project.write("state.yaml", text)
    with soon(), pytest.raises(InvalidInput) as caught:
        project.load(**more)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


# --- files


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipe that nobody writes to."""
    monkeypatch.setattr(bounds, "WAIT", 0.3)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("pipe", "is not a regular file and did not deliver all of its content within 0.3 s"),
        ("/dev/zero", "is larger than"),
    ],
)
def test_a_pipe_or_a_device_where_a_file_is_expected(project: Project, pipe: Path, name: str, what: str) -> None:
    path = project.root / name
    with soon():
        for read in (
            lambda: read_vars(path),
            lambda: Inventory.load([path], project.root),
            lambda: project.load(name),
        ):
            with pytest.raises(InvalidInput) as caught:
                read()
            assert f"{name}: cannot be read: it {what}" in str(caught.value)
            assert f"tried {path}" in str(caught.value)
    said = refused(
        project,
        f"{HEAD}  it:\n    note: {{ path: /x, text: '{{{{ secrets.s }}}}' }}\nsecrets: {{ s: {{ file: {name} }} }}\n",
    )
    assert "state.yaml:5:17: secret s cannot be read from" in said
    assert what in said


def test_what_comes_through_a_pipe_is_read(project: Project) -> None:
    ends = os.pipe()
    os.write(ends[1], b"a: 1\n")
    os.close(ends[1])
    assert read_vars(Path(f"/dev/fd/{ends[0]}")) == {"a": 1}
    os.close(ends[0])


def test_a_large_file(project: Project) -> None:
    said = refused(project, f"{HEAD}  it:\n    note: {{ path: /x, text: a }}\n# " + "x" * bounds.FILE)
    assert said.startswith("state.yaml: cannot be read: it is larger than 8 MiB\n  tried ")


def test_a_command_that_prints_without_end(project: Project) -> None:
    said = refused(
        project,
        f"{HEAD}  it: {{ note: {{ path: /x, text: '{{{{ secrets.s }}}}' }} }}\nsecrets:\n  s: {{ command: 'yes' }}\n",
    )
    assert said.startswith("state.yaml:5:8: secret s could not be read: its command printed more than 64 KiB\n")


def test_an_inventory_that_prints_without_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "INVENTORY", 100_000)
    script = project.write("hosts", "#!/bin/sh\nyes\n")
    script.chmod(0o755)
    with soon(), pytest.raises(InvalidInput, match=r"hosts --list printed more than 97.7 KiB"):
        Inventory.load([script], project.root)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f'{HEAD}  it: {{ copy: {{ source: "a\\0b" }} }}\n', "state.yaml:3:25: copy `source`"),
        (f'{HEAD}  it: {{ copy: {{ template: "a\\0b" }} }}\n', "state.yaml:3:27: copy `template`"),
        (f'{HEAD}  it: {{ note: {{ path: "/a\\0b" }} }}\n', "state.yaml:3:23: note `path`"),
        ('hosts: one\ninclude: [{ file: "a\\0b" }]\n', "state.yaml:2:19"),
        (SECRET + 'file: "a\\0b" } }\n', "state.yaml:4:17"),
        (SECRET + 'command: "a\\0b" } }\n', "state.yaml:4:17"),
    ],
)  # fmt: skip
def test_a_nul_byte_in_a_path(project: Project, text: str, where: str) -> None:
    said = refused(project, text)
    assert said.startswith(where)
    assert "NUL byte" in said


# --- YAML


def test_aliases_that_multiply(project: Project) -> None:
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    bomb = f"vars:\n  l0: &l0 [x]\n{levels}"
    assert "its aliases expand to more than 200000 values" in refused(
        project, f"{bomb}{HEAD}  it: {{ note: {{ path: /x, text: a }} }}\n"
    )
    text = "vars:\n  t: &t " + "x" * 10_000 + "\n  l: [" + "*t, " * 10_000 + "]\n"
    assert "its aliases expand to more than" in refused(project, text)
    project.write("inventory.yaml", "all:\n" + "".join(f"  {line}\n" for line in bomb.splitlines()))
    assert ": with this it holds more than 1000000 values" in refused(project, "hosts: one\n")


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "all: &a\n  vars:\n    b: *a\n", "all: &a\n  hosts:\n    <<: *a\n"])
def test_an_inventory_whose_anchors_form_a_circle(project: Project, text: str) -> None:
    project.write("inventory.yaml", text)
    assert "`*a` is inside what it refers to" in refused(
        project, f"{HEAD}  it: {{ note: {{ path: /x, text: a }} }}\n"
    )


@pytest.mark.parametrize(
    "text", ["all: " + "[" * 50_000, '{"a":' * 50_000, '{"all": {"vars": {"x": ' + "[" * 500 + "]" * 500 + "}}}"]
)
def test_an_inventory_that_is_nested_deeply(project: Project, text: str) -> None:
    project.write("inventory.yaml", text)
    said = refused(project, f"{HEAD}  it: {{ note: {{ path: /x, text: a }} }}\n")
    # libyaml may have a bound of its own.
    assert "nested more than 100 levels deep" in said or "exceeded maximum nesting depth" in said
    assert said.startswith("inventory.yaml")


@pytest.mark.parametrize("tag", ["!!int ''", "!!bool x", "!!timestamp x", "!!float x", "!!binary é", "!!set [a]"])
def test_a_value_that_is_not_what_its_tag_says(project: Project, tag: str) -> None:
    project.write("inventory.yaml", f"all:\n  vars:\n    x: {tag}\n  hosts: {{ one: }}\n")
    assert refused(project, f"{HEAD}  it: {{ note: {{ path: /x, text: a }} }}\n").startswith("inventory.yaml:3:")


def test_ranges_that_multiply(project: Project) -> None:
    project.write("inventory.yaml", "all: { hosts: { 'a[0:999][0:999][0:999][0:999]': } }\n")
    said = refused(project, "hosts: all\n")
    assert (
        said.startswith("inventory.yaml:1:17: `[0:999][0:999]` stands for more than 100000 hosts")
        or "more than 100000 hosts" in said
    )
    project.write("inventory.yaml", "all:\n  hosts:\n" + "".join(f"    h{n}x[0:60000]:\n" for n in range(3)))
    assert "inventory.yaml:4:5: with `h1x0` the inventory has more than 100000 hosts" in refused(
        project, "hosts: all\n"
    )


# --- host patterns


def test_a_host_pattern_that_backtracks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MATCHING", 0.3)
    project.write("inventory.yaml", "all: { hosts: { " + "a" * 60 + "-b: } }\n")
    said = refused(project, "hosts: ~(a|aa)+$\nresources: { it: { note: { path: /x, text: a } } }\n")
    assert said.startswith("state.yaml:1:8: the host pattern `~(a|aa)+$` cannot be used: ")
    assert "took longer than 0.3 s" in said


@pytest.mark.parametrize(
    "pattern", ["~" + "(" * 3 + "a{999}){999}){999}", "~" + "a" * 3000, "~" + "(" * 900 + ")" * 900]
)
def test_a_host_pattern_that_is_too_large(project: Project, pattern: str) -> None:
    said = refused(project, f"hosts: {pattern}\nresources: {{ it: {{ note: {{ path: /x, text: a }} }} }}\n")
    assert said.startswith("state.yaml:1:8: the host pattern")


# --- includes and loops


def test_includes_that_multiply(project: Project) -> None:
    for n in range(25):
        both = f"include: [{{ file: s{n + 1}.yaml, as: a }}, {{ file: s{n + 1}.yaml, as: b }}]\n"
        project.write(f"s{n}.yaml", both)
    project.write("s25.yaml", "resources: { it: { note: { path: /x, text: a } } }\n")
    said = refused(project, "hosts: one\ninclude: [{ file: s0.yaml }]\n")
    assert "with this, a host has more than 20000 resources and includes" in said
    assert said.startswith("s")


def test_includes_without_end(project: Project) -> None:
    for n in range(400):
        project.write(f"s{n}.yaml", f"include: [{{ file: s{n + 1}.yaml }}]\n")
    said = refused(project, "hosts: one\ninclude: [{ file: s0.yaml }]\n")
    assert said.startswith("s29.yaml:1:19: includes are nested more than 30 levels deep")


def test_a_loop_with_too_many_turns(project: Project) -> None:
    said = refused(
        project,
        f"{HEAD}  it:\n    note: {{ path: /x, text: a }}\n"
        "    for_each: \"{{ range(90000) | map('string') | list }}\"\n",
    )
    assert said.startswith("state.yaml:3:3: with this, a host has more than 20000 resources and includes")


def test_variables_that_double(project: Project) -> None:
    text = "".join(f"  v{n}: '{{{{ v{n - 1} }}}}{{{{ v{n - 1} }}}}'\n" for n in range(1, 60))
    said = refused(
        project, f"vars:\n  v0: xxxxxxxx\n{text}{HEAD}  it: {{ note: {{ path: /x, text: '{{{{ v59 }}}}' }} }}\n"
    )
    assert "more than 10485760 characters" in said
    lists = "".join(f"  v{n}: ['{{{{ v{n - 1} }}}}', '{{{{ v{n - 1} }}}}']\n" for n in range(1, 60))
    said = refused(
        project, f"vars:\n  v0: [x]\n{lists}{HEAD}  it: {{ note: {{ path: /x, text: '{{{{ v59 | string }}}}' }} }}\n"
    )
    assert "holds more than 10485760 characters or items" in said


def test_all_templates_together(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LOADED", 100_000)
    text = (
        f"vars: {{ t: {'x' * 1000} }}\n{HEAD}  it:\n    for_each: {{ {', '.join(f'k{n}: a' for n in range(200))} }}\n"
    )
    said = refused(project, text + "    note: { path: /x, text: '{{ t }}{{ each.key }}' }\n")
    assert said.startswith(
        "state.yaml:6:29: with this, templates produce more than 100000 characters\n  use fewer hosts"
    )
    monkeypatch.setattr(bounds, "LOADED", 10**9)
    monkeypatch.setattr(bounds, "LOADING", 0.0)
    assert "reading and rendering has come to here in 0 s" in refused(
        project, text + "    note: { path: /x, text: '{{ t }}b' }\n"
    )


# --- templates


class Names:
    values: dict[str, Any] = {"big": LONG, "l": [1, 2, 3], "words": ["a"] * 1000}  # noqa: RUF012

    def lookup(self, name: str) -> Any:
        return self.values.get(name, MISSING)

    def known(self) -> list[str]:
        return list(self.values)


DOUBLING = ["[ns.x, ns.x]", "(ns.x, ns.x)", "{'a': ns.x, 'b': ns.x}", "[ns.x] * 2", "dict(a=ns.x, b=ns.x)",
            "ns.x + ns.x", "ns.x * 2", "[ns.x, ns.x] | list", "ns.x | string ~ ns.x"]  # fmt: skip
VALUE = [
    "{{ 'x' * 10**9 }}", "{{ 10**9 * 'x' }}", "{{ [0] * 10**9 }}", "{{ l * 10**8 }}", "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}", "{{ '%.*f' % (10**9, 1) }}", "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format('a', 10**9) }}", "{{ ('{0}' * 20).format(big) }}", "{{ '%1000000000d' | format(1) }}",
    "{{ ('%s' * 20) % (big, big) }}", "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
    "{{ 'x' | center(10**9) }}", "{{ ['x'] | map('center', 10**9) | list }}", "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.rjust(10**9) }}",
    "{{ 'x'.zfill(10**9) }}", "{{ 'x' | indent(10**9) }}", "{{ ('a\nb' * 20) | indent(big) }}",
    "{{ 'x'.encode().center(10**9) }}", "{{ (1).to_bytes(10**9, 'big') }}", "{{ 1.5 | round(10**9, 'floor') }}",
    "{{ l | batch(10**9, 1) | list }}", "{{ l | slice(10**9) | list }}", "{{ big.replace('', big) }}",
    "{{ big | replace('x', big) }}", "{{ words | join(big) }}", "{{ big.join(words) }}",
    "{{ big.translate({120: big}) }}", "{{ ('\t' * 9).expandtabs(10**9) }}", "{{ l | tojson(10**9) }}",
    "{{ big | wordwrap(1, wrapstring=big) }}",
    "{{ big ~ big ~ big ~ big ~ big ~ big ~ big ~ big ~ big ~ big ~ big }}",
    "{% for i in range(100000) %}{{ big }}{% endfor %}", "{% for i in range(90000) %}" + LONG + "{% endfor %}",
    *(
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}"
        "{% set ns.x = " + way + " %}{% endfor %}{{ ns.x | string }}"
        for way in DOUBLING
    ),
]  # fmt: skip
STEPS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) if false %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% for x in range(50000) recursive %}{{ loop(range(50000)) if loop.depth < 3 }}{% endfor %}",
    "{% for i in range(99999) %}{% set x = range(99999) | select('odd') | list %}{% endfor %}",
    "{{ big | join(big) }}",
]
DEEP = [
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "1+" * 9000 + "1 }}",
    "{{ " + "not " * 5000 + "1 }}",
    "{% if 1 %}" * 1000 + "{% endif %}" * 1000,
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
]
SIGNS = ["{{ l | length }}" * 5000, "{{" * 500_000, "{% if l %}{% endif %}" * 5000, "{{ [" + "1," * 20_000 + "] }}"]
ENDS = {
    "makes a value of more than 10485760 characters or items": VALUE,
    "(takes more than 1000000 steps|takes longer than|makes more than)": STEPS,
    "nested too deeply": DEEP,
    "has more than 20000 words and signs": SIGNS,
    "makes a number of more than 10000 bits": ["{{ 10 ** (10 ** 9) }}", "{{ 2 ** 9000 * 2 ** 9000 }}"],
    "makes more than 536870912 characters and items on the way": [
        "{{ range(99999) | map('center', 999999) | list }}",
        "{% set x %}{% for i in range(99999) %}{{ big }}{% endfor %}{% endset %}{{ x | length }}",
        "{% for i in range(99999) %}{% set x = big.upper() %}{% endfor %}",
    ],
}


@pytest.mark.parametrize(
    ("text", "said"), [(text, said) for said, texts in ENDS.items() for text in texts], ids=lambda text: text[:60]
)
def test_a_template_without_end(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "RENDERING", 5.0)
    with soon(), pytest.raises(RenderError, match=f"{said}|takes longer than"):
        render(text, Names())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ '%5.1f|%s' % (2.25, 'a') }}", "  2.2|a"),
        ("{{ '{:>5}|{a}'.format(1, a=2) }}", "    1|2"),
        ("{{ 'a-b' | replace('-', '+') ~ 'a' * 3 ~ l | join(', ') }}", "a+baaa1, 2, 3"),
        (
            "{% for k, v in {'a': 1}.items() if v %}{{ loop.last }}{{ loop.length }}{{ k }}{{ v }}{% endfor %}",
            "true1a1",
        ),
        ("{% set a, b = 1, 2 %}{{ [a, b, (1, 2) | sum] }}", "x"),
        ("{{ (range(3) | map('string') | list, {'a': [1] + l}) }}", [["0", "1", "2"], {"a": [1, 1, 2, 3]}]),
        ("{% for x in [[1, []], [2, []]] recursive %}{{ x[0] }}{{ loop(x[1]) }}{% endfor %}", "12"),
        ("{% set ns = namespace(n=0) %}{% for x in l %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "6"),
        ("{{ big | length }}", 1_000_000),
        ("{{ missing | default(8589934592) }}", 8589934592),
    ],
)
def test_what_templates_do_they_still_do(text: str, value: object) -> None:
    if value == "x":
        with pytest.raises(RenderError, match="a list cannot be part of text"):
            render(text, Names())
    else:
        assert render(text, Names()) == value


@pytest.mark.parametrize("key", ["undefined", "nope[0]", "l[nope]"])
def test_a_list_by_a_name_that_is_not_defined(project: Project, key: str) -> None:
    said = refused(
        project, f"vars: {{ l: [1] }}\n{HEAD}  it: {{ note: {{ path: /x, text: '{{{{ l[{key}] }}}}' }} }}\n"
    )
    name = "undefined" if key == "undefined" else "nope"
    assert said.startswith(f"state.yaml:4:33: `{name}` is not defined")


def test_the_place_of_a_template_without_end(project: Project) -> None:
    said = refused(
        project,
        f"{HEAD}  it:\n    note:\n      path: /x\n      text: |\n        a\n"
        "        {{ 'x' * 10**9 }}\n        {{ 1 }}\n",
    )
    assert said.startswith("state.yaml:8:1: the template makes a value of more than 10485760 characters or items\n")
    assert "docs/language.md" in said
    project.write("it.j2", "a\n{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}\n")
    assert refused(project, f"{HEAD}  it: {{ copy: {{ template: it.j2 }} }}\n").startswith(
        "it.j2:2:1: the template takes"
    )


def test_an_error_in_a_long_text_is_told_soon() -> None:
    with soon(), pytest.raises(RenderError, match="there is no `x` in it"):
        render("{{ l.x | upper }} " + "a" * 1_000_000, Names())


def test_a_duration_of_spaces_is_judged_soon(project: Project) -> None:
    said = refused(project, SECRET + f"command: 'true', timeout: '1{' ' * 100_000}x' }} }}\n")
    assert said.startswith("state.yaml:4:")
