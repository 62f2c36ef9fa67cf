"""docker-network: a network of Docker is there, or is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from engine.kit import HostPath, Refused, Reversible
from engine.kit.docker_object import DockerObject
from engine.model import Plain, Resource, Value


class DockerNetwork(DockerObject, Reversible):
    """A network of Docker is there, or is not.

    resources:
      proxy:
        docker-network:
          name: proxy
          options: { com.docker.network.bridge.name: br-proxy }
      database:
        docker-network: { name: database, internal: true, labels: { purpose: data } }
      no-legacy:
        docker-network: { name: legacy, state: absent }
    """

    internal: Annotated[
        bool,
        "Whether it leads nowhere but to its own containers. A network that differs is removed and made anew, with "
        "another range of addresses, if no container uses it, else left as it is.",
    ] = False

    noun = "network"
    default = "bridge"
    template: ClassVar[str] = DockerObject.template[:-1] + ',"Internal":{{json .Internal}}}'

    def more(self, found: Mapping[str, Any] | None) -> dict[str, tuple[Value, Value]]:
        return {"internal": (found is not None and bool(found["Internal"]), self.internal)}

    def flags(self) -> list[str]:
        return ["--internal"] if self.internal else []

    def change_in_place(self, differing: str, users: str) -> None:
        if users:
            verb = "use" if "," in users else "uses"
            raise Refused(
                f"network {self.name} differs ({differing}), and docker changes no network in place; it was left as "
                f"it is, because {users} {verb} it: remove those containers (docker compose down), then apply again"
            )

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        if prior is None:
            return DockerNetwork(name=self.name, state="absent")
        maps: dict[str, dict[str, str]] = {"option": {}, "label": {}}
        for name, value in prior.items():
            what, _, key = name.partition(" ")
            if what in maps and key and value is not None:
                maps[what][key] = str(value)
        return DockerNetwork(
            name=self.name,
            driver=str(prior["driver"]),
            internal=bool(prior["internal"]),
            options=maps["option"],
            labels=maps["label"],
        )
