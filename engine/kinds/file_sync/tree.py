"""A tree of files for file-sync: what is on the host against a directory on the controller.

Each file is an attribute: its name relative to the tree, and as value the digest of its content with what else is
managed of it. `./` is the tree itself, a name with a slash at its end a directory within.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import groupby

from engine.errors import Refused
from engine.kinds.file_sync import scripts
from engine.kinds.file_sync.target import About, Target, Variables, shown
from engine.model import Action, Change, Facts, HostPath, Place, Script, Source, SourceFile, State, Upload, Value

BATCH = 100
"""How many files one command on the host is given at a time."""
SUM = re.compile(r"^\\?([0-9a-f]{64}) [ *]\./", re.MULTILINE)
IN_THE_WAY = {"f": "a file", "d": "a directory", "l": "a symbolic link", "o": "neither a file nor a directory"}
Batch = tuple[str, ...]


@dataclass(frozen=True)
class SectionResults:
    """What the probe found: of files their digest and attributes, of directories their attributes, by name; and the
    names of files and directories that are not part of the tree. Directories only where they are managed."""

    digests: Mapping[str, str]
    files: Mapping[str, About]
    directories: Mapping[str, About]
    strangers: tuple[str, ...]
    stranger_directories: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """The directory at the path holds all files of `source`, but for those that `exclude` matches; where `delete` is
    set, nothing else, but for what `exclude` matches."""

    target: Target
    source: Source
    delete: bool = False
    exclude: tuple[str, ...] = ()

    @cached_property
    def files(self) -> dict[str, SourceFile]:
        """The files to send, by name, in order."""
        return {file.name: file for file in self.source.files if not self.excluded(file.name)}

    @cached_property
    def directories(self) -> tuple[str, ...]:
        """The directories that hold them, the outer ones first."""
        return tuple(sorted({above for name in self.files for above in _above(name)}))

    def excluded(self, name: str) -> bool:
        """Whether a pattern matches the name or a directory above it. A pattern with a slash is matched from the top
        of the tree, one without against the last part of the name."""
        for candidate in (*_above(name), name):
            for pattern in self.exclude:
                text = candidate if "/" in pattern.strip("/") else candidate.rpartition("/")[2]
                if fnmatchcase(text, pattern.strip("/")):
                    return True
        return False

    def _probe_vars(self) -> Variables:
        more: Variables = {"files": len(self.files), "delete": self.delete}
        return {**self.target.probe_vars(), **more, "dir_mode": self.target.dir_mode, "backup": self.target.backup}

    def probe(self) -> Script:
        return Script(scripts.TREE_PROBE, self._probe_vars(), (*self.files, *self.directories))

    def watched(self) -> Script:
        return Script(scripts.TREE_WATCH, self._probe_vars(), (*self.files, *self.directories))

    def places(self) -> tuple[Place, ...]:
        """The tree itself, and each of its files."""
        ours = frozenset(self.directories)

        def alone(name: str) -> bool:
            return name not in ours and not self.excluded(name)

        marks = {name: value for name, value in self.target.marks(self.target.dir_mode).items() if value}
        part = frozenset({f"the files of {self.source.root}"})
        root = Place(self.target.path, "directory", part, marks=marks, alone=alone if self.delete else None)
        files = (HostPath(f"{self.target.path}/{name}") for name in self.files)
        return (root, *(Place(path, "file", whole=True) for path in files))

    # --- states ------------------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if not self.target.there(facts, ("directory",)):
            return None
        seen = self._seen(facts)
        found: dict[str, Value] = {"./": self._directory(seen.directories.get("."))}
        for name in self.directories:
            if self._marks_directories and name in seen.directories:
                found[f"{name}/"] = self._directory(seen.directories[name])
        for name, digest in seen.digests.items():
            about = seen.files[name]
            found[name] = self._file(digest, about.mode, about)
        found |= dict.fromkeys(seen.strangers, "not part of the tree")
        found |= {f"{name}/": "not part of the tree" for name in seen.stranger_directories}
        return found

    def desired(self, facts: Facts) -> State:
        wanted: dict[str, Value] = {**self.target.lacking(facts, "../"), "./": self._directory(None)}
        if self._marks_directories:
            wanted |= {f"{name}/": self._directory(None) for name in self.directories}
        for name, file in self.files.items():
            wanted[name] = self._file(file.digest, file.mode, None)
        return wanted

    @property
    def _marks_directories(self) -> bool:
        return bool(self.target.dir_mode or self.target.owner or self.target.group)

    def _directory(self, about: About | None) -> str:
        parts = ["directory"]
        if self.target.dir_mode:
            parts.append(f"{about.mode if about else int(self.target.dir_mode, 8):04o}")
        return " ".join(parts + self._owners(about))

    def _file(self, digest: str, mode: int, about: About | None) -> str:
        parts = [shown(digest)]
        if self.target.mode:
            parts.append(f"{mode if about else int(self.target.mode, 8):04o}")
        elif mode & 0o100:
            parts.append("executable")
        return " ".join(parts + self._owners(about))

    def _owners(self, about: About | None) -> list[str]:
        owners = []
        if self.target.owner:
            owners.append(about.owner_as(self.target.owner) if about else self.target.owner)
        if self.target.group:
            owners.append(about.group_as(self.target.group) if about else self.target.group)
        return owners

    # --- what the probe said -----------------------------------------------------------------------------------

    def _seen(self, facts: Facts) -> SectionResults:
        names = (*self.files, *self.directories)
        kinds = dict(zip(names, facts["kinds"], strict=True))
        self._refuse_obstacles(kinds)
        there = [name for name in self.files if kinds[name] == "f"]
        sums, abouts = SUM.findall(facts["sums"]), facts.get("about", "").splitlines()
        if not len(there) == len(sums) == len(abouts):
            raise Refused(f"{self.target.path} was changed by somebody else while it was looked at; plan again")
        within = [".", *(name for name in self.directories if kinds[name] == "d")]
        marks = facts["directories"].splitlines() if "directories" in facts else []
        return SectionResults(
            digests=dict(zip(there, sums, strict=True)),
            files=dict(zip(there, map(About.parse, abouts), strict=True)),
            directories=dict(zip(within, map(About.parse, marks), strict=True)) if marks else {},
            strangers=self._strangers(facts.get("others", ""), set(self.files)),
            stranger_directories=self._stranger_directories(facts),
        )

    def _refuse_obstacles(self, kinds: Mapping[str, str]) -> None:
        for name, kind in kinds.items():
            allowed = "-f" if name in self.files else "-d"
            if kind not in allowed:
                raise Refused(
                    f"{self.target.path}/{name} is in the way: it is {IN_THE_WAY[kind]}; the tree was left as it is: "
                    "move it away"
                )

    def _strangers(self, listed: str, ours: set[str]) -> tuple[str, ...]:
        names = sorted(name.replace("\1", "\n").removeprefix("./") for name in listed.split("\n") if name)
        return tuple(
            name for name in names if name not in ours and not self.excluded(name) and not name.startswith(".engine-")
        )

    def _stranger_directories(self, facts: Facts) -> tuple[str, ...]:
        strangers = self._strangers(facts.get("other_directories", ""), {".", *self.directories})
        kept = [
            name
            for fact in ("others", "other_directories")
            for name in (line.replace("\1", "\n").removeprefix("./") for line in facts.get(fact, "").split("\n"))
            if self.excluded(name)
        ]
        holding = {above for name in kept for above in _above(name)}
        return tuple(name for name in strangers if name not in holding)

    # --- actions -----------------------------------------------------------------------------------------------

    def actions(self, change: Change) -> Iterator[Action]:
        seen = self._seen(change.facts) if change.before is not None else SectionResults({}, {}, {}, (), ())
        self._check_owners(change.facts, seen)
        differing = set(change.differing())
        send = [name for name, file in self.files.items() if seen.digests.get(name) != file.digest]
        adjust = [name for name in self.files if name in differing and name not in send]
        batches = [
            *self._ways(send, seen),
            *self._makes(send, differing),
            *self._marks("put", send, seen),
            *self._marks("adjust", adjust, seen),
            *self._drops(seen),
        ]
        variables = self.target.write_vars(change.facts, "")
        if not (set(send) & set(seen.digests) or seen.strangers):
            variables["backup"] = 0
        if variables["backup"] and "no_backups" in change.facts:
            raise Refused(
                f"others can write the directory of {self.target.path}, or it belongs to somebody else: no backup "
                "can be made beside it; it was left as it is: leave `backup` out"
            )
        variables["beside"] = "acts" not in change.facts
        script = Script(scripts.TREE_ACTION, variables, tuple(part for batch in batches for part in batch))
        upload = None
        if send:
            within = change.before is not None and "acts" not in change.facts
            root = self.target.path if within else self.target.beside(change.facts)
            upload = Upload(HostPath(root), tuple((name, self.files[name]) for name in send))
        yield Action(self._title(len(send), len(adjust), len(seen.strangers)), script, upload=upload)

    def _check_owners(self, facts: Facts, seen: SectionResults) -> None:
        """Raise Refused where not all of it can be changed by whoever changes the tree."""
        self.target.check_owner(facts, seen.files.values())
        theirs = [name for name, about in seen.directories.items() if about.uid != "0"]
        theirs += [name for name in facts.get("foreign", "").split("\n") if name]
        if theirs and "." in seen.directories and seen.directories["."].uid == "0":
            raise Refused(
                f"{self.target.path} belongs to root, and in it {theirs[0]} to another user; it was left as it is: "
                "declare that as a resource of its own"
            )

    def _title(self, send: int, adjust: int, strangers: int) -> str:
        counts = (("send", send), ("adjust", adjust), ("remove", strangers))
        work = [f"{verb} {count} {'file' if count == 1 else 'files'}" for verb, count in counts if count]
        return f"{', '.join(work) or 'make directories'} in {self.target.path}"

    def _ways(self, send: Iterable[str], seen: SectionResults) -> Iterator[Batch]:
        touched = [*send, *seen.strangers, *seen.stranger_directories]
        yield from _batches("way", "", "", "", sorted({above for name in touched for above in _above(name)}))

    def _makes(self, send: Iterable[str], differing: set[str]) -> Iterator[Batch]:
        needed = {above for name in send for above in _above(name)}
        needed |= {name[:-1] for name in differing if name.endswith("/") and name[:-1] in self.directories}
        mode, owner = self.target.dir_mode, self._declared_owner
        yield from _batches("make", "", mode, owner, sorted(needed))
        marked = [name for name in (".", *self.directories) if f"{name}/" in differing]
        if mode or owner:
            yield from _batches("adjust", "", mode, owner, marked)

    @property
    def _declared_owner(self) -> str:
        return f"{self.target.owner}:{self.target.group}" if self.target.group else self.target.owner

    def _marks(self, verb: str, names: Iterable[str], seen: SectionResults) -> Iterator[Batch]:
        """Files with the same directory, mode and owner together: one command does for all of them."""

        def key(name: str) -> tuple[str, str, str]:
            directory = name[: name.rfind("/") + 1]
            return directory, self._mode(name, seen.files.get(name)), self._owner(seen.files.get(name))

        for (directory, mode, owner), group in groupby(sorted(names, key=key), key=key):
            yield from _batches(verb, directory, mode, owner, [name[len(directory) :] for name in group])

    def _mode(self, name: str, about: About | None) -> str:
        if self.target.mode:
            return self.target.mode
        executable = self.files[name].mode & 0o100
        if about is None:
            return "0755" if executable else "0644"
        # Whoever may read an executable file may run it.
        return f"{about.mode | 0o100 | (about.mode & 0o444) >> 2 if executable else about.mode & ~0o111:04o}"

    def _owner(self, about: About | None) -> str:
        if about is None:
            return self._declared_owner
        return f"{self.target.owner or about.uid}:{self.target.group or about.gid}"

    def _drops(self, seen: SectionResults) -> Iterator[Batch]:
        for directory, group in groupby(seen.strangers, key=lambda name: name[: name.rfind("/") + 1]):
            yield from _batches("drop", directory, "", "", [name[len(directory) :] for name in group])
        # In reverse, a directory comes after those within it.
        yield from _batches("clear_out", "", "", "", sorted(seen.stranger_directories, reverse=True))


def _above(name: str) -> tuple[str, ...]:
    """The directories above a name, the outermost first."""
    parts = name.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))


def _batches(verb: str, directory: str, mode: str, owner: str, names: list[str]) -> Iterator[Batch]:
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        yield (verb, directory, mode, owner, str(len(some)), *some)
