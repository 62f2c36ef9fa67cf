"""Whatever stands in a file: it loads, or it is told what is wrong. Never a traceback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.declare.convert import free
from engine.declare.yaml.loader import parse
from engine.declare.yaml.nodes import Map, Node, Scalar, Seq
from engine.declare.yaml.scalars import as_text, core
from engine.errors import InvalidInput, Position, Problem
from tests.unit.declare.conftest import Project

CASES = Path(__file__).parent
GOOD = [yaml.safe_load(path.read_text())["files"] for path in sorted((CASES / "good").glob("*.yaml"))]
SEEDS = [path.read_text() for path in sorted((CASES / "bad").glob("*.yaml"))]
SEEDS += [text for files in GOOD for text in files.values()]
BITS = ["{{", "}}", "{%", "%}", ":", ": ", "- ", "\n", "  ", "\t", "[", "]", "{", "}", "'", '"', "*a", "&a ", "!x ",
        "|", ">", "~", "\r", "\x00", "\u2028", "é", "needs: [x]\n", "when: x\n", "for_each: {}\n", "<<: ",
        "? ", "0", "-1", "secrets", "{{ secrets.token }}", "host", "each.key", "null", "true", "1e999",
        "9" * 400, "#", "---\n"]  # fmt: skip


@pytest.fixture(scope="module")
def anywhere() -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as root:
        yield Project(Path(root))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A state, and a few accidents."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(["", *BITS])) + text[end:]
    return text


def attempt(project: Project, text: str) -> None:
    path = project.write("random.yaml", text)
    try:
        project.load(str(path))
        problems: tuple[Problem, ...] = ()
    except InvalidInput as error:
        problems = error.problems
    for problem in problems:
        assert problem.message
        assert problem.where
        assert "\n" not in problem.message


@given(mutated())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_accidents(anywhere: Project, text: str) -> None:
    attempt(anywhere, text)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_noise(anywhere: Project, text: str) -> None:
    attempt(anywhere, text.encode("utf-8", "replace").decode())


@given(st.text("0123456789+-.eExob_~nulltrfasyNT ", min_size=1, max_size=12))
@settings(max_examples=300)
def test_a_plain_scalar_keeps_its_spelling(text: str) -> None:
    value = core(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert as_text(value) == text
        assert float(value) == pytest.approx(
            float(int(text[2:], 8) if text[:2] == "0o" else int(text, 16) if text[:2] == "0x" else text)
        )
    elif isinstance(value, bool):
        assert text.lower() == as_text(value)
    elif value is None:
        assert text in ("", "~", "null", "Null", "NULL")
    else:
        assert value == text


class Quoting(yaml.SafeDumper):
    """Writes all text in quotes."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))

words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
data = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)


@given(data)
@settings(max_examples=200, deadline=None)
def test_what_yaml_writes_is_read(value: Any) -> None:
    """Text is written in quotes here: PyYAML leaves some out that YAML 1.2 needs (`0E0` is a number there)."""
    problems: list[Problem] = []
    node = parse(yaml.dump(value, Dumper=Quoting, allow_unicode=True), "f", problems)
    assert not problems
    assert node is not None
    assert free(node, lambda scalar: scalar.text) == value


@given(mutated())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_positions_are_where_the_text_is(text: str) -> None:
    text = text.replace("\r", "").replace("\u2028", "").replace("\x85", "")
    node = parse(text, "f", [])
    lines = text.split("\n")

    def check(node: Node) -> None:
        if isinstance(node, Scalar):
            if node.plain and node.text and "\n" not in node.text and "{{" not in node.text:
                line = lines[node.where.line - 1][node.where.column - 1 :]
                assert line.split(" ")[0].startswith(node.text.split(" ")[0]) or line.startswith(("&", "!"))
        elif isinstance(node, Seq):
            for item in node.items:
                check(item)
        else:
            for key, item in node.items.items():
                where: Position = node.keys[key]
                line = lines[where.line - 1][where.column - 1 :]
                if "{{" in key:
                    continue
                assert line.startswith((key.split("\n")[0][:3], "'", '"', "&", "!", "|", ">", "*", "?")), (key, line)
                check(item)

    if isinstance(node, Map):
        check(node)
