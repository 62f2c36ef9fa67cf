"""The inventory: Ansible's, as it is. YAML and INI files, directories that mix them, executables, `group_vars/`,
`host_vars/`, and where `ansible.cfg` says they are.

Read as Ansible reads it, variables with its precedence: `all`, then groups from the outermost in, then the host; at
each of these first what the inventory itself says, then `group_vars/` and `host_vars/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.codes import Code
from engine.declare.controller_files import label
from engine.declare.inventory import connection, patterns, settings
from engine.declare.inventory.connection import passwords
from engine.declare.inventory.problems import HostProblem
from engine.declare.inventory.sources import Reader, absolute
from engine.declare.inventory.tree import Tree
from engine.declare.inventory.varsfiles import VarsFiles
from engine.declare.inventory.vault import Given, Vault, bound
from engine.declare.templates.names import Lazy
from engine.errors import InvalidInput, Problem
from engine.model import Host, Secret
from engine.model.counting import count

__all__ = ["Inventory", "passwords"]

DEFAULTS = ("inventory.yaml", "inventory.yml")
"""What is read from the project root where no inventory is named."""


def _found(project: Path, config: settings.Settings, reader: Reader) -> list[Path]:
    """What is read where no inventory is named: `inventory.yaml` of the project root, else what `inventory` of
    ansible.cfg names, else `inventory/` of the project root."""
    configured = [Path(path) for path in config.paths("inventory")]
    for name in DEFAULTS:
        if (path := project / name).exists():
            if config.path and configured not in ([], [path]):
                reader.warnings.append(
                    f"{label(config.path)}: `inventory` is not used, because there is {label(path)}; "
                    f"use -i {label(configured[0])} to read what it names"
                )
            return [path]
    if configured and config.path:
        reader.files.append(config.path)
        return configured
    return [path for path in (project / "inventory",) if path.exists()]


class Inventory:
    """Hosts and groups. Variable files are read when a host is asked for that they are about."""

    def __init__(
        self,
        tree: Tree,
        directories: Sequence[Path],
        project: Path,
        read: Reader | None = None,
        vault: Vault | None = None,
    ) -> None:
        self._tree = tree
        self._project = project
        self._vault = vault or Vault()
        self._files = tuple(read.files) if read else ()
        self._warnings = dict.fromkeys(read.warnings if read else ())
        self._vars = [VarsFiles(directory, label, self._vault) for directory in dict.fromkeys(directories)]
        self._merged: dict[str, dict[str, Any]] = {}
        self._of_groups: dict[tuple[str, ...], dict[str, Any]] = {}
        self._opened: list[str] = []
        self._shown: dict[str, Lazy] = {}

    @classmethod
    def load(
        cls, paths: str | Path | Iterable[str | Path] | None, project: Path, given: Given | None = None
    ) -> Inventory:
        """Read one inventory or several, later ones added to the earlier: files, directories, executables, or lists
        of hosts (`gpu1,gpu2`). A relative path lies in the working directory.

        None: see `_found`; where nothing is found, only `localhost` is known. `given`: passwords for Ansible Vault
        beside those of the project's settings.
        Raises InvalidInput with every problem of every file.
        """
        warnings: list[str] = []
        config = settings.read(project, label, warnings.append)
        tree = Tree()
        reader = Reader(tree, label, config)
        reader.warnings += warnings
        if paths is None:
            paths = _found(project, config, reader)
        names = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        directories = []
        for name in names:
            path = absolute(name, Path.cwd())
            reader.source(name, path)
            if path.exists():
                directories.append(path if path.is_dir() else path.parent)
        if reader.problems:
            raise InvalidInput(reader.problems)
        tree.close()
        return cls(tree, directories, project, reader, Vault.of(config, given))

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Every group with the names of its hosts, those of the groups in it included."""
        return Lazy(self._tree.groups, lambda name: tuple(self._tree.hosts_of(name)))

    @property
    def hostvars(self) -> Lazy:
        """Of every host what the inventory says of it, as the templates of a state see it: rendered, with names like
        `inventory_hostname`. Passwords are Secrets."""
        return Lazy(self._tree.hosts, self._hostvars)

    def _hostvars(self, name: str) -> Lazy:
        if name not in self._shown:
            names = self._names(name)
            self._shown[name] = Lazy(names.known(), lambda key: connection.shown(names, key))
        return self._shown[name]

    @property
    def sources(self) -> tuple[Path, ...]:
        """Every file that says something: inventories, executables, variable files of any group or host."""
        found = list(self._files)
        for directory in self._vars:
            for kind, names in (("group_vars", self._tree.groups), ("host_vars", self._tree.hosts)):
                found += [path for name in names for path in directory.files(kind, name)]
        return tuple(dict.fromkeys(found))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd, but not wrong."""
        return tuple(self._warnings)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What was decrypted by now, for the redactor."""
        return tuple(self._vault.found.copy())

    def hosts(self, pattern: str | Sequence[str], limit: str | None = None) -> tuple[Host, ...]:
        """The hosts that a pattern names, in the inventory's order, those only that `limit` names too.

        Both are Ansible's patterns; `limit` may be `@FILE`, a file with a pattern in each line. `localhost` can
        always be named; where the inventory has none, it is this machine, without SSH.
        A host whose variables cannot be decrypted or rendered is there, with `problems`.
        Raises InvalidInput where no host is left, and for a name that is neither a group nor a host.
        """
        return tuple(self._host(name) for name in self.names(pattern, limit))

    def names(self, pattern: str | Sequence[str], limit: str | None = None) -> tuple[str, ...]:
        """The names of the hosts of a pattern, as `hosts`; no variable is read for it."""
        texts = [pattern] if isinstance(pattern, str) else list(pattern)
        names = patterns.select(self._tree, [part for text in texts for part in patterns.split(text)])
        if not names:
            raise self._none(f"the pattern `{patterns.short(','.join(texts))}` matches no host")
        if limit is not None:
            parts, from_file = patterns.limit_parts(limit, Path.cwd())
            # A file may be older than the inventory, and name hosts that are gone.
            kept = set(patterns.select(self._tree, parts, strict=not from_file)) if parts or not from_file else set()
            before = len(names)
            names = [name for name in names if name in kept]
            if not names:
                left = f"none of the {before} hosts" if before > 1 else "no host"
                of = patterns.short(",".join(texts))
                raise self._none(f"--limit {patterns.short(limit)} leaves {left} of `{of}`")
        return tuple(names)

    def graph(self, group: str = "all") -> str:
        """Groups and their hosts as a tree of text. Raises InvalidInput where there is no such group."""
        if group not in self._tree.groups:
            raise patterns.unknown(self._tree, group)
        return "\n".join(self._graph(group, 0))

    def _graph(self, name: str, depth: int) -> list[str]:
        indent = "  |" * depth + "--" if depth else ""
        lines = [f"{indent}@{name}:"]
        for child in self._tree.groups[name].children:
            lines += self._graph(child, depth + 1)
        if name != "all":
            lines += [f"{'  |' * (depth + 1)}--{host}" for host in self._tree.groups[name].hosts]
        return lines

    def _none(self, message: str) -> InvalidInput:
        if not self._tree.hosts:
            hint = "no inventory found, so only `localhost` is known; create inventory.yaml or use -i"
        else:
            hint = (
                f"the inventory has {count(len(self._tree.hosts), 'host')}: {', '.join(list(self._tree.hosts)[:10])}"
            )
            hint += ", ..." if len(self._tree.hosts) > 10 else ""
        return InvalidInput(Problem(message, hints=(hint,), code=Code.UNKNOWN_HOST))

    def _host(self, name: str) -> Host:
        groups = tuple(sorted(self._tree.groups_of(name)))
        values: Mapping[str, Any] = {}
        try:
            values = self._values(name)
            if any(key.startswith("ansible_") and connection.is_rendered(value) for key, value in values.items()):
                values = connection.rendered(self._names(name))
        except HostProblem as error:
            return Host(name, groups, dict(values), error.problems)
        return Host(name, groups, dict(values))

    def _names(self, name: str) -> connection.Names:
        return connection.Names(name, self._values(name), self._magic(name), self._opened)

    def _magic(self, name: str) -> dict[str, Any]:
        """What templates in the inventory can refer to beside the variables of the host."""
        tree = self._tree
        return {
            "inventory_hostname": name,
            "inventory_hostname_short": name.split(".")[0],
            "inventory_dir": str(self._vars[0].directory) if self._vars else str(self._project),
            "group_names": sorted(tree.groups_of(name)),
            "groups": Lazy(tree.groups, tree.hosts_of),
            "hostvars": Lazy(tree.hosts, lambda other: Lazy(self._values(other), self._names(other).lookup)),
        }

    def _values(self, name: str) -> dict[str, Any]:
        """The variables of a host, merged."""
        if name not in self._merged:
            values = dict(self._group_values(tuple(self._tree.groups_of(name))))
            values.update(self._tree.hosts.get(name, {"ansible_connection": "local"}))
            for directory in self._vars:
                values.update(directory.values("host_vars", name))
            self._merged[name] = {key: bound(value, self._vault, key) for key, value in values.items()}
        return self._merged[name]

    def _group_values(self, groups: tuple[str, ...]) -> dict[str, Any]:
        if groups not in self._of_groups:
            values: dict[str, Any] = {}
            for group in ("all", *groups):
                values.update(self._tree.groups[group].vars)
            for names in (("all",), groups):
                for directory in self._vars:
                    for group in names:
                        values.update(directory.values("group_vars", group))
            self._of_groups[groups] = values
        return self._of_groups[groups]
