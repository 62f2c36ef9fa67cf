"""file-sync: a file or a tree has given content, mode and owner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from engine.kinds.file_sync.file import Absent, File, FirstLine, Keys, Whole
from engine.kinds.file_sync.parameters import Parameters
from engine.kinds.file_sync.tree import Tree
from engine.kit import Action, Change, Facts, HostPath, Script, State
from engine.kit.files import Files
from engine.kit.marks import may_be_made
from engine.model import Place, Plain

AROUND = ("above", "acts", "as", "crowded", "lacks", "nobody", "no_backups", "text")
"""Facts that do not say what is there: the directories above, who acts in them, and the text of what has a digest."""


class FileSync(Parameters):
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

    replaces = "path"

    @cached_property
    def _form(self) -> File | Tree:
        if self.state == "absent":
            return Absent(self)
        if self.tree:
            return Tree(self, self.tree)
        if self.source is not None:
            return Whole(self, source=self.source.files[0])
        if self.first_line is not None:
            return FirstLine(self, self.first_line)
        if self.dotenv is not None:
            return Keys(self, self.dotenv)
        return Whole(self, self.text) if self.text is not None else File(self)

    def probe(self) -> Script:
        return self._form.probe()

    def actual(self, facts: Facts) -> State | None:
        return self._form.actual(facts)

    def desired(self, facts: Facts) -> State | None:
        return self._form.desired(facts)

    def actions(self, change: Change) -> Iterator[Action]:
        return self._form.actions(change)

    def prior_facts(self, facts: Facts) -> Collection[str]:
        # What a link leads to may be what something else has just written. The directories above may have been made
        # since, the size of a directory says nothing, mode and owner only where they are declared, and what is shown
        # as text has a digest, too.
        unasked = {*AROUND} if self.mode or self.owner or self.group or self.tree else {*AROUND, "about"}
        names = (name for name in facts if "directories" not in name and name.partition(".")[0] not in unasked)
        return () if self.follow else tuple(names)

    def places(self) -> tuple[Place, ...]:
        return self._form.places()

    def watched(self) -> Script | None:
        return self._form.watched()

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        return self._form.texts(facts) if isinstance(self._form, Whole) else {}

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        return may_be_made(facts, pending)

    def alters(self, change: Change) -> bool:
        """Who watches a tree watches its files."""
        return not self.tree or change.before is None or not all(name.endswith("/") for name in change.differing())

    def replaced(self, before: Mapping[str, object] | None, changed: Sequence[str]) -> Files | None:
        if self.tree:
            names = tuple(name for name in changed if not name.endswith("/"))
            return Files(self._form.path, names, tree=True) if names else None
        return None if self.follow or self._no_file(before) else Files(self._form.path)

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if self.follow and not self.tree:
            return "what a link leads to is not kept (follow: true)"
        if what := self._no_file(prior):
            return f"it is not a file ({what}), and only files are put back"
        found = prior or {}
        # Where a file has that name, it is the file's own mode and owner, in what a rollback changed.
        names = [name for name in changed if name.endswith("/") and name in found and name[:-1] not in found]
        if not self.tree or not names:
            return ""
        return f"only files are put back, not its directories: {', '.join(names)}"

    def _no_file(self, before: Mapping[str, object] | None) -> str:
        """What else than a file it is, or was before it was removed; empty where it is one."""
        if self.state == "directory":
            return "directory"
        found = (before or {}).get("type", "file") if self.state == "absent" else "file"
        return "" if found == "file" else str(found)
