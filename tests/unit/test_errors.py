"""Every error has a code, and every code says what it means and what to do."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import engine
from engine.cli import cli
from engine.codes import BY_NAME, GROUPS, Code
from engine.declare.secrets.sources import Failed
from engine.declare.templates.names import RenderError
from engine.errors import EngineError, HostFailed, InvalidInput, Problem, Unreachable
from engine.model.sentence import Outside, Sentence, coded, shown

TOP = Path(engine.__file__).parent


def classes(of: type[EngineError]) -> Iterator[type[EngineError]]:
    yield of
    for each in of.__subclasses__():
        yield from classes(each)


def everything() -> None:
    """Import all of the engine, so that every error class is known."""
    for module in pkgutil.walk_packages([str(TOP)], "engine."):
        importlib.import_module(module.name)


def test_every_error_class_has_a_code() -> None:
    everything()
    found = [each for each in classes(EngineError) if each.__module__.startswith("engine.")]
    assert len(found) >= 12
    assert [each for each in found if not isinstance(each.code, Code)] == []
    own = [each.code for each in found if "code" in vars(each)]
    assert len(set(own)) == len(own), "two classes have the same code"


def test_codes_are_unique_in_order_and_complete() -> None:
    numbers = [code.number for code in Code]
    assert numbers == sorted(set(numbers))
    assert len(Code.__members__) == len(numbers) == len(BY_NAME), "two names for one code"
    assert {number // 100 for number in numbers} == set(GROUPS)
    for code in Code:
        assert code.meaning.endswith(".")
        assert code.remedy.endswith(".")
        assert "\n" not in code.meaning + code.remedy


def uncoded(tree: ast.AST) -> Iterator[int]:
    """Lines with a problem, or an error made of a text alone, that names no code."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        text = bool(node.args) and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        makes = node.func.id == "Problem" or (node.func.id in ("InvalidInput", "EngineError") and text)
        if makes and not any(word.arg == "code" for word in node.keywords):
            yield node.lineno


def test_every_problem_names_its_code() -> None:
    places = [
        f"{path.relative_to(TOP)}:{line}"
        for path in sorted(TOP.rglob("*.py"))
        if path.name != "errors.py"
        for line in uncoded(ast.parse(path.read_text()))
    ]
    assert places == []


def test_every_code_is_used() -> None:
    text = "".join(path.read_text() for path in TOP.rglob("*.py"))
    assert [code.name for code in Code if f"Code.{code.name}" not in text] == []


def test_a_raise_can_name_a_narrower_code() -> None:
    assert Unreachable("x").code is Code.UNREACHABLE
    assert Unreachable("x", code=Code.NO_ANSWER).code is Code.NO_ANSWER
    assert InvalidInput("x", code=Code.ROLLOUT).problems[0].code is Code.ROLLOUT
    assert InvalidInput([Problem("x", code=Code.NO_MATCH), Problem("y", code=Code.NO_STATE)]).code is Code.NO_MATCH
    assert RenderError("x").code is Code.TEMPLATE
    assert Failed("x", code=Code.SECRET_TEXT).code is Code.SECRET_TEXT


def test_the_code_ends_the_first_line() -> None:
    problems = [Problem("a", "f.yaml:1:2", ("hint",), Code.NO_MATCH), Problem("b", code=Code.NO_STATE)]
    assert shown(InvalidInput(problems)) == "f.yaml:1:2: a [OT1007]\n  hint\nb [OT1002]"
    assert str(InvalidInput(problems)) == "f.yaml:1:2: a\n  hint\nb"
    error = HostFailed(Sentence("gpu1: ", Outside("it said\nmore"), ", and that was it"))
    text = shown(error)
    assert text == "gpu1: it said [OT1701]\nmore, and that was it"
    assert isinstance(text, Sentence)
    assert [part for part in text.parts if isinstance(part, Outside)] == ["it said", "\nmore"]
    assert coded("as it is", "") == "as it is"


@pytest.mark.parametrize("word", ["OT1108", "ot1108", "[OT1108]"])
def test_explain_prints_what_a_code_means(word: str) -> None:
    ran, code = CliRunner().invoke(cli, ["explain", word]), Code.UNKNOWN_KEY
    assert ran.exit_code == 0
    assert ran.output == f"OT1108  State file\n\n{code.meaning}\n\nWhat to do: {code.fix()}\n"


def test_explain_lists_every_code_under_its_group() -> None:
    lines = CliRunner().invoke(cli, ["explain"]).output.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == list(GROUPS.values())
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(BY_NAME)


def test_an_unknown_code_is_refused() -> None:
    ran = CliRunner().invoke(cli, ["explain", "OT1180"])
    assert isinstance(ran.exception, InvalidInput)
    assert ran.exception.code is Code.UNKNOWN_CODE
    assert "did you mean" in str(ran.exception)
