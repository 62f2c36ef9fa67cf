"""Putting back what an apply replaced: `keep` scripts of file-sync, and the resource that a rollback declares.

The kept copies lie on the host (see `Resource.keep`): a copy with mode and owner, or in its place, with `.absent`
behind its name, word that there was nothing. Only digests of them travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.errors import Refused
from engine.kinds.file_sync.shell import LOOK, MAKE
from engine.model import Action, Change, Facts, HostPath, Params, Plain, Resource, Script, Secret, State, Value

ALONE = "content"
"""What a single file is called, in place of the names of a tree's files."""

KEEP = r"""
# shellcheck disable=SC2154  # values arrive as variables
# Each argument is a name in the directory `path`; a file has but one, which does not matter.
for name do
  from=$path into=$keep
  if [ "$tree" ]; then
    from=$path/$name into=$keep/$name
    [ -d "${into%/*}" ] || mkdir -p -- "${into%/*}"
  fi
  if [ -e "$into" ] || [ -e "$into.absent" ] || [ -e "$into.directory" ]; then
    rm -f -- "$into" "$into.absent" "$into.directory"
  fi
  if [ -h "$from" ] || [ ! -e "$from" ]; then
    true >"$into.absent"
  elif [ -f "$from" ]; then
    cp -p -- "$from" "$into"
  else
    true >"$into.directory"
  fi
done
"""

PROBE = (
    LOOK
    + r"""
index=0
[ -d "${keep%/*}" ] || fail "what this run replaced is no longer kept on this host: ${keep%/*} is not there"
for name do
  path=$root kept=$keep
  if [ "$tree" ]; then path=$root/$name kept=$keep/$name; fi
  follow=
  look
  fact "$index.type" "$type"
  if [ "$type" = file ]; then
    digest
    describe "$file"
    fact "$index.sum" "$sum"
    fact "$index.about" "$mode_now $uid_now:$gid_now"
  fi
  file=$kept
  if [ -f "$file" ]; then
    digest
    describe "$file"
    fact "$index.kept" "$sum"
    fact "$index.kept_about" "$mode_now $uid_now:$gid_now"
  elif [ -f "$file.directory" ]; then
    fail "$path was a directory, and only files are put back; set its mode and owner by hand"
  elif [ ! -f "$file.absent" ]; then
    fail "what this run replaced of $path is no longer kept on this host"
  fi
  index=$((index + 1))
done
"""
)

ACTION = (
    LOOK
    + MAKE
    + r"""
# What is put back counts as new, so that a rollback that fails half-way can be repeated: the oldest are removed.
touch -c -- "${keep%/*}"
for name do
  path=$root from=$keep
  if [ "$tree" ]; then path=$root/$name from=$keep/$name; fi
  follow=
  look
  if [ -f "$from" ]; then
    owner='' group='' mode='' backup=0 parents=1
    prepare
    open_new
    cat -- "$from" >"$new" || full
    describe "$from"
    chown -- "$uid_now:$gid_now" "$new" || fail "$file cannot be given to $uid_now:$gid_now; it is as it was"
    chmod -- "$mode_now" "$new"
    mv -f -- "$new" "$file"
    trap - EXIT
  else
    case $type in
      file) rm -f -- "$file" ;;
      absent) ;;
      *) fail "$file is in the way: it is no regular file ($type); nothing was changed" ;;
    esac
  fi
done
"""
)


def keep(path: HostPath, names: tuple[str, ...], tree: bool) -> Script:
    """Copies what stands at the names into `$keep`."""
    return Script(KEEP, {"path": path, "tree": tree}, names)


@dataclass(frozen=True)
class FileRestore(Resource):
    """Files of `root` (itself, or `names` below it where it is a `tree`) are as they were kept in `place`.

    Not a kind of the state language: a rollback declares it. Contents are secrets, for nobody knows what they hold.
    """

    root: HostPath
    place: HostPath
    names: tuple[str, ...]
    tree: bool
    temp: str
    watch: Script | None = None

    kind: ClassVar[str] = "file-restore"
    summary: ClassVar[str] = "Files are as they were before a run replaced them."
    example: ClassVar[str] = ""
    params: ClassVar[Params] = {}

    def probe(self) -> Script:
        return Script(PROBE, self._variables(), self.names)

    def _variables(self) -> dict[str, str | int | bool | Secret]:
        return {"root": self.root, "keep": self.place, "tree": self.tree, "mode": "", "owner": "", "group": ""}

    def actual(self, facts: Facts) -> State | None:
        for index, name in enumerate(self.names):
            if facts[f"{index}.type"] not in ("file", "absent"):
                raise Refused(f"{self._path(name)} is in the way: it is no regular file; it was left as it is")
        return self._state(facts, "sum", "about")

    def desired(self, facts: Facts) -> State | None:
        return self._state(facts, "kept", "kept_about")

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if self.tree else self.root

    def _state(self, facts: Facts, digest: str, about: str) -> State:
        state: dict[str, Value] = {}
        for index, name in enumerate(self.names):
            found = facts.get(f"{index}.{digest}")
            state[name] = None if found is None else Secret.seen(found)
            if found is not None:
                mode, _, owner = facts[f"{index}.{about}"].partition(" ")
                # In a tree the name with a slash, as directories have it, which no file can be called.
                state[f"{name}/" if self.tree else "mode and owner"] = f"{int(mode, 8):04o} {owner}"
        return state

    def actions(self, change: Change) -> Iterator[Action]:
        differing = {name.removesuffix("/") for name in change.differing()}
        names = tuple(name for name in self.names if name in differing or not self.tree)
        more: dict[str, str | int | bool | Secret] = {"temp": self.temp, "dir_mode": "", "fresh": ""}
        yield Action(f"put back {self.root}", Script(ACTION, self._variables() | more, names))

    def watched(self) -> Script | None:
        return self.watch

    def keep(self, change: Change) -> Script | None:
        return keep(self.root, self.names, self.tree)

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return replace(self, place=keep)
