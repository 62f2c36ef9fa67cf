"""Checks gate: which checks must pass before what needs them is begun. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.model import HostDeclaration


class Gates:
    """The checks of a host as gates. `nearest` holds for steps that have something to do, and for checks whose
    asking has effects; all others need no gate."""

    def __init__(self, declared: HostDeclaration) -> None:
        self.needs: Mapping[str, tuple[str, ...]] = {r.name: r.needs for r in declared.resources}
        self.checks = [r.name for r in declared.resources if r.resource.check]
        self._order = {name: at for at, name in enumerate(self.checks)}

    def nearest(self, name: str, without: Collection[str] = ()) -> tuple[str, ...]:
        """The nearest checks that `name` needs, in order: those met on the way up through resources that are none,
        and from each of them on through checks alone. `without` names those that are passed over."""
        if not self._order:
            return ()
        found: set[str] = set()
        passed: set[str] = set()
        queue = [(need, False) for need in self.needs.get(name, ())]
        while queue:
            need, beyond = queue.pop()
            if need in self._order:
                if need not in found:
                    found.add(need)
                    queue.extend((more, True) for more in self.needs.get(need, ()))
            elif not beyond and need not in passed:
                passed.add(need)
                queue.extend((more, False) for more in self.needs.get(need, ()))
        return tuple(sorted(found.difference(without), key=self._order.__getitem__))
