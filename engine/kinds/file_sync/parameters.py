"""The parameters of file-sync, and which of them go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from engine.errors import InvalidParameter
from engine.kinds.file_sync.dotenv import NAME, refusal
from engine.kit import HostPath, Mode, Reversible, Secret, Source, Template, Watchable
from engine.kit.fields import Schema
from engine.kit.paths import managed

CONTENTS = ("content", "source", "template", "first_line", "dotenv")


class Parameters(Watchable, Reversible):
    """What can be declared of a path."""

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
        if isinstance(self.text, Secret) and "\0" in self.text.reveal():
            raise InvalidParameter("content", "a secret with a NUL byte in it cannot be written")
        for name, value in (self.dotenv or {}).items():
            if not re.fullmatch(NAME, name):
                raise InvalidParameter("dotenv", f"`{name}` cannot be the name of an environment variable")
            if reason := refusal(value):
                raise InvalidParameter(
                    "dotenv", f"the value of {name} holds {reason}, which Compose would not read back"
                )

    @property
    def text(self) -> str | Secret | None:
        """The whole content declared as text, if that is."""
        return self.content if self.content is not None else self.template

    @property
    def tree(self) -> Source | None:
        """The directory whose files are declared, if one is."""
        return self.source if self.source is not None and self.source.tree else None
