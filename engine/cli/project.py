"""Where things are: the project root, state files, inventory, and variables from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.request import Request
from engine.codes import Code
from engine.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from engine.declare.inventory import Inventory


def project_root(near: Path, chosen: Path | None) -> Path:
    """The directory -C names, else the nearest one at or above `near` that holds `inventory.yaml` or `.git`."""
    if chosen is not None:
        root = chosen.expanduser().resolve()
        if not root.is_dir():
            raise InvalidInput(Problem("no such directory", where=f"-C {root}", code=Code.NO_DIRECTORY))
        return root
    start = near.expanduser().resolve()
    start = start if start.is_dir() else start.parent
    for directory in (start, *start.parents):
        if (directory / "inventory.yaml").exists() or (directory / ".git").exists():
            return directory
    return start


def state_files(arguments: Sequence[str], chosen: Path | None) -> list[Path]:
    """The state files that the arguments name; a directory stands for the YAML files in it.

    Raises InvalidInput, with the states there are, where nothing was named or a file is missing.
    """
    base = chosen.expanduser() if chosen is not None else Path()
    if not arguments:
        hints = _known(base)
        raise InvalidInput(Problem("no state file given", hints=hints, code=Code.NO_STATE))
    files: list[Path] = []
    for argument in arguments:
        path = Path(argument).expanduser()
        if not path.exists() and not path.is_absolute() and (base / path).exists():
            path = base / path
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
            if not found:
                raise InvalidInput(
                    Problem("contains no state files (*.yaml)", where=str(path.resolve()), code=Code.STATE_NOT_FOUND)
                )
            files.extend(found)
        elif path.exists():
            files.append(path)
        else:
            raise InvalidInput(
                Problem(f"no such state file: {path.absolute()}", hints=_known(base), code=Code.STATE_NOT_FOUND)
            )
    return files


def _known(base: Path) -> tuple[str, ...]:
    states = sorted(p for p in (base / "states").glob("*.y*ml")) if (base / "states").is_dir() else []
    if not states:
        return ("No states/*.yaml here. Set the project root with -C DIR.",)
    return ("Available:", *(f"  {state}" for state in states))


def load_inventory(root: Path, request: Request) -> Inventory:
    """The inventories named by -i, else that of the project. Raises InvalidInput."""
    from engine.cli.output import can_ask
    from engine.cli.terminal import ask
    from engine.declare.inventory import Inventory
    from engine.declare.inventory.vault import Given
    from engine.views.escape import visible

    given = Given(
        request.vault_ids,
        request.vault_password_files,
        request.ask_vault_pass,
        (lambda text: ask(visible(text))) if can_ask() else None,
    )
    return Inventory.load([Path(name).expanduser() for name in request.inventory] or None, root, given)


def extra_vars(options: Sequence[str], root: Path) -> dict[str, Any]:
    """What -e gave: `key=value` (text, takes the type of its default) or `@file.yaml` (typed). Later ones win."""
    found: dict[str, Any] = {}
    for option in options:
        if option.startswith("@"):
            found.update(_vars_file(Path(option[1:]).expanduser(), root))
            continue
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            raise InvalidInput(
                Problem(
                    "expected key=value or @file.yaml", where=f"-e {option.split('=')[0]}", code=Code.EXTRA_VARIABLE
                )
            )
        found[key.strip()] = value
    return found


def _vars_file(path: Path, root: Path) -> dict[str, Any]:
    from engine.declare import read_vars

    return read_vars(path if path.is_absolute() or path.exists() else root / path)
