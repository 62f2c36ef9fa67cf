"""docker-image: an image is there, or is not."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from engine.kit import Action, Change, Facts, HostPath, Kind, Refused, Script, State, Unknown, Variables
from engine.kit.docker_object import INSPECT
from engine.kit.shell import texts
from engine.model import Outside, Place, Plain, Sentence

sh = texts(__file__)


class DockerImage(Kind):
    """An image of Docker is there, the newest one behind its tag if asked, or is not.

    resources:
      gateway:
        docker-image: { image: "registry.example.com/gateway:stable", pull: always }
      busybox:
        docker-image: { image: "busybox@sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7" }
      no-old-one:
        docker-image: { image: "gateway:0.9", state: absent }
    """

    image: Annotated[
        str,
        "The image, with a tag or a digest, as `docker pull` takes it. A private registry needs a login of the user "
        "who acts: see docker-login.",
        {"pattern": r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$"},
    ]
    pull: Annotated[
        Literal["missing", "always", "never"],
        "missing: pulled if it is not there. always: also if the registry has another image behind the tag; each "
        "plan asks it, and shows which one. never: it must be there, such as from a build. Containers that run with "
        "an older one stay: compose-restart replaces them.",
    ] = "missing"
    state: Annotated[
        Literal["present", "absent"], "absent: no image has that name. One that a container uses stays."
    ] = "present"

    probe_sh: ClassVar[str] = INSPECT + sh("probe.sh")
    apply_sh: ClassVar[str] = sh("apply.sh")

    def variables(self) -> Variables:
        pull = "missing" if self.pull == "always" and "@" in self.image else self.pull
        host, slash, _ = self.image.partition("/")
        registry = host if slash and ("." in host or ":" in host or host == "localhost") else ""
        return {"image": self.image, "pull": pull, "state": self.state, "registry": registry}

    def places(self) -> tuple[Place, ...]:
        return ()

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return ("found",)

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        return {"image": _short(json.loads(facts["found"])["Id"])} if "found" in facts else None

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        if "why" in facts:
            why = Sentence("the registry cannot be asked for it: ", Outside(facts["why"].strip().splitlines()[-1]))
            return {"image": Unknown(why, upstream=True)}
        if "manifest" in facts:
            return {"image": self._newest(facts)}
        if "found" in facts:
            return self.actual(facts)
        return {"image": Unknown(f"there is no image {self.image}, and pull: never is declared", upstream=True)}

    def _newest(self, facts: Facts) -> str | Unknown:
        """The number of the image that the registry has for this platform."""
        listed = json.loads(facts["manifest"])
        entries = listed if isinstance(listed, list) else [listed]
        found = json.loads(facts["found"]) if "found" in facts else {}
        called = {each.rpartition("@")[2] for each in found.get("RepoDigests") or ()}
        if any(digest in called or digest == found.get("Id") for entry in entries for digest in _digests(entry)):
            return _short(found["Id"])
        if isinstance(listed, list) and found.get("Id") in called:
            # A store of containerd calls it by the digest of the list, which `docker manifest inspect` leaves out.
            reason = (
                "docker with a containerd image store cannot compare an image of several platforms: pull: missing"
            )
            return Unknown(reason, upstream=True)
        for entry in entries:
            platform = entry["Descriptor"].get("platform") or {}
            if len(entries) == 1 or f"{platform.get('os')}/{platform.get('architecture')}" == facts["platform"]:
                return _short(next(_digests(entry)))
        return Unknown(f"the registry has no image {self.image} for {facts['platform']}", upstream=True)

    # --- changes -----------------------------------------------------------------------------------------------

    def verb(self, change: Change) -> str:
        return "remove" if change.after is None else "pull"

    def actions(self, change: Change) -> Iterator[Action]:
        users = change.facts.get("users", "").split()
        if change.after is None and users:
            raise Refused(
                f"image {self.image} is in use by {', '.join(users)}; it was left as it is: remove those first"
            )
        planned = (change.after or {}).get("image")
        more = {"planned": planned if isinstance(planned, str) else ""}
        yield Action(f"{self.verb(change)} {self.image}", Script(self.apply_sh, {**self.variables(), **more}))

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if self.state == "absent":
            return f"image {self.image} was removed, and has to be pulled or built again"
        return f"image {self.image} stays" + (
            f"; the one before is still {prior['image']}, until it is pruned" if prior else ""
        )


def _digests(entry: Mapping[str, Any]) -> Iterator[str]:
    """What an image of the registry can be called by: the digest of its configuration, then of its manifest."""
    for manifest in ("SchemaV2Manifest", "OCIManifest"):
        if manifest in entry:
            yield entry[manifest]["config"]["digest"]
    yield entry["Descriptor"]["digest"]


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
