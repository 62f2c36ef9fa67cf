"""A run's changes, taken back: the declarations that put back what it replaced. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.errors import EngineError, code_of, of_kind
from engine.model import DeclaredResource, HostDeclaration, HostPath, Lost, Plain, Reason, Resource, Why


@dataclass(frozen=True)
class Changed:
    """What a run changed of one resource: the state it found (None: absent), the attributes it changed, and of which
    kind the resource was (empty: not known)."""

    prior: Mapping[str, Plain] | None
    attributes: tuple[str, ...]
    kind: str = ""


def rolled_back(
    declared: HostDeclaration, changed: Mapping[str, Changed], place: Callable[[str], HostPath]
) -> tuple[HostDeclaration, tuple[Lost, ...]]:
    """What a host is to be like again, from what is declared for it now, and what of it cannot be had again.

    `place` names the directory in which a resource's replaced things are kept. Services that restart on what is put
    back stay declared; everything else is left out. What a run did last is taken back first.
    """
    restorable: list[DeclaredResource] = []
    lost: dict[str, Reason | None] = dict.fromkeys(changed, Reason(Why.UNDECLARED))
    for resource in declared.resources:
        if resource.name in changed:
            try:
                restored, why = _restored(resource.resource, changed[resource.name], place(resource.name))
            except Exception as error:
                raise EngineError(
                    of_kind(resource.name, resource.resource.kind, error), code=code_of(error)
                ) from error
            lost[resource.name] = why
            if restored is not None:
                restorable.append(replace(resource, resource=restored, backup=place(resource.name)))
    names = {resource.name for resource in restorable}
    restorable.reverse()
    watchers = [
        r
        for r in declared.resources
        if r.name not in names and any(watch.name in names for watch in r.resource.watches())
    ]
    left = tuple(Lost(declared.host.name, name, why) for name, why in lost.items() if why)
    return replace(declared, resources=tuple(_chained([*restorable, *watchers]))), left


def _restored(resource: Resource, was: Changed, place: HostPath) -> tuple[Resource | None, Reason | None]:
    """The resource that puts back what was changed, where there is one, and what it does not put back."""
    if resource.check:
        return None, None
    restored = resource.restored(was.prior, was.attributes, place)
    known = {resource.kind, restored.kind if restored is not None else ""}
    if was.kind and was.kind not in known:
        return None, Reason(Why.OTHER_KIND, (was.kind, resource.kind))
    lost = resource.lost(was.prior, was.attributes, place)
    return restored, Reason.of(lost) if lost else None


def _chained(resources: Iterable[DeclaredResource]) -> Iterator[DeclaredResource]:
    before: tuple[str, ...] = ()
    for resource in resources:
        yield replace(resource, needs=before)
        before = (resource.name,)
