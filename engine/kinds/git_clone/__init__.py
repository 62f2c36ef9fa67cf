"""git-clone: a directory is a checkout of a revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from engine.kinds.git_clone import repository
from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Refused,
    Reversible,
    Script,
    Secret,
    State,
    Variables,
    Watchable,
)
from engine.kit.fields import Schema
from engine.kit.paths import managed, temporary, within
from engine.kit.shell import texts
from engine.model import Outside, Place, Plain, Resource, Sentence, Value
from engine.model.counting import count

NAMED = 5
"""How many files or commits a sentence names."""

_ACCESS = frozenset({".ssh", ".gitconfig", ".git-credentials", ".netrc", ".config"})
"""Names in a home directory under which ssh and git find keys, passwords and settings."""

sh = texts(__file__)


class GitClone(Watchable, Reversible):
    """A directory is a git checkout of a revision.

    resources:
      login-node:
        git-clone:
          repo: https://github.com/liusida/ComfyUI-Login.git
          path: /srv/qwen/ComfyUI/custom_nodes/ComfyUI-Login
          revision: 6910925
    """

    repo: Annotated[
        str | Secret,
        "URL of the repository, user@host:path, or an absolute path on the host. A name and password in it are used "
        "to fetch, and neither shown nor written to the checkout.",
    ]
    path: Annotated[
        HostPath,
        "The directory on the host. git runs as its owner; a new one belongs to the owner of the directory it is in.",
    ]
    revision: Annotated[
        str,
        "A commit (in full, then planning needs no network, or shortened), a tag or a branch. Left out: the default "
        "branch of the repository. It is checked out detached.",
    ] = "HEAD"
    on_dirty: Annotated[
        Literal["fail", "discard", "stash"],
        "What to do with uncommitted or unpushed work: `fail`, `discard` it, or `stash` it (commits go to a branch).",
    ] = "fail"
    shallow: Annotated[
        bool | Annotated[int, Schema(minimum=0)],
        "Fetch the commit without its history, or with so many commits of it.",
    ] = False
    submodules: Annotated[bool, "Check out the submodules at the commits that are recorded for them."] = False
    remote: Annotated[
        str, "What the checkout calls the repository.", {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"}
    ] = "origin"
    state: Annotated[
        Literal["present", "absent"], "absent: the checkout is removed, unless something in it is nowhere else."
    ] = "present"

    probe_sh: ClassVar[str] = sh("git.sh", "probe.sh")
    watch_sh: ClassVar[str] = sh("git.sh", "watch.sh")

    def check_parameters(self) -> None:
        repository.check_revision(self.revision)
        _ = self._path
        if self.state == "absent" and self.on_dirty == "stash":
            raise InvalidParameter(
                "on_dirty", "stash keeps nothing where the checkout is removed; use fail or discard"
            )
        _ = self._url

    @cached_property
    def _url(self) -> repository.Url:
        return repository.parse(self.repo)

    @cached_property
    def _path(self) -> HostPath:
        return managed(self.path)

    @cached_property
    def _shown(self) -> str:
        return "the repository" if isinstance(self.repo, Secret) else self._url.plain

    @cached_property
    def _wanted(self) -> str:
        lower = self.revision.lower()
        return lower if repository.FULL.match(lower) else self.revision

    def _remote(self, url: str) -> Value:
        return Secret(url) if isinstance(self.repo, Secret) else url

    def variables(self) -> Variables:
        url, revision, path = self._url, self._wanted, self._path
        full = bool(repository.FULL.match(revision))
        variables: Variables = {
            **super().variables(),
            "path": path,
            "temp": temporary(path),
            "url": Secret(url.plain) if isinstance(self.repo, Secret) else url.plain,
            "shown": self._shown,
            "origin": url.origin,
            "user": Secret(url.user) if url.user else "",
            "password": Secret(url.password) if url.password else "",
            "revision": revision,
            "short": bool(repository.SHORT.match(revision)) and not full,
            "network": not full,
            "depth": str(int(self.shallow) or ""),
        }
        # Name and password in it are no part of a script's text.
        return {name: value for name, value in variables.items() if name != "repo"}

    def probe(self) -> Script:
        return Script(self.probe_sh, self.variables(), repository.patterns(self._wanted))

    def places(self) -> tuple[Place, ...]:
        absent = self.state == "absent"
        return (Place(self._path, "nothing" if absent else "directory", whole=not absent),)

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        """A repository that cannot be reached may be made on the host, be served by a service, or be in want of what
        ssh and git read: keys, passwords, settings."""
        if "unreachable" not in facts:
            return True
        return any(places is None or any(self._cures(place.path) for place in places) for places in pending)

    def _cures(self, path: str) -> bool:
        local = self._url.plain.removeprefix("file://")
        if local.startswith("/"):
            return within(local, path) or within(path, local)
        return within(path, "/etc") or not _ACCESS.isdisjoint(path.split("/"))

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        # `pin` may refuse before anything else is known.
        if obstacle := facts.get("refused") or self._obstacle(facts):
            raise Refused(obstacle)
        kind = facts["type"]
        if self.state == "absent":
            return self._removable(facts)
        if kind != "checkout":
            return None
        found: dict[str, Value] = {
            "revision": facts["head"] or None,
            "remote": self._remote(facts["remote"]) if facts["remote"] else None,
        }
        if facts.get("cut"):
            found["checkout"] = "cut off half-way"
        files = _files(facts.get("dirty", ""))
        if files and self.on_dirty == "fail":
            raise Refused(
                Sentence(
                    f"{count(len(files), 'file')} in {self.path} {'have' if len(files) > 1 else 'has'} "
                    "uncommitted changes: ",
                    Outside(_named(files)),
                    "; left as they are. Commit them there, or set on_dirty: stash (keeps them) or "
                    "discard (loses them)",
                )
            )
        if files:
            found["uncommitted"] = f"{count(len(files), 'file')}: {_named(files)}"
        commits = self._unknown(facts)
        if commits and self.on_dirty == "fail":
            verb = "are" if len(commits) > 1 else "is"
            raise Refused(
                f"{self.path} has {count(len(commits), 'commit')} that {verb} nowhere else: {_named(commits)}; left "
                "as they are. Push them, or set on_dirty: stash (keeps them on a branch) or discard (leaves them "
                "behind)"
            )
        if commits:
            found["local commits"] = _named(commits)
        if self.submodules:
            found["submodules"] = _submodules(facts["submodules"])
        return found

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        revision = self._resolved(facts).commit or self._wanted
        if revision != self._wanted or repository.FULL.match(revision):
            wanted: str = revision
        else:
            # It is not known in full; what begins with it is it.
            head = facts.get("head", "")
            wanted = head if head.startswith(revision) else revision
        state: dict[str, Value] = {"revision": wanted, "remote": self._remote(self._url.plain)}
        if self.submodules:
            state["submodules"] = "as recorded"
        return state

    def _resolved(self, facts: Facts) -> repository.Resolved:
        return repository.resolve(self._wanted, facts.get("commit", ""), facts.get("refs", ""), self._shown)

    def _unknown(self, facts: Facts) -> list[str]:
        """Commits that would get out of sight: none where nothing else is checked out, or where they were pushed."""
        head = facts.get("head", "")
        if head in repository.references(facts.get("refs", "")).values() or head == self._resolved(facts).commit:
            return []
        return [commit[:10] for commit in facts.get("unknown", "").split()]

    def _obstacle(self, facts: Facts) -> str:
        kind = facts["type"]
        left = "it was left as it is: move it away"
        return {
            "blocked": f"{facts.get('above', '')} is in the way of {self.path}: it is not a directory; {left}",
            "file": f"{self.path} is in the way: it is a file; {left}",
            "link": f"{self.path} is in the way: it is a symbolic link; {left}, or name what it leads to",
            "other": f"{self.path} is in the way: it is neither a file nor a directory; {left}",
            "exposed": f"others can write {facts.get('above', '')}, and could lead git elsewhere from {self.path}; "
            "it was left as it is: take that right from them, or give the directory to the user who is to own it",
            "foreign": f"{self.path} belongs to root, but others can write it or its .git; it was left as it is: "
            "give all of it to one user",
            "directory": f"{self.path} is in the way: it is a directory with files, but no git checkout; {left}",
            "broken": f"{self.path} is in the way: it has files in it, but git cannot use its .git; {left}",
        }.get(kind, "")

    def _removable(self, facts: Facts) -> State | None:
        kind = facts["type"]
        if kind == "absent":
            return None
        if kind != "checkout":
            said = {"empty": "none, but an empty directory", "removing": "half removed"}
            return {"checkout": said.get(kind, "cut off half-way")}
        if facts["remote"] != self._url.plain:
            raise Refused(
                Sentence(
                    f"{self.path} is a checkout of another repository",
                    *([] if isinstance(self.repo, Secret) else [", ", Outside(facts["remote"] or "of none")]),
                    "; it was left as it is: remove it yourself",
                )
            )
        if facts["lost"] and self.on_dirty != "discard":
            raise Refused(
                Sentence(
                    f"{self.path} holds ",
                    Outside(facts["lost"]),
                    "; it was left as it is: save them, or set on_dirty: discard",
                )
            )
        return {"revision": facts["head"] or None, "remote": self._remote(facts["remote"])}

    # --- actions -----------------------------------------------------------------------------------------------

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        if prior is None:
            return self.replace(state="absent")
        commit = prior.get("revision")
        if not commit or "revision" not in changed:
            return None
        return self.replace(state="present", revision=str(commit), shallow=False)

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if prior is None:
            return ""
        if self.state == "absent":
            return "files in it that git does not track do not come back"
        if "revision" in changed and not prior.get("revision"):
            return "nothing was checked out before; it stays as it is"
        stashed = {"uncommitted": "are in git's stash", "local commits": "are on a branch of their own"}
        gone = {"uncommitted": "were discarded", "local commits": "were left behind"}
        ends = {"remote": "stays as it is", **(stashed if self.on_dirty == "stash" else gone)}
        if "revision" not in changed:
            ends["submodules"] = "stay as they are"
        return ", ".join(f"{name} {ends[name]}" for name in changed if name in ends)

    def actions(self, change: Change) -> Iterator[Action]:
        if self.state == "absent":
            yield from self._removal(change.facts)
            return
        resolved = self._resolved(change.facts)
        variables = (
            self.variables() | self._planned(change.facts) | {"commit": resolved.commit, "ref": resolved.reference}
        )
        wanted = resolved.commit or self._wanted
        if change.before is None:
            yield Action(f"clone {wanted} into {self.path}", Script(sh("git.sh", "change.sh", "clone.sh"), variables))
            return
        titles = {
            "remote": "set the remote",
            "uncommitted": f"{self.on_dirty} uncommitted changes",
            "revision": f"check out {wanted}",
            "checkout": f"resume the checkout of {wanted}",
            "submodules": "update submodules",
        }
        differing = change.differing()
        work = [title for name, title in titles.items() if name in differing]
        yield Action(f"{', '.join(work)} in {self.path}", Script(sh("git.sh", "change.sh", "update.sh"), variables))

    def _planned(self, facts: Facts) -> Variables:
        """What the plan found, so that nothing else is replaced."""
        remote = facts.get("remote", "")
        return {
            "planned_head": facts.get("head", ""),
            "planned_remote": Secret(remote) if isinstance(self.repo, Secret) else remote,
            "planned_dirty": facts.get("dirty", ""),
            "planned_lost": facts.get("lost", ""),
        }

    def _removal(self, facts: Facts) -> Iterator[Action]:
        """First as whom the checkout belongs to, then as whom the directory above does."""
        yield Action(f"empty {self.path}", Script(sh("git.sh", "empty.sh"), self.variables() | self._planned(facts)))
        yield Action(f"remove {self.path}", Script(sh("remove.sh"), self.variables()))


def _files(listed: str) -> list[str]:
    """Names out of the lines of `git status --porcelain`."""
    return [line[3:] for line in listed.splitlines() if line]


def _submodules(listed: str) -> str:
    """What `git submodule status` says, in words."""
    lines = [line for line in listed.splitlines() if line]
    stray = [line[1:].split(" ")[1] for line in lines if line[0] != " "]
    return f"{len(stray)} not as recorded: {_named(stray)}" if stray else "as recorded"


def _named(things: list[str]) -> str:
    more = f" and {len(things) - NAMED} more" if len(things) > NAMED else ""
    return ", ".join(things[:NAMED]) + more
