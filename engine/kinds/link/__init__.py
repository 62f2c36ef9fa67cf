"""link: a path is a symbolic link."""

from __future__ import annotations

from typing import Annotated, Literal

from engine.kit import HostPath, InvalidParameter, Reversible, Variables, Watchable
from engine.kit.paths import managed, temporary
from engine.model import Place


class Link(Watchable, Reversible):
    """A path is a symbolic link.

    resources:
      current:
        link: { path: /srv/app/current, target: releases/42 }
      old-name:
        link: { path: /usr/local/bin/app, state: absent }
    """

    path: Annotated[HostPath, "Where the link is. A file or directory there is left as it is."]
    target: Annotated[str, "What it leads to: an absolute path, or one relative to the link. It need not exist."] = ""
    state: Annotated[Literal["present", "absent"], "absent: no link is there; what it leads to is left as it is."] = (
        "present"
    )

    attributes = ("target",)

    def check_parameters(self) -> None:
        managed(self.path)
        if self.state == "present" and not self.target:
            raise InvalidParameter("target", "a link needs a target: name what it leads to")
        if self.target.startswith("~/"):
            raise InvalidParameter("target", f"`{self.target}` would be kept as it is: nothing expands ~ in a link")

    def variables(self) -> Variables:
        path = managed(self.path)
        return {**super().variables(), "path": path, "temp": temporary(path)}

    def places(self) -> tuple[Place, ...]:
        if self.state == "absent":
            return (Place(managed(self.path), "nothing"),)
        return (Place(managed(self.path), whole=True),)
