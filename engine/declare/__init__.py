"""What should be: state files, inventory, variables and secrets → declarations. Reaches no host."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_vars(path: Path) -> dict[str, Any]:
    """The variables in a YAML file (`-e @file.yaml`), as `load` takes them: numbers remember how they are spelled.

    Raises InvalidInput.
    """
    from engine.codes import Code
    from engine.declare.convert import free
    from engine.declare.yaml.loader import parse, read_text
    from engine.declare.yaml.nodes import Map
    from engine.errors import InvalidInput, Problem

    problems: list[Problem] = []
    text = read_text(path, str(path))
    node = parse(text, str(path), problems)
    if node is not None and not isinstance(node, Map):
        problems.append(Problem("expected a map of variables", node.where, code=Code.WRONG_VALUE))
    if problems:
        raise InvalidInput(problems)
    values: dict[str, Any] = free(node, lambda scalar: scalar.text) if node is not None else {}
    return values
