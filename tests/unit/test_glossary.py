"""Names are the field's terms, and sentences are plain: private words and translated phrases are found here.

No public name may contain a word of `PRIVATE_WORDS`: no module, class, function, method, parameter, field or constant
in engine/, no command-line option, and no keyword of the state language. No page, help text or message may contain a
phrase of `PHRASES`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from engine.cli import MORE, cli
from engine.declare.schema.document import state_schema

TOP = Path(__file__).resolve().parents[2]

PRIVATE_WORDS = {
    "barred": "blocked",
    "bereft": "missing",
    "carried": "action result",
    "carry": "run, apply",
    "curable": "may pass after apply",
    "draft": "plan",
    "drafted": "planned",
    "enlist": "write record",
    "farewell": "disconnect reason",
    "fate": "result, difference",
    "glance": "batched probe",
    "glances": "batched probes",
    "hear": "feed, receive",
    "heard": "received",
    "heel": "watchdog",
    "hold": "lock",
    "holds": "locks, contains",
    "hopeless": "not worth waiting for",
    "hushed": "quiet",
    "judge": "evaluate, validate",
    "judged": "evaluated",
    "judging": "evaluation",
    "kept": "backup",
    "leash": "watchdog",
    "lend": "forward",
    "lender": "forwarder",
    "look": "probe, inspect",
    "looked": "inspected",
    "looking": "probe",
    "looks": "probes",
    "oust": "remove",
    "reach": "connection",
    "said": "message",
    "seen": "results, found",
    "settle": "after login, decide",
    "settled": "decided",
    "shut": "close",
    "strangers": "unmanaged",
    "supposed": "assumed",
    "tell": "report, notify",
    "telling": "reports",
    "tells": "reports",
    "told": "reported",
    "unseen": "not inspected",
    "whom": "user",
    "wish": "style, request",
}
"""A word that only its author understands → the field's term."""

EXCEPTIONS = {
    # Hooks that kinds of others implement: they are public, so to rename one breaks every such kind.
    "engine/model/resource.py": {"curable", "judge"},
    "engine/kinds/git_clone/__init__.py": {"curable"},
    "engine/kinds/file_sync/__init__.py": {"curable"},
    "engine/kinds/directory/__init__.py": {"curable"},
    "engine/kinds/download/__init__.py": {"curable"},
    "engine/kinds/pip_install/__init__.py": {"curable"},
    "engine/kinds/http_assert/__init__.py": {"judge"},
    "engine/kinds/pip_install/program.py": {"judge"},
    # A secret of which the engine has seen no more than the digest; a text as an error says it.
    "engine/model/values.py": {"seen"},
    "engine/model/sentence.py": {"said"},
    # What was observed, and that it was so after the last change, when nothing is pending any more.
    "engine/plan/planner.py": {"seen", "settled"},
    # A name of the kit's contract suite, which prints it.
    "engine/kit/testing.py": {"test_looking_writes_nothing"},
    # One script that several resources share, named as its file.
    "engine/kinds/compose_restart/look.py": {"look", "service_look"},
    "engine/kinds/file_sync/tree.py": {"strangers"},
}
"""Module → such names in it that stay, and why. Do not add any without a reason."""

PHRASES = {
    r"\bputs? up with\b": "allows",
    r"\b(by|of|as|become) whom\b": "the user",
    r"\bwhom\b": "the user",
    r"\bstands? (in|beside|before|there)\b": "is in",
    r"\blook(s|ed|ing)? at\b": "check, inspect",
    r"\bhere are:": "Available:",
    r"\ball of them:": "Available:",
    r"\b(is|are|was|were) told\b": "is reported",
    r"\b(tells|tell) (of|how|the|which|whether)\b": "shows, reports",
    r"\bgo(es)? on (with|where)\b": "resume",
    r"\bmade good\b": "completed by",
    r"\bmakes? good\b": "completes",
    r"\bunless it is said\b": "default:",
    r"\bwithout a word\b": "without output",
    r"\blet (\S+ )?in with\b": "authentication failed",
    r"\bcannot be seen\b|\bcould not be seen\b": "could not be inspected",
    r"\bis to become\b|\bbecame of\b": "the planned result",
    r"\bsuppos(es|ing)\b": "assumes",
    r"\breaches? no host\b|\bno host (is|was) reached\b": "contacts no hosts",
    r"\breads no secret\b": "reads no secrets",
    r"(?<!there )\bis no (?!longer\b|more\b)\w+": "is not a",
    r"\banyhow\b": "anyway",
    r"\bgoes round in circles\b|\bin a circle\b": "circular",
    r"\bis begun\b|\bwas begun\b": "starts",
    r"\bis seen to\b": "manage",
    r"\bby way of\b": "via",
}
"""A phrase that reads as translated → a plain one."""

PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/kinds/writing.md", "states/*.yaml"]
UNCHECKED: dict[str, set[str]] = {}
"""Module → the phrases in it that stay."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules() -> list[Path]:
    return sorted((TOP / "engine").rglob("*.py"))


def words(name: str) -> set[str]:
    """The words of a name in snake_case, CamelCase or UPPER_CASE."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module defines."""
    yield 1, path.stem
    for node in ast.walk(tree(path)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
    for node in tree(path).body:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Name):
                yield node.lineno, target.id


def test_public_names() -> None:
    found = [
        f"{place}:{line}: `{name}`; write {', '.join(PRIVATE_WORDS[word] for word in sorted(private))}"
        for path in modules()
        for place in [str(path.relative_to(TOP))]
        for line, name in names(path)
        if not name.startswith("_")
        and (private := words(name) & PRIVATE_WORDS.keys())
        and name not in EXCEPTIONS.get(place, ())
    ]
    assert not found, "\n".join(["private words in names:", *found])


@pytest.mark.parametrize("command", sorted([*MORE, "plan", "apply"]))
def test_options(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    for option in found.params:
        for spelled in (*option.opts, option.name or ""):
            assert words(spelled).isdisjoint(PRIVATE_WORDS), f"{command} {spelled}"


def test_keywords_of_the_state_language() -> None:
    def keys(schema: object) -> Iterator[str]:
        if isinstance(schema, dict):
            properties = schema.get("properties")
            yield from properties if isinstance(properties, dict) else ()
            for value in schema.values():
                yield from keys(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from keys(value)

    for key in set(keys(state_schema())):
        assert words(key).isdisjoint(PRIVATE_WORDS), key


def prose() -> Iterator[tuple[str, int, str]]:
    """File, line and text of pages, and of the texts in the engine: help and messages."""
    for pattern in PAGES:
        for path in sorted(TOP.glob(pattern)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield str(path.relative_to(TOP)), number, line
    for path in modules():
        for line, text in texts(path):
            yield str(path.relative_to(TOP)), line, text


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that users may read: string literals, and the docstrings of commands."""
    silent: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_command"):
            yield node.lineno, ast.get_docstring(node) or ""
        if isinstance(node, ast.Expr):
            silent.add(id(node.value))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr):
            silent.update(map(id, node.values))
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def test_sentences() -> None:
    found = [
        f"{place}:{line}: `{hit[0]}`; write: {plain}"
        for place, line, text in prose()
        for phrase, plain in PHRASES.items()
        if (hit := re.search(phrase, text, re.IGNORECASE)) and hit[0] not in UNCHECKED.get(place, ())
    ]
    assert not found, "\n".join(["phrases that read as translated:", *found])


def test_every_exception_is_needed() -> None:
    """One that is no longer there is taken off the lists."""
    for place, allowed in EXCEPTIONS.items():
        assert allowed <= {name for _, name in names(TOP / place)}, place
    for place, phrases in UNCHECKED.items():
        said = "\n".join(text for _, text in texts(TOP / place))
        assert [phrase for phrase in phrases if phrase not in said] == [], place


def test_what_is_found() -> None:
    assert words("_engineHold_seenIn") >= {"hold", "seen"}
    assert words("HTTPReach2") >= {"http", "reach"}
    assert words("threshold").isdisjoint(PRIVATE_WORDS)
    for sentence in ("Whom (default: root).", "it is no file", "Failed hosts that are put up with"):
        assert any(re.search(phrase, sentence, re.IGNORECASE) for phrase in PHRASES)
