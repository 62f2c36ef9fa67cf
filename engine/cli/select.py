"""What --only and --skip mean: a name or glob, `kind:K`, `tag:T`; and --restart: a name or glob of services."""

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


def requested(host: HostDeclaration, words: Sequence[str]) -> frozenset[str]:
    """Names of the services of a host that --restart names."""
    services = (resource.name for resource in host.resources if resource.resource.restarts)
    return frozenset(name for name in services if any(_named(name, word) for word in words))


def check_requested(
    hosts: Sequence[HostDeclaration], words: Sequence[str], only: Sequence[str], skip: Sequence[str]
) -> None:
    """Raises InvalidInput for a word of --restart that names no service of any host, or only such as --only and
    --skip leave out."""
    declared = [resource for host in hosts for resource in host.resources]
    services = [resource for resource in declared if resource.resource.restarts]
    for word in words if declared else ():
        named = [(host, name) for host in hosts for name in requested(host, [word])]
        if not named:
            other = next((r for r in declared if _named(r.name, word)), None)
            what = f"`{word}` is not a service but of kind {other.resource.kind}" if other else None
            raise InvalidInput(_unmatched("--restart", word, services, what or f"`{word}` matches no service"))
        if all(name in left_out(host, only, skip) for host, name in named):
            option = "--skip" if all(name in left_out(host, (), skip) for host, name in named) else "--only"
            hint = f"Leave it out of --skip: {word}" if option == "--skip" else f"Add it: --only {word}"
            what = f"`{word}` is left out by {option}"
            raise InvalidInput(Problem(what, where="--restart", hints=(hint,), code=Code.OPTIONS_CONFLICT))


def _named(name: str, word: str) -> bool:
    return fnmatchcase(name, word) or name.startswith(f"{word}/")


def _matches(declared: DeclaredResource, word: str) -> bool:
    prefix, colon, rest = word.partition(":")
    if colon and prefix == "kind":
        return fnmatchcase(declared.resource.kind, rest)
    if colon and prefix == "tag":
        return any(fnmatchcase(tag, rest) for tag in declared.tags)
    return _named(declared.name, word)


def _unmatched(option: str, word: str, declared: Sequence[DeclaredResource], what: str = "") -> Problem:
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
        what or f"`{word}` matches no resource",
        where=option,
        hints=(*hints, f"Available: {', '.join(known[:most]) or 'none'}{more}"),
        code=Code.NO_MATCH,
    )
