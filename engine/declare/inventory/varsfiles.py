"""Variables in `group_vars/` and `host_vars/` beside an inventory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.codes import Code
from engine.declare.inventory import text
from engine.declare.inventory.vault import HEADER, Undecryptable, Vault
from engine.declare.yaml.loader import read_text
from engine.errors import InvalidInput, Problem

_EXTENSIONS = ("", ".yml", ".yaml", ".json")


class VarsFiles:
    """The variable files of one directory. Each is read once, when a host is asked for that it is about."""

    def __init__(self, directory: Path, label: Callable[[Path], str], vault: Vault) -> None:
        self.directory = directory.resolve()
        self.label = label
        self.vault = vault
        self._names = {kind: _listed(self.directory / kind) for kind in ("group_vars", "host_vars")}
        self._read: dict[tuple[str, str], dict[str, Any]] = {}

    def files(self, kind: str, name: str) -> list[Path]:
        """The files for a group (`group_vars`) or host (`host_vars`), in the order in which they are merged.

        The first of NAME, NAME.yml, NAME.yaml, NAME.json that exists; where that is a directory, all files in it.
        """
        for extension in _EXTENSIONS:
            if name + extension in self._names[kind]:
                path = self.directory / kind / (name + extension)
                return _inside(path) if path.is_dir() else [path]
        return []

    def values(self, kind: str, name: str) -> dict[str, Any]:
        """What the files of a group or host say. Raises InvalidInput."""
        if (kind, name) not in self._read:
            merged: dict[str, Any] = {}
            for path in self.files(kind, name):
                merged.update(self._file(path))
            self._read[kind, name] = merged
        return self._read[kind, name]

    def _file(self, path: Path) -> dict[str, Any]:
        label = self.label(path)
        content = read_text(path, label)
        if content.startswith(HEADER):
            return self._encrypted(content, label)
        return _variables(content, label)

    def _encrypted(self, content: str, label: str) -> dict[str, Any]:
        """The variables of an encrypted file; nothing of it is shown, whatever is wrong."""
        plain = self.vault.text(content, label)
        try:
            return self.vault.values(_variables(plain, label))
        except Undecryptable:
            raise
        except InvalidInput as error:
            hint = "See it with ansible-vault view."
            message = "what is encrypted in this file is not a map of variables in YAML"
            raise Undecryptable(Problem(message, error.problems[0].where, (hint,), code=Code.VAULT)) from None


def _variables(content: str, label: str) -> dict[str, Any]:
    document = text.parse(content, label)
    if document is None or document.kind == "nothing":
        return {}
    if document.kind != "map":
        problem = Problem(
            f"variables must be a map, got a {document.kind}",
            document.where,
            ("name: value",),
            code=Code.INVENTORY_SHAPE,
        )
        raise InvalidInput(problem)
    return {str(name): item.value for name, _, item in document.pairs()}


def _listed(directory: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise InvalidInput(
            Problem(f"cannot be read: {error.strerror}", str(directory), code=Code.INVENTORY_UNREADABLE)
        ) from None


def _inside(directory: Path) -> list[Path]:
    """The files of a directory and of those in it, by name; hidden ones and backups are left out."""
    found: list[Path] = []
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name.endswith("~"):
            continue
        if entry.is_dir() and not entry.suffix:
            found += _inside(entry)
        elif entry.is_file() and entry.suffix in _EXTENSIONS:
            found.append(entry)
    return found
