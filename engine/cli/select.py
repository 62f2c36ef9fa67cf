"""What --only and --skip mean: a name or glob, `kind:K`, `tag:T`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model import DeclaredResource, HostDeclaration


def check_words(hosts: Sequence[HostDeclaration], only: Sequence[str], skip: Sequence[str]) -> None:
    """Raises InvalidInput for a word that matches no resource of any host."""
    declared = [resource for host in hosts for resource in host.resources]
    for option, words in (("--only", only), ("--skip", skip)):
        for word in words:
            if declared and not any(_matches(resource, word) for resource in declared):
                raise InvalidInput(_unmatched(option, word, declared))


def left_out(host: HostDeclaration, only: Sequence[str], skip: Sequence[str]) -> frozenset[str]:
    """Names of the resources that are left out on a host."""
    return frozenset(
        resource.name
        for resource in host.resources
        if (only and not any(_matches(resource, word) for word in only))
        or any(_matches(resource, word) for word in skip)
    )


def _matches(declared: DeclaredResource, word: str) -> bool:
    prefix, colon, rest = word.partition(":")
    if colon and prefix == "kind":
        return fnmatchcase(declared.resource.kind, rest)
    if colon and prefix == "tag":
        return any(fnmatchcase(tag, rest) for tag in declared.tags)
    return fnmatchcase(declared.name, word) or declared.name.startswith(f"{word}/")


def _unmatched(option: str, word: str, declared: Sequence[DeclaredResource]) -> Problem:
    prefix, colon, _ = word.partition(":")
    if colon and prefix == "kind":
        known = sorted({f"kind:{resource.resource.kind}" for resource in declared})
    elif colon and prefix == "tag":
        known = sorted({f"tag:{tag}" for resource in declared for tag in resource.tags})
    else:
        known = list(dict.fromkeys(resource.name for resource in declared))
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    hints = (f"did you mean `{near[0]}`?",) if near else ()
    most = 20
    more = f", and {len(known) - most} more" if len(known) > most else ""
    return Problem(
        f"`{word}` matches no resource",
        where=option,
        hints=(*hints, f"Available: {', '.join(known[:most]) or 'none'}{more}"),
        code=Code.NO_MATCH,
    )
