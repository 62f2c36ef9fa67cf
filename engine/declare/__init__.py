"""What should be: state files, inventory, variables and secrets → declarations. Reaches no host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.model import Facts

if TYPE_CHECKING:
    from engine.declare.build import Declarations
    from engine.declare.inventory import Inventory
    from engine.declare.registry import Kinds


def load(
    files: Sequence[Path],
    *,
    project: Path,
    inventory: Inventory,
    extra: Mapping[str, Any],
    limit: str | None,
    read_secrets: bool = True,
    kinds: Kinds | None = None,
    facts: Facts | None = None,
    become_user: str | None = None,
) -> Declarations:
    """Read state files and say what they declare for each host that they, and `limit`, name.

    A host is reached later: where what is declared for one refers to facts (`host.os`), it comes back `pending`, and
    only what is wrong whatever the facts are is told here.

    files         state files, or directories of them; messages name them as they are given here
    project       the project root, where controller paths begin
    extra         variables from the command line: text takes the type of the variable's default, other values
                  (from `read_vars`) keep theirs
    limit         an inventory pattern that narrows the hosts down
    read_secrets  False: no secret is resolved, a stand-in takes its place, and all else is checked
    become_user   whom `become: true` means on a host that does not say; root unless given
    kinds         the kinds there are; those that are installed unless given
    facts         stand for those of every host, so that none is pending

    Raises InvalidInput with every problem found, in the order of the files.
    """
    from engine.declare import registry
    from engine.declare.build import build

    return build(
        files,
        project=project,
        inventory=inventory,
        extra=extra,
        limit=limit,
        read_secrets=read_secrets,
        kinds=kinds or registry.kinds(),
        facts=facts,
        become_user=become_user,
    )


def read_vars(path: Path) -> dict[str, Any]:
    """The variables in a YAML file (`-e @file.yaml`), as `load` takes them: numbers remember how they are spelled.

    Raises InvalidInput.
    """
    from engine.declare.convert import free
    from engine.declare.yaml.loader import parse, read_text
    from engine.declare.yaml.nodes import Map
    from engine.errors import InvalidInput, Problem

    problems: list[Problem] = []
    text = read_text(path, str(path))
    node = parse(text, str(path), problems)
    if node is not None and not isinstance(node, Map):
        problems.append(Problem("expected a map of variables", node.where))
    if problems:
        raise InvalidInput(problems)
    values: dict[str, Any] = free(node, lambda scalar: scalar.text) if node is not None else {}
    return values
