"""A run's changes, taken back: the declarations that put back what it replaced. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.errors import EngineError, of_kind
from engine.model import Declared, HostDeclaration, HostPath, Plain


@dataclass(frozen=True)
class Changed:
    """What a run changed of one resource: the state it found (None: absent), and the attributes it changed."""

    prior: Mapping[str, Plain] | None
    attributes: tuple[str, ...]


def rolled_back(
    declared: HostDeclaration, changed: Mapping[str, Changed], place: Callable[[str], HostPath]
) -> HostDeclaration:
    """What a host is to be like again, from what is declared for it now.

    `place` names the directory in which a resource's replaced things are kept. Services that restart on what is put
    back stay declared; everything else is left out. What a run did last is taken back first.
    """
    kept: list[Declared] = []
    for resource in declared.resources:
        if resource.name in changed:
            was = changed[resource.name]
            try:
                restored = resource.resource.restored(was.prior, was.attributes, place(resource.name))
            except Exception as error:
                raise EngineError(of_kind(resource.name, resource.resource.kind, error)) from error
            if restored is not None:
                kept.append(replace(resource, resource=restored))
    names = {resource.name for resource in kept}
    kept.reverse()
    watchers = [r for r in declared.resources if any(watch.name in names for watch in r.resource.watches())]
    return replace(declared, resources=tuple(_chained([*kept, *watchers])))


def _chained(resources: Iterable[Declared]) -> Iterator[Declared]:
    before: tuple[str, ...] = ()
    for resource in resources:
        yield replace(resource, needs=before)
        before = (resource.name,)
