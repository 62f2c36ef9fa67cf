"""What a project's `ansible.cfg` says about inventories: where they are, what is left out, and Vault's passwords."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from pathlib import Path

from engine import filemodes
from engine.codes import Code
from engine.declare.yaml.loader import read_text
from engine.errors import InvalidInput, Problem
from engine.matching import expression

IGNORED = re.compile(r"^\.|^host_vars$|^group_vars$|^vars_plugins$")
EXTENSIONS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
"""How the names of files end that are no inventories, unless ansible.cfg says otherwise."""


class Settings:
    """The settings of a project: those of `ansible.cfg`, which variables of the environment override.

    `path`: the file; None where there is none, or none that may be used.
    """

    def __init__(self, path: Path | None = None, values: configparser.RawConfigParser | None = None) -> None:
        self.path = path
        self._values = values

    def get(self, name: str, section: str = "defaults", env: str | None = None) -> str | None:
        """A setting as it is written, None where there is none; `env`: the variable that overrides it."""
        if env and os.environ.get(env) is not None:
            return os.environ[env]
        return self._values.get(section, name, fallback=None) if self._values else None

    def words(self, name: str, section: str = "defaults", env: str | None = None) -> list[str]:
        """The parts of a setting between commas."""
        return [word.strip() for word in (self.get(name, section, env) or "").split(",") if word.strip()]

    def paths(self, name: str, env: str | None = None) -> list[str]:
        """The paths in a setting: those of the file lie beside it, those of the environment where we work."""
        given = env is not None and os.environ.get(env) is not None
        return [self.located(word, given) for word in self.words(name, env=env)]

    def located(self, word: str, given: bool = False) -> str:
        """The absolute path that a setting means; `given`: it is not written in the file."""
        base = self.path.parent if self.path and not given else Path.cwd()
        word = word.replace("{{CWD}}", str(Path.cwd()))
        return os.path.abspath(base / os.path.expanduser(os.path.expandvars(word)))

    def ignored(self) -> Callable[[str], bool]:
        """Tells of the name of an entry of a directory whether it is no inventory. Raises InvalidInput."""
        extensions = self.words("inventory_ignore_extensions", env="ANSIBLE_INVENTORY_IGNORE")
        endings = tuple(extensions or self.words("ignore_extensions", "inventory") or EXTENSIONS)
        patterns = self.words("inventory_ignore_patterns", env="ANSIBLE_INVENTORY_IGNORE_REGEX")
        try:
            found = [expression(text) for text in patterns or self.words("ignore_patterns", "inventory")]
        except ValueError as error:
            raise self.wrong(f"inventory_ignore_patterns: {error}") from None
        return lambda name: (
            bool(IGNORED.search(name)) or name.endswith(endings) or any(each.search(name) for each in found)
        )

    def wrong(self, message: str, *hints: str) -> InvalidInput:
        """The error of a setting that cannot be used."""
        where = str(self.path) if self.path else "environment"
        return InvalidInput(Problem(message, where, hints, code=Code.ANSIBLE_CFG))


def read(project: Path, label: Callable[[Path], str], warn: Callable[[str], None]) -> Settings:
    """The settings of a project: of the file that ANSIBLE_CONFIG names, else of `ansible.cfg` in the working
    directory, else in the project root. Those of the user and of the system are for all projects, and not read.

    As with Ansible, a file is not used that lies in a directory in which everyone can write. Raises InvalidInput.
    """
    if named := os.environ.get("ANSIBLE_CONFIG"):
        path = Path(os.path.abspath(Path(named).expanduser()))
        return _parsed(path / "ansible.cfg" if path.is_dir() else path, label)
    for path in dict.fromkeys(directory / "ansible.cfg" for directory in (Path.cwd(), project)):
        if not path.is_file():
            continue
        if filemodes.others(path.parent.stat(), 0o002):
            warn(
                f"{label(path)}: ignored, because everyone on this machine can write in its directory; "
                f"chmod o-w {path.parent}, or name it in ANSIBLE_CONFIG"
            )
            continue
        return _parsed(path, label)
    return Settings()


def _parsed(path: Path, label: Callable[[Path], str]) -> Settings:
    values = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    try:
        values.read_string(read_text(path, label(path)), label(path))
    except configparser.Error as error:
        message = "cannot be read: " + " ".join(str(error).split())
        raise InvalidInput(Problem(message, label(path), code=Code.ANSIBLE_CFG)) from None
    return Settings(path, values)
