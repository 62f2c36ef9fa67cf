"""Where a repository is, with name and password apart, and which commit of it a name stands for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from engine.errors import InvalidParameter, Refused
from engine.model import Secret

FULL = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
SHORT = re.compile(r"[0-9a-f]{4,63}\Z")
_WITH_USER = re.compile(r"(?P<scheme>https?|ftps?)://(?P<user>[^/]*)@(?P<rest>[^@/]+(?:/.*)?)\Z", re.DOTALL)
_NO_NAME = re.compile(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|@\{|//|^[-/]|[./]\Z|\.lock\Z")


@dataclass(frozen=True)
class Url:
    """A repository's URL: `plain` is without name and password, which are `user` and `password` (empty where there
    are none); `origin` is its scheme and host, the only place these are sent to."""

    plain: str
    user: str = ""
    password: str = ""

    @cached_property
    def origin(self) -> str:
        """`https://host:port`, or nothing where the URL has no such thing."""
        found = re.match(r"[a-z]+://[^/]*", self.plain)
        return found.group() if found else ""


def parse(repo: str | Secret) -> Url:
    """Take a URL apart. Raises InvalidParameter where it cannot be one; the text never holds a secret."""
    text = repo.reveal() if isinstance(repo, Secret) else repo
    shown = "the URL" if isinstance(repo, Secret) else "`" + _WITH_USER.sub(r"\g<scheme>://\g<rest>", text) + "`"
    if not text or text.startswith("-") or any(ord(character) < 32 for character in text):
        raise InvalidParameter("repo", f"{shown} is not the URL of a repository")
    if not (text.startswith("/") or ":" in text):
        raise InvalidParameter(
            "repo", f"{shown} is neither a URL, nor user@host:path, nor an absolute path on the host"
        )
    found = _WITH_USER.match(text)
    if found is None:
        return Url(text)
    user, _, password = (unquote(part) for part in found["user"].partition(":"))
    if any(ord(character) < 32 for character in user + password):
        raise InvalidParameter("repo", "the name or password in the URL holds a line break")
    return Url(f"{found['scheme']}://{found['rest']}", user, password)


def check_revision(revision: str) -> None:
    """Raises InvalidParameter where `revision` can be neither a commit nor the name of a branch or tag."""
    if not revision or _NO_NAME.search(revision):
        raise InvalidParameter("revision", f"`{revision}` is not a commit, branch or tag")


def patterns(revision: str) -> tuple[str, ...]:
    """What to ask a repository for, to learn what commit `revision` is; nothing: for all it has."""
    if FULL.match(revision) or SHORT.match(revision):
        return ()
    if revision == "HEAD":
        return ("HEAD",)
    if revision.startswith("refs/"):
        return (revision, f"{revision}^{{}}")
    return (f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/tags/{revision}^{{}}")


def references(listed: str) -> dict[str, str]:
    """Name → commit, from what `git ls-remote` printed. An annotated tag stands for the commit it points to."""
    pairs = (line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    found = {name: commit for commit, name in pairs}
    peeled = {name[:-3]: commit for name, commit in found.items() if name.endswith("^{}")}
    return {name: commit for name, commit in (found | peeled).items() if not name.endswith("^{}")}


@dataclass(frozen=True)
class Resolved:
    """The `commit` a revision is, in full (empty: not known before it is fetched), and the `reference` it was found
    under (empty: none)."""

    commit: str
    reference: str = ""


def resolve(revision: str, known: str, listed: str, shown: str) -> Resolved:
    """What commit a revision is. `known` is what the checkout there says of a short one, `listed` what
    `git ls-remote` printed; `shown` names the repository.

    Raises Refused where the repository has no such thing, or where it means two things.
    """
    if FULL.match(revision) or known:
        return Resolved(known or revision)
    refs = references(listed)
    if revision == "HEAD" or revision.startswith("refs/"):
        if revision not in refs:
            what = "no default branch: is it empty?" if revision == "HEAD" else f"no {revision}"
            raise Refused(f"{shown} has {what}")
        return Resolved(refs[revision], revision)
    named = [name for name in (f"refs/tags/{revision}", f"refs/heads/{revision}") if name in refs]
    if len({refs[name] for name in named}) > 1:
        raise Refused(
            f"{shown} has both a branch and a tag `{revision}`; write refs/heads/{revision} or refs/tags/{revision}"
        )
    if named:
        return Resolved(refs[named[0]], named[0])
    if not SHORT.match(revision):
        raise Refused(f"{shown} has no branch or tag `{revision}`")
    tips = {commit: name for name, commit in refs.items() if commit.startswith(revision)}
    if len(tips) > 1:
        raise Refused(f"{shown} has several commits that begin with {revision}; write more of it")
    return Resolved(*next(iter(tips.items()))) if tips else Resolved("")
