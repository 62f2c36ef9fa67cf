"""download: a file of any size comes from the network, and is what it must be before it takes its name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Mode,
    Refused,
    Reversible,
    Script,
    Secret,
    State,
    Variables,
    Watchable,
)
from engine.kit.curl import check_headers, header, join
from engine.kit.fields import Schema
from engine.kit.marks import Marks, lacking, may_be_made
from engine.kit.paths import managed, temporary, within
from engine.kit.shell import texts
from engine.model import Outside, Place, Plain, Sentence, Unknown, Value

sh = texts(__file__)
_URL = "^https?://[^/]"
UNCHECKED = "not checked"


class Download(Watchable, Reversible):
    """A file of any size comes from the network, and is what it must be before it takes its name.

    resources:
      model:
        timeout: 2h
        download:
          path: /srv/qwen/models/vae/qwen_image_vae.safetensors
          url:
            - https://mirror.example.org/qwen_image_vae.safetensors
            - https://huggingface.co/Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/vae/qwen_image_vae.safetensors
          sha256: a70580f0213e67967ee9c95f05bb400e8fb08307e017a924bf3441223e023d1f
          headers: { Authorization: "Bearer {{ secrets.api_token }}" }
          parents: true
    """

    path: Annotated[HostPath, "The file on the host."]
    url: Annotated[
        Annotated[str, Schema(pattern=_URL)]
        | Annotated[tuple[Annotated[str, Schema(pattern=_URL)], ...], Schema(minItems=1)],
        "Where it comes from; of a list, the first that gives it.",
    ] = ""
    sha256: Annotated[
        str, "What its content must be, as 64 hexadecimal digits.", {"pattern": "^[0-9a-fA-F]{64}$"}
    ] = ""
    size: Annotated[int | None, "How many bytes it has.", {"minimum": 0}] = None
    trust: Annotated[
        Literal["sha256", "size"],
        "size: any content of that `size` is right, and a download that was cut off begins anew.",
    ] = "sha256"
    headers: Annotated[
        Mapping[str, str | Secret],
        "Headers to send to the host of the URL; a redirect to another one does not carry them.",
    ] = {}
    unpack: Annotated[
        HostPath | None,
        "A directory that holds what is in it (tar, compressed or not, or zip), and nothing else: one with other "
        "files is left as it is. With `owner`, all in it belongs to that user.",
    ] = None
    mode: Annotated[Mode, "Permission bits. Left out: an existing file keeps its own, a new one gets 0644."] = ""
    owner: Annotated[str, "The owning user, as name or number."] = ""
    group: Annotated[str, "The owning group, as name or number."] = ""
    parents: Annotated[bool, "Make the directories above it where they are missing."] = False
    state: Annotated[Literal["present", "absent"], "absent: no file is there."] = "present"

    attributes: ClassVar[tuple[str, ...]] = ("content", "size", "mode", "owner", "group")
    watch_sh: ClassVar[str] = sh("known.sh", "watch.sh")

    def check_parameters(self) -> None:
        managed(self.path)
        check_headers(self.headers)
        if self.unpack is not None:
            managed(self.unpack)
            if self.state == "absent" or within(self.path, self.unpack):
                raise InvalidParameter("unpack", "the directory goes with a file that is there, and is not in it")
        if self.state == "absent":
            return
        if not self.url:
            raise InvalidParameter("url", "it says where the file comes from, and is missing")
        for url in self._urls:
            if "@" in urlsplit(url).netloc:
                raise InvalidParameter("url", "a user or password in a URL would show: send a header `Authorization`")
        if self.trust == "sha256" and not self.sha256:
            raise InvalidParameter("sha256", "give the sha256 of the file; or trust: size, and its size")
        if self.trust == "size" and (self.size is None or self.sha256):
            raise InvalidParameter("trust", "trust: size goes with a size, and without a sha256")

    @property
    def _urls(self) -> tuple[str, ...]:
        return (self.url,) if isinstance(self.url, str) else self.url

    @cached_property
    def _at(self) -> HostPath:
        return managed(self.path)

    def variables(self) -> Variables:
        temp = temporary(self._at)
        own: Variables = {name: getattr(self, name) for name in ("mode", "owner", "group", "parents")}
        return {
            **own,
            "path": self._at,
            "memory": HostPath(f"~/.local/state/engine/ledger/download.{temp.rpartition('-')[2]}"),
            "part": f"{temp}.part",
            "want": self.sha256.lower(),
            "size": "" if self.size is None else str(self.size),
            "unpack": managed(self.unpack) if self.unpack else "",
            "archive": self.sha256.lower() or f"{self.size}-bytes",
            "config": join([header(name, value) for name, value in self.headers.items()], "\n"),
            "follow": "",
        }

    def probe(self) -> Script:
        wanted = {**self.variables(), "absent": self.state == "absent"}
        return Script(sh("known.sh", "unpacked.sh", "fetch.sh", "probe.sh"), wanted, self._urls)

    def places(self) -> tuple[Place, ...]:
        if self.state == "absent":
            return (Place(self._at, "nothing"),)
        own = (Place(managed(self.unpack), "directory", whole=True, alone=lambda name: True),) if self.unpack else ()
        return (Place(self._at, "file", whole=True, marks=self._marks.declared()), *own)

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        return may_be_made(facts, pending)

    @property
    def _marks(self) -> Marks:
        return Marks(self._at, self.mode, self.owner, self.group)

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if self.state == "absent" and facts.get("type") == "blocked":
            return None
        if self._marks.check_type(facts, "file") == "absent":
            return None
        if self.state == "absent":
            return {"type": "file"}
        size = int(facts["about"].split(" ", 4)[3])
        state: dict[str, Value] = {"size": size} if self.trust == "size" else {"content": self._content(facts)}
        if self.unpack:
            state["unpacked"] = _archive(facts.get("unpacked"))
        return state | self._marks.found(facts["about"])

    def _content(self, facts: Facts) -> Value:
        if facts.get("sum"):
            return _shown(facts["sum"])
        size = facts["about"].split(" ", 4)[3]
        return f"{size} bytes" if self.size is not None and int(size) != self.size else UNCHECKED

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        trusted = self.trust == "size"
        state: dict[str, Value] = {"size": self.size} if trusted else {"content": _shown(self.sha256.lower())}
        if facts.get("problem"):
            # Whatever of it is not so may come to be so by something before it in the state.
            state["size" if trusted else "content"] = Unknown(Outside(facts["problem"]), upstream=True)
        if self.unpack:
            state["unpacked"] = _archive(str(self.variables()["archive"]))
        return state | self._marks.declared() | lacking(facts, self.parents)

    def show(self, facts: Facts) -> Mapping[str, str]:
        if "free" not in facts:
            return {}
        fetched = _bytes(_to_fetch(facts)) if facts.get("bytes") else "a size that the server does not tell"
        return {"to fetch": fetched, "free": _bytes(int(facts["free"]))}

    def alters(self, change: Change) -> bool:
        """What is not checked may well be right."""
        return change.before is None or change.before.get("content") != UNCHECKED

    # --- what is done ------------------------------------------------------------------------------------------

    def actions(self, change: Change) -> Iterator[Action]:
        facts = change.facts
        variables: Variables = {**self.variables(), "planned_as": facts.get("acts", ""), "temp": temporary(self._at)}
        if change.after is None:
            yield Action(f"remove {self._at}", Script(sh("absent.sh"), variables))
            return
        self._marks.check_owner(facts)
        if facts.get("stranger"):
            what = "is not a directory" if facts["stranger"] == "." else f"holds {facts['stranger']}"
            raise Refused(
                Sentence(
                    f"{self.unpack} ", Outside(what), ", which was not unpacked there; nothing was changed: move it"
                )
            )
        if facts.get("bytes") and facts.get("free") and _to_fetch(facts) > int(facts["free"]):
            raise Refused(
                f"{self.path} needs {_bytes(_to_fetch(facts))}, and {_bytes(int(facts['free']))} are free there; "
                "nothing was fetched: make room"
            )
        variables |= {"backup": 0, "fresh": "644", "dir_mode": ""}
        if "lacks" in facts:
            # Before anything is fetched, so that a part of it has a place to stay.
            yield self._parents(self._at, variables)
        if set(change.differing()) - {"unpacked"}:
            sources = ", ".join(dict.fromkeys(urlsplit(url).netloc for url in self._urls))
            script = Script(sh("known.sh", "fetch.sh", "apply.sh"), variables, self._urls)
            yield Action(f"download {self._at} from {sources}", script)
        if not self.unpack:
            return
        if "unpack_lacks" in facts and self.parents:
            yield self._parents(managed(self.unpack), variables | {"planned_as": ""})
        own: Variables = {**variables, "planned_as": "", "temp": temporary(managed(self.unpack))}
        yield Action(f"unpack it into {self.unpack}", Script(sh("known.sh", "unpacked.sh", "unpack.sh"), own))

    def _parents(self, path: HostPath, variables: Variables) -> Action:
        above = HostPath(posixpath.dirname(path))
        made: Variables = {**variables, "path": above, "temp": temporary(above)}
        return Action(f"make directory {above}", Script(sh("parents.sh"), made))

    # --- taken back --------------------------------------------------------------------------------------------

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Download | None:
        if prior is None:
            return Download(path=self.path, state="absent")
        marks: dict[str, Any] = {name: str(prior[name]) for name in ("mode", "owner", "group") if name in changed}
        return self.replace(**marks) if marks and not {"content", "size", "type"} & set(changed) else None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if prior is not None and {"content", "size", "type"} & set(changed):
            return f"what {self.path} was before is not kept, for it may be large; download it again"
        if self.unpack:
            return f"{self.unpack} stays as it is"
        return ""


def _shown(digest: str) -> str:
    return f"sha256:{digest[:12]}"


def _archive(token: str | None) -> str | None:
    """From which archive something was unpacked, as the scripts say it."""
    return _shown(token) if token and len(token) == 64 else token


def _to_fetch(facts: Facts) -> int:
    """Bytes still to come, after what an earlier run left."""
    return max(int(facts["bytes"]) - int(facts.get("part", "0")), 0)


def _bytes(count: int) -> str:
    """A number of bytes for people: `2.1 GB`."""
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
