"""What --only and --skip mean: a name or glob, `kind:K`, `tag:T`."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from engine.errors import InvalidInput, Problem
from engine.model import Declared, HostDeclaration


def left_out(hosts: Sequence[HostDeclaration], only: Sequence[str], skip: Sequence[str]) -> dict[str, frozenset[str]]:
    """Host → names of the resources that are left out. Raises InvalidInput for a word that matches nothing."""
    declared = [resource for host in hosts for resource in host.resources]
    for option, words in (("--only", only), ("--skip", skip)):
        for word in words:
            if declared and not any(_matches(resource, word) for resource in declared):
                raise InvalidInput(_unmatched(option, word, declared))
    return {
        host.host.name: frozenset(
            resource.name
            for resource in host.resources
            if (only and not any(_matches(resource, word) for word in only))
            or any(_matches(resource, word) for word in skip)
        )
        for host in hosts
    }


def _matches(declared: Declared, word: str) -> bool:
    prefix, colon, rest = word.partition(":")
    if colon and prefix == "kind":
        return fnmatchcase(declared.resource.kind, rest)
    if colon and prefix == "tag":
        return any(fnmatchcase(tag, rest) for tag in declared.tags)
    return fnmatchcase(declared.name, word) or declared.name.startswith(f"{word}/")


def _unmatched(option: str, word: str, declared: Sequence[Declared]) -> Problem:
    prefix, colon, _ = word.partition(":")
    if colon and prefix == "kind":
        known = sorted({f"kind:{resource.resource.kind}" for resource in declared})
    elif colon and prefix == "tag":
        known = sorted({f"tag:{tag}" for resource in declared for tag in resource.tags})
    else:
        known = list(dict.fromkeys(resource.name for resource in declared))
    near = get_close_matches(word, known, n=1)
    hints = (f"did you mean `{near[0]}`?",) if near else ()
    most = 20
    more = f", and {len(known) - most} more" if len(known) > most else ""
    return Problem(
        f"`{word}` matches no resource",
        where=option,
        hints=(*hints, f"there are: {', '.join(known[:most]) or 'none'}{more}"),
    )
