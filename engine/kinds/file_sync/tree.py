"""A tree of files for file-sync: what is on the host against a directory on the controller.

Each file is an attribute: its name relative to the tree, and as value the digest of its content with what else is
managed of it. `./` is the tree itself, a name with a slash at its end a directory within.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain, groupby

from engine.errors import Refused
from engine.kinds.file_sync.file import Form, sh, shown
from engine.kit.inspected import NAMES, About, check_owner, is_there, waiting_place
from engine.model import Action, Change, Facts, HostPath, Place, Script, Source, SourceFile, State, Upload, Value

BATCH = 100
"""How many files one command on the host is given at a time."""
SUM = re.compile(r"^\\?([0-9a-f]{64}) [ *]\./", re.MULTILINE)
Batch = tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What the probe found: of files their digest and attributes, of directories their attributes, by name; and the
    names of files and directories that are not part of the tree."""

    digests: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, About] = field(default_factory=dict)
    directories: Mapping[str, About] = field(default_factory=dict)
    strangers: Sequence[str] = ()
    stranger_directories: Sequence[str] = ()


@dataclass(frozen=True)
class Tree(Form):
    """The directory at the path holds all files of `source`, but for those that `exclude` matches; where `delete` is
    set, nothing else, but for what `exclude` matches."""

    source: Source

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
            for pattern in self.params.exclude:
                text = candidate if "/" in pattern.strip("/") else candidate.rpartition("/")[2]
                if fnmatchcase(text, pattern.strip("/")):
                    return True
        return False

    def probe(self) -> Script:
        return self._inspect("tree_probe.sh")

    def watched(self) -> Script:
        return self._inspect("tree_watch.sh")

    def _inspect(self, script: str) -> Script:
        variables = self.probe_vars() | {"delete": self.params.delete, "backup": int(self.params.backup)}
        return Script(sh("tree.sh", script), variables, (*self.files, *self.directories))

    def places(self) -> tuple[Place, ...]:
        """The tree itself, and each of its files."""
        ours = frozenset(self.directories)

        def alone(name: str) -> bool:
            return name not in ours and not self.excluded(name)

        part = frozenset({f"the files of {self.source.root}"})
        marks = self.marks(self.params.dir_mode)
        root = Place(self.path, "directory", part, marks=marks, alone=alone if self.params.delete else None)
        return (root, *(Place(HostPath(f"{self.path}/{name}"), "file", whole=True) for name in self.files))

    # --- states ------------------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if not is_there(self.path, facts, "directory"):
            return None
        found = self._found(facts)
        state: dict[str, Value] = {"./": self._directory(found.directories.get("."))}
        if self._marks_directories:
            there = (name for name in self.directories if name in found.directories)
            state |= {f"{name}/": self._directory(found.directories[name]) for name in there}
        for name, digest in found.digests.items():
            state[name] = self._file(digest, found.files[name].mode, found.files[name])
        strangers = (*found.strangers, *(f"{name}/" for name in found.stranger_directories))
        return state | dict.fromkeys(strangers, "not part of the tree")

    def desired(self, facts: Facts) -> State:
        state: dict[str, Value] = {**self.lacking(facts, "../"), "./": self._directory(None)}
        if self._marks_directories:
            state |= {f"{name}/": self._directory(None) for name in self.directories}
        return state | {name: self._file(file.digest, file.mode, None) for name, file in self.files.items()}

    @property
    def _marks_directories(self) -> bool:
        return bool(self.params.dir_mode or self.params.owner or self.params.group)

    def _directory(self, about: About | None) -> str:
        return self._value("directory", self.params.dir_mode, about)

    def _file(self, digest: str, mode: int, about: About | None) -> str:
        executable = mode & 0o100 and not self.params.mode
        return self._value(f"{shown(digest)} executable" if executable else shown(digest), self.params.mode, about)

    def _value(self, what: str, mode: str, about: About | None) -> str:
        """The value of an attribute: `what`, then mode, owner and group where declared, as found or declared."""
        owner, group = self.params.owner, self.params.group
        if about is not None:
            found = about.owners(owner, group)
            mode, owner, group = mode and f"{about.mode:o}", owner and found[0], group and found[1]
        return " ".join(filter(None, (what, mode and f"{int(mode, 8):04o}", owner, group)))

    # --- what the probe reported -------------------------------------------------------------------------------

    def _found(self, facts: Facts) -> Found:
        kinds = dict(zip((*self.files, *self.directories), facts["kinds"], strict=True))
        self._refuse_obstacles(kinds)
        there = [name for name in self.files if kinds[name] == "f"]
        sums, abouts = SUM.findall(facts["sums"]), facts.get("about", "").splitlines()
        if not len(there) == len(sums) == len(abouts):
            raise Refused(f"{self.path} was changed by somebody else while it was inspected; plan again")
        within = [".", *(name for name in self.directories if kinds[name] == "d")]
        marks = facts.get("directories", "").splitlines()
        others, directories = _listed(facts, "others"), _listed(facts, "other_directories")
        holding = {above for name in (*others, *directories) if self.excluded(name) for above in _above(name)}
        ours = {*self.directories, *holding}
        return Found(
            digests=dict(zip(there, sums, strict=True)),
            files=dict(zip(there, map(About.parse, abouts), strict=True)),
            directories=dict(zip(within, map(About.parse, marks), strict=True)) if marks else {},
            strangers=[name for name in others if name not in self.files and not self.excluded(name)],
            stranger_directories=[name for name in directories if name not in ours and not self.excluded(name)],
        )

    def _refuse_obstacles(self, kinds: Mapping[str, str]) -> None:
        for name, kind in kinds.items():
            if kind not in ("-f" if name in self.files else "-d"):
                what = next(what for type_, what in NAMES.items() if type_[0] == kind)
                raise Refused(
                    f"{self.path}/{name} is in the way: it is {what}; the tree was left as it is: move it away"
                )

    # --- actions -----------------------------------------------------------------------------------------------

    def actions(self, change: Change) -> Iterator[Action]:
        facts = change.facts
        found = self._found(facts) if change.before is not None else Found()
        self._check_owners(facts, found)
        differing = set(change.differing())
        send = [name for name, file in self.files.items() if found.digests.get(name) != file.digest]
        adjust = [name for name in self.files if name in differing and name not in send]
        replaces = not found.digests.keys().isdisjoint(send) or found.strangers
        variables = self.write_vars(facts) | {"beside": "acts" not in facts}
        variables["backup"] = int(self.params.backup) if replaces else 0
        if variables["backup"] and "no_backups" in facts:
            raise Refused(
                f"others can write the directory of {self.path}, or it belongs to somebody else: no backup "
                "can be made beside it; it was left as it is: leave `backup` out"
            )
        marked = [name for name in (".", *self.directories) if f"{name}/" in differing]
        touched = (*send, *adjust, *marked, *found.strangers, *found.stranger_directories)
        ways = {above for name in touched for above in _above(name)}
        batches = [*_batches("way", "", "", "", sorted(ways)), *self._makes(send, marked)]
        batches += [*self._marks("put", send, found), *self._marks("adjust", adjust, found), *_drops(found)]
        batches += self._gives(marked)
        upload = None
        if send:
            root = self.path if change.before is not None and "acts" not in facts else waiting_place(self.path, facts)
            upload = Upload(root, tuple((name, self.files[name]) for name in send))
        script = Script(sh("tree.sh", "tree_action.sh"), variables, tuple(chain.from_iterable(batches)))
        yield Action(self._title(len(send), len(adjust), len(found.strangers)), script, upload=upload)

    def _check_owners(self, facts: Facts, found: Found) -> None:
        """Raise Refused where not all of it can be changed by whoever changes the tree."""
        check_owner(self.path, facts, self.params.owner, found.files.values())
        if "." not in found.directories:
            return
        owner = found.directories["."].uid
        theirs = [name for name, about in found.directories.items() if about.uid not in ("0", owner)]
        theirs += [name for name in facts.get("foreign", "").split("\n") if name]
        if theirs:
            whose = "root" if owner == "0" else f"user {owner}"
            raise Refused(
                f"{self.path} belongs to {whose}, and in it {theirs[0]} to another user; it was left as it is: "
                "declare that as a resource of its own"
            )

    def _title(self, send: int, adjust: int, strangers: int) -> str:
        counts = (("send", send), ("adjust", adjust), ("remove", strangers))
        work = [f"{verb} {count} {'file' if count == 1 else 'files'}" for verb, count in counts if count]
        return f"{', '.join(work) or 'make directories'} in {self.path}"

    def _makes(self, send: Iterable[str], marked: Sequence[str]) -> Iterator[Batch]:
        """Directories that stay whoever's writes in them until all is done, and that nobody else can write."""
        needed = {above for name in send for above in _above(name)} | {name for name in marked if name != "."}
        yield from _batches("make", "", self._own_mode, "", sorted(needed))
        if self._own_mode:
            yield from _batches("adjust", "", self._own_mode, "", marked)

    def _gives(self, marked: Sequence[str]) -> Iterator[Batch]:
        """At last they get the owner and mode declared; a directory comes after those within it."""
        mode, owner = self.params.dir_mode, self._owner(None)
        if owner or mode != self._own_mode:
            yield from _batches(
                "give", "", mode, owner, sorted(marked, key=lambda name: (name != ".", name), reverse=True)
            )

    @property
    def _own_mode(self) -> str:
        """What the directories' mode leaves to their owner."""
        mode = self.params.dir_mode
        return mode and f"{int(mode, 8) & ~0o022:04o}"

    def _marks(self, verb: str, names: Iterable[str], found: Found) -> Iterator[Batch]:
        """Files with the same directory, mode and owner together: one command does for all of them."""

        def key(name: str) -> tuple[str, str, str]:
            about = found.files.get(name)
            return _directory_of(name), self._mode(name, about), self._owner(about)

        return _grouped(verb, sorted(names, key=key), key)

    def _mode(self, name: str, about: About | None) -> str:
        if self.params.mode:
            return self.params.mode
        executable = self.files[name].mode & 0o100
        if about is None:
            return "0755" if executable else "0644"
        # Whoever may read an executable file may run it.
        return f"{about.mode | 0o100 | (about.mode & 0o444) >> 2 if executable else about.mode & ~0o111:04o}"

    def _owner(self, about: About | None) -> str:
        owner, group = self.params.owner, self.params.group
        if about is not None:
            owner, group = owner or about.uid, group or about.gid
        return f"{owner}:{group}" if group else owner


def _drops(found: Found) -> Iterator[Batch]:
    yield from _grouped("drop", found.strangers, lambda name: (_directory_of(name), "", ""))
    # In reverse, a directory comes after those within it.
    yield from _batches("clear_out", "", "", "", sorted(found.stranger_directories, reverse=True))


def _listed(facts: Facts, fact: str) -> list[str]:
    """Names that the probe listed, one a line; a line break in one came as the byte 1."""
    names = (name.replace("\1", "\n").removeprefix("./") for name in facts.get(fact, "").split("\n") if name)
    return sorted(name for name in names if name != "." and not name.startswith(".engine-"))


def _above(name: str) -> tuple[str, ...]:
    """The directories above a name, the outermost first."""
    parts = name.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))


def _directory_of(name: str) -> str:
    """With a slash at its end; empty where the name has none."""
    return name[: name.rfind("/") + 1]


def _grouped(verb: str, names: Iterable[str], key: Callable[[str], tuple[str, str, str]]) -> Iterator[Batch]:
    for (directory, mode, owner), group in groupby(names, key=key):
        yield from _batches(verb, directory, mode, owner, [name[len(directory) :] for name in group])


def _batches(verb: str, directory: str, mode: str, owner: str, names: Sequence[str]) -> Iterator[Batch]:
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        yield (verb, directory, mode, owner, str(len(some)), *some)
