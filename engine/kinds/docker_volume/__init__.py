"""docker-volume: a volume of Docker is there, or is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.kit import HostPath, Refused
from engine.kit.docker_object import DockerObject
from engine.model import Plain


class DockerVolume(DockerObject):
    """A volume of Docker is there, or is not. One that differs is left as it is, because it may hold data.

    resources:
      models:
        docker-volume:
          name: models
          options: { type: none, device: /srv/models, o: bind }
      database:
        docker-volume: { name: database, labels: { backup: nightly } }
      no-cache:
        docker-volume: { name: old-cache, state: absent }
    """

    noun = "volume"
    default = "local"

    def change_in_place(self, differing: str, users: str) -> None:
        raise Refused(
            f"volume {self.name} differs ({differing}), and docker changes no volume in place; it was left as it is, "
            f"because a new one would be empty: save its data, run docker volume rm {self.name}, then apply again"
        )

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if prior is None:
            return f"volume {self.name} stays, because it may hold data by now"
        return f"the data of volume {self.name} was removed with it"
