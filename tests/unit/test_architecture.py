"""Who may import whom, and how large a function may grow: read off the syntax trees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "engine"
FILES = sorted(ENGINE.rglob("*.py"))

MAY_IMPORT = {
    "codes": set(),
    "program_name": set(),
    "errors": {"codes"},
    "bounds": set(),
    "filemodes": set(),
    "matching": {"bounds"},
    "model": {"codes", "errors"},
    "kit": {"codes", "errors", "model"},
    "kinds": {"codes", "errors", "bounds", "matching", "model", "kit"},
    "declare": {"codes", "errors", "bounds", "filemodes", "matching", "program_name", "model", "kit", "plan"},
    "plan": {"codes", "errors", "bounds", "model"},
    "program": {"codes", "errors", "model", "kit", "plan"},
    "run": {"codes", "errors", "model", "kit", "declare", "plan", "program"},
    "transports": {"codes", "errors", "filemodes", "model"},
    "views": {"codes", "errors", "model"},
    "cli": {
        "codes",
        "errors",
        "bounds",
        "model",
        "kit",
        "declare",
        "plan",
        "program",
        "run",
        "transports",
        "views",
        "program_name",
    },
}
"""Part of the house → parts it may import, itself always included."""

HEAVY = {"paramiko", "docker", "rich", "bcrypt", "jsonschema", "jinja2", "requests", "jmespath", "regex"}


def part(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_imports_follow_the_house(path: Path) -> None:
    own = part(path)
    if own == "__init__" or path == ENGINE / "kit/testing.py":
        return
    for name in imported(ast.parse(path.read_text())):
        pieces = name.split(".")
        if pieces[0] == "engine" and len(pieces) > 1:
            assert pieces[:3] != ["engine", "kit", "testing"], f"{path}: what tests kinds is for tests alone"
            assert pieces[1] == own or pieces[1] in MAY_IMPORT[own], f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_heavy_packages_are_not_imported_at_start_up(path: Path) -> None:
    if part(path) not in ("__init__", "errors", "model", "cli", "plan"):
        return
    tops = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in tops:
        for name in imported(node):
            assert name.split(".")[0] not in HEAVY, f"{path} imports {name} at the top"


DATA = [
    *(ENGINE / "views" / f"{name}.py" for name in ("console", "data", "groups", "html", "junit", "markdown", "rows")),
    *(ENGINE / "views" / f"{name}.py" for name in ("layout", "progress", "status")),
    *(ENGINE / "run" / f"{name}.py" for name in ("outcome", "results", "stages")),
    *(ENGINE / "plan" / f"{name}.py" for name in ("cause", "gates", "rollback")),
]
"""What plans, reports and their views are made by, but for the wording."""


@pytest.mark.parametrize("path", DATA, ids=lambda path: str(path.relative_to(ENGINE)))
def test_sentences_are_made_in_the_wording_alone(path: Path) -> None:
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = {str(n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in told}
    words = re.compile(r"[a-z]{2,},? [a-z]{2,}")
    found = {text for text in texts if not set(text) & set('<"') and words.search(text)}
    assert found <= {"not started", "not known"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_functions_stay_small(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 55, f"{path}:{node.lineno}: {node.name} has {length} lines"


def test_no_room_is_crowded() -> None:
    for folder in {path.parent for path in FILES} - {ENGINE / "kinds"}:
        assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= 16, folder


def test_nothing_imports_in_a_circle() -> None:
    """Module by module, imports for typing and those within functions counted."""
    modules = {_module(path): path for path in FILES}
    graph = {module: _imports(path, modules) - {module} for module, path in modules.items()}
    while ends := {module for module, needs in graph.items() if not needs & graph.keys()}:
        graph = {module: needs for module, needs in graph.items() if module not in ends}
    assert not graph, f"on a circle, or behind one: {sorted(graph)}"


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ENGINE.parent).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, modules: dict[str, Path]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules.keys()
            found |= inner or {node.module}
    return found & modules.keys()
