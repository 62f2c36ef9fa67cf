"""The kinds there are: the engine's own, and those that other packages add through the entry points.

A kind is imported when it is first used. Looking for entry points takes longer than reading a state file, so that
waits until a name is asked for that is not one of the engine's own, or all names are.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from engine.codes import Code
from engine.errors import InvalidInput
from engine.model import Resource

GROUP = "engine.plugins"
OWN = {
    "git-clone": "engine.kinds.git_clone:GitClone",
    "file-sync": "engine.kinds.file_sync:FileSync",
    "compose-restart": "engine.kinds.compose_restart:ComposeRestart",
    "http-assert": "engine.kinds.http_assert:HttpAssert",
    "pip-install": "engine.kinds.pip_install:PipInstall",
    "command": "engine.kinds.command:Command",
    "package": "engine.kinds.package:Package",
    "link": "engine.kinds.link:Link",
    "directory": "engine.kinds.directory:Directory",
    "systemd-unit": "engine.kinds.systemd_unit:SystemdUnit",
    "download": "engine.kinds.download:Download",
    "user": "engine.kinds.user:User",
    "group": "engine.kinds.group:Group",
    "cron": "engine.kinds.cron:Cron",
    "docker-network": "engine.kinds.docker_network:DockerNetwork",
    "docker-volume": "engine.kinds.docker_volume:DockerVolume",
    "docker-image": "engine.kinds.docker_image:DockerImage",
    "docker-login": "engine.kinds.docker_login:DockerLogin",
}
"""The engine's own kinds, as in its package metadata: another package cannot take one of these names."""


class Kinds(Mapping[str, type[Resource]]):
    """kind → class, imported on first use. Raises InvalidInput where a kind cannot be imported."""

    def __init__(self, own: Mapping[str, str] | None = None, *, installed: bool = True) -> None:
        self._targets: dict[str, str] = dict(OWN if own is None else own)
        self._searched = not installed
        self._classes: dict[str, type[Resource]] = {}

    @classmethod
    def of(cls, *classes: type[Resource]) -> Kinds:
        """Exactly these kinds, and none that are installed."""
        kinds = cls({each.kind: "" for each in classes}, installed=False)
        kinds._classes = {each.kind: each for each in classes}
        return kinds

    def _search(self) -> None:
        if self._searched:
            return
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP):
            self._targets.setdefault(entry.name, entry.value)
        self._searched = True

    def names(self) -> tuple[str, ...]:
        """Every kind there is, the engine's own first; imports none of them."""
        self._search()
        return tuple(self._targets)

    def __contains__(self, kind: object) -> bool:
        if kind not in self._targets:
            self._search()
        return kind in self._targets

    def __getitem__(self, kind: str) -> type[Resource]:
        if kind not in self._classes:
            if kind not in self:
                raise KeyError(kind)
            self._classes[kind] = _imported(kind, self._targets[kind])
        return self._classes[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())


def _imported(kind: str, target: str) -> type[Resource]:
    module, _, name = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(
            f"kind {kind} cannot be loaded from {target}: {error}", code=Code.KIND_UNLOADABLE
        ) from error
    if getattr(found, "kind", None) != kind:
        raise InvalidInput(
            f"kind {kind} cannot be loaded from {target}: it is not a class with `kind = {kind!r}`",
            code=Code.KIND_UNLOADABLE,
        )
    return found  # type: ignore[no-any-return]


_kinds = Kinds()


def kinds() -> Kinds:
    """The kinds of this installation."""
    return _kinds
