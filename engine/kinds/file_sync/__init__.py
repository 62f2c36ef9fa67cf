"""file-sync: a file or a tree has given content, mode and owner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal

from engine.errors import InvalidParameter
from engine.kinds.file_sync import restore
from engine.kinds.file_sync.attributes import Absent, AttributesOnly
from engine.kinds.file_sync.dotenv import NAME, refusal, valid_name
from engine.kinds.file_sync.forms import FirstLine, Keys, Whole
from engine.kinds.file_sync.target import About, Form, Target
from engine.kinds.file_sync.tree import Tree
from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    Mode,
    Reversible,
    Script,
    Secret,
    Source,
    State,
    Template,
    Watchable,
)
from engine.kit.fields import Schema
from engine.kit.paths import managed, within
from engine.model import Place, Plain, Resource

CONTENTS = ("content", "source", "template", "first_line", "dotenv")


class FileSync(Watchable, Reversible):
    """A file or a tree has given content, mode and owner.

    resources:
      password:
        file-sync:
          path: /srv/qwen/ComfyUI/login/PASSWORD
          first_line: "{{ secrets.api_token }}"
          mode: "0600"
          parents: true
      environment:
        file-sync:
          path: /srv/gallery/.env
          dotenv: { API_TOKEN: "{{ secrets.api_token }}", PORT: "8080" }
      workflows:
        file-sync:
          path: /srv/qwen/ComfyUI/user/default/workflows
          source: files/workflows
          delete: true
          exclude: ["*.bak"]
    """

    path: Annotated[HostPath, "The file or directory on the host."]
    content: Annotated[str | Secret | None, "The whole content, as text."] = None
    source: Annotated[
        Source | None, "A file or a directory on the controller whose content it has; never rendered."
    ] = None
    template: Annotated[
        Template | None,
        "A file on the controller that is rendered with Jinja2; the result is the whole content.",
    ] = None
    first_line: Annotated[
        str | Secret | None, "Line 1, without its line break. The lines after it belong to others and stay."
    ] = None
    dotenv: Annotated[
        Mapping[str, str | Secret] | None,
        "Keys of a .env file and their values, written in single quotes. Other lines stay. A plan "
        "shows values that are no secrets; those on the host where everybody there may read the file.",
        {"secret": True, "minProperties": 1, "propertyNames": {"pattern": f"^{NAME}$"}},
    ] = None
    mode: Annotated[
        Mode,
        "Permission bits of the file, or of each file of a tree. Left out: an existing file keeps "
        "its own, a new one gets 0644, or 0600 where its content is secret; in a tree, files that are "
        "executable on the controller are executable on the host.",
    ] = ""
    owner: Annotated[str, "The owning user, as name or number."] = ""
    group: Annotated[str, "The owning group, as name or number."] = ""
    parents: Annotated[bool, "Make the directories above it where they are missing."] = False
    dir_mode: Annotated[Mode, "Permission bits of directories: those made by `parents`, and all of a tree."] = ""
    delete: Annotated[
        bool,
        "In a tree: remove what is not in the source. With state absent: remove a directory with all it holds.",
    ] = False
    exclude: Annotated[
        tuple[Annotated[str, Schema(minLength=1)], ...],
        "Names in a tree that are neither sent nor removed. Patterns as in a shell: one with a "
        "slash is matched from the top of the tree, one without against any name in it.",
    ] = ()
    backup: Annotated[
        bool | Annotated[int, Schema(minimum=0, maximum=100)],
        "How many previous contents to keep beside it (.bak, .bak.2, ...); true keeps one.",
    ] = 0
    follow: Annotated[
        bool, "Where the path is a symbolic link, manage what it leads to. Otherwise it is refused."
    ] = False
    state: Annotated[
        Literal["present", "directory", "absent"],
        "absent: nothing is there. directory: a directory, whatever it holds.",
    ] = "present"

    def check_parameters(self) -> None:
        contents = [name for name in CONTENTS if getattr(self, name) is not None]
        if len(contents) > 1:
            raise InvalidParameter("", f"{' and '.join(contents)} exclude each other: each says what the content is")
        if contents and self.state != "present":
            raise InvalidParameter("", f"{contents[0]} cannot go with state: {self.state}")
        managed(self.path)
        tree = self.source is not None and self.source.tree
        for name, makes_sense in {
            "exclude": tree,
            "delete": tree or self.state == "absent",
            "dir_mode": tree or self.parents or self.state == "directory",
            "backup": bool(contents),
        }.items():
            if getattr(self, name) and not makes_sense:
                raise InvalidParameter("", f"{name} does nothing here; see engine kinds file-sync")
        marks = self.mode or self.owner or self.group
        if not contents and self.state == "present" and not marks:
            raise InvalidParameter(
                "", f"nothing is declared of {self.path}: give one of {', '.join(CONTENTS)}, mode or state"
            )
        if marks and self.state == "absent":
            raise InvalidParameter("", "mode, owner and group cannot go with state: absent")
        self._check_values()

    def _check_values(self) -> None:
        line = self.first_line.reveal() if isinstance(self.first_line, Secret) else self.first_line or ""
        if "\n" in line or "\r" in line or "\0" in line:
            raise InvalidParameter("first_line", "the value holds a line break, so it cannot be one line")
        content = self.content if self.content is not None else self.template
        if isinstance(content, Secret) and "\0" in content.reveal():
            raise InvalidParameter("content", "a secret with a NUL byte in it cannot be written")
        for name, value in (self.dotenv or {}).items():
            if not valid_name(name):
                raise InvalidParameter("dotenv", f"`{name}` cannot be the name of an environment variable")
            if reason := refusal(value):
                raise InvalidParameter(
                    "dotenv", f"the value of {name} holds {reason}, which Compose would not read back"
                )

    @cached_property
    def _form(self) -> Form:
        target = Target(
            managed(self.path),
            mode=self.mode,
            owner=self.owner,
            group=self.group,
            dir_mode=self.dir_mode,
            parents=self.parents,
            follow=self.follow and self.state != "absent",
            backup=int(self.backup),
        )
        if self.state == "absent":
            return Absent(target, self.delete)
        if self.source is not None:
            if self.source.tree:
                return Tree(target, self.source, self.delete, self.exclude)
            return Whole(target, source=self.source.files[0])
        if self.first_line is not None:
            return FirstLine(target, self.first_line)
        if self.dotenv is not None:
            return Keys(target, self.dotenv)
        content = self.content if self.content is not None else self.template
        if content is not None:
            return Whole(target, content)
        return AttributesOnly(target, directory=self.state == "directory")

    def probe(self) -> Script:
        return self._form.probe()

    def actual(self, facts: Facts) -> State | None:
        return self._form.actual(facts)

    def desired(self, facts: Facts) -> State | None:
        return self._form.desired(facts)

    def actions(self, change: Change) -> Iterator[Action]:
        if self.state != "absent" and not self._tree:
            abouts = [About.parse(change.facts["about"])] if change.facts.get("about") else []
            self._form.target.check_owner(change.facts, abouts)
        return self._form.actions(change)

    def replaces(self, facts: Facts) -> Collection[str]:
        # What a link leads to may be what something else has just written. The size of a directory says nothing, and
        # mode and owner only where they are declared.
        unasked = () if self.mode or self.owner or self.group or self._tree else ("about",)
        names = (name for name in facts if "directories" not in name and name not in unasked)
        return () if self.follow else tuple(names)

    def places(self) -> tuple[Place, ...]:
        path, form = managed(self.path), self._form
        marks = {name: value for name, value in form.target.marks(self.mode).items() if value}
        match form:
            case Tree():
                return form.places()
            case Whole():
                return (Place(path, "file", whole=True, marks=marks),)
            case FirstLine():
                return (Place(path, "file", frozenset({"line 1"}), marks=marks),)
            case Keys():
                return (Place(path, "file", frozenset(f"key {name}" for name in form.values), marks=marks),)
        kinds: Mapping[str, Literal["nothing", "directory", ""]] = {"absent": "nothing", "directory": "directory"}
        return (Place(path, kinds.get(self.state, ""), marks=marks),)

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        """A user or a group that does not exist is made by something of which it cannot be told what it changes."""
        if "nobody" not in facts:
            return True
        return any(places is None or any(within(place.path, "/etc") for place in places) for places in pending)

    def alters(self, change: Change) -> bool:
        """Who watches a tree watches its files."""
        names = change.differing()
        return not self._tree or change.before is None or not all(name.endswith("/") for name in names)

    def watched(self) -> Script | None:
        return self._form.watched()

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        return self._form.texts(facts) if isinstance(self._form, Whole) else {}

    def keep(self, change: Change) -> Script | None:
        names = self._kept_names(change.differing())
        return restore.keep(managed(self.path), names, self._tree, change.facts) if names else None

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        path, names = managed(self.path), self._kept_names(changed)
        if not names or self._removed(prior):
            return None
        return restore.FileRestore(path, keep, names, self._tree, self.watched())

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if self.follow and not self._tree:
            return "what a link leads to is not kept (follow: true)"
        if what := "directory" if self.state == "directory" else self._removed(prior):
            return f"it is no file ({what}), and only files are put back"
        found = prior or {}
        # Where a file has that name, it is the file's own mode and owner, in what a rollback changed.
        names = [name for name in changed if name.endswith("/") and name in found and name[:-1] not in found]
        if not self._tree or not names:
            return ""
        return f"only files are put back, not its directories: {', '.join(names)}"

    @property
    def _tree(self) -> bool:
        return self.source is not None and self.source.tree

    def _kept_names(self, changed: Sequence[str]) -> tuple[str, ...]:
        """What can be put back: files, and not what a link leads to."""
        if self._tree:
            return tuple(name for name in changed if not name.endswith("/"))
        return () if self.follow or self.state == "directory" else (restore.ALONE,)

    def _removed(self, prior: Mapping[str, Plain] | None) -> str:
        """What else than a file a run has removed; empty where nothing else."""
        found = prior.get("type") if prior is not None and self.state == "absent" else None
        return "" if found in (None, "file") else str(found)
