"""docker-login: Docker can pull from a registry that wants a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from engine.kit import Facts, HostPath, InvalidParameter, Reversible, Secret, State, Variables
from engine.model import Place, Plain, Resource


class DockerLogin(Reversible):
    """Docker is logged in to a registry, as the user who acts, or is not.

    resources:
      registry:
        docker-login:
          registry: registry.example.com
          username: deploy
          password: "{{ secrets.api_token }}"
      no-hub:
        docker-login: { state: absent }
    """

    registry: Annotated[
        str,
        "The registry as images name it, with its port if it has one. Left out: Docker Hub.",
        {"pattern": r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?$"},
    ] = ""
    username: Annotated[str, "The name at the registry.", {"pattern": r"^[^:\x00-\x20\x7f]+$"}] = ""
    password: Annotated[
        str | Secret | None,
        "The password or token. A plan compares it with the stored one by digest, and asks no registry; docker "
        "stores it unencrypted in ~/.docker/config.json, unless that names a credential helper.",
    ] = None
    state: Annotated[Literal["present", "absent"], "absent: docker stores nothing for that registry."] = "present"

    def check_parameters(self) -> None:
        for parameter in ("username", "password"):
            if self.state == "present" and not getattr(self, parameter):
                raise InvalidParameter(parameter, "a login needs username and password")
        if isinstance(self.password, str):
            # However it was declared, it is compared by digest and shows nowhere.
            self.__dict__["password"] = Secret(self.password, "password")

    def variables(self) -> Variables:
        hub = self.registry in ("", "docker.io")
        key = "https://index.docker.io/v1/" if hub else self.registry
        return {**super().variables(), "registry": "" if hub else self.registry, "key": key}

    def title(self) -> str:
        return f"login of {self.registry or 'Docker Hub'}"

    def places(self) -> tuple[Place, ...]:
        return ()

    def actual(self, facts: Facts) -> State | None:
        if "username" not in facts:
            return None
        return {"username": facts["username"], "password": Secret.seen(facts["password"])}

    def desired(self, facts: Facts) -> State | None:
        return None if self.state == "absent" else {"username": self.username, "password": self.password}

    def prior_facts(self, facts: Facts) -> tuple[str, ...]:
        return ("username", "password")

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return DockerLogin(registry=self.registry, state="absent") if prior is None else None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        return "" if prior is None else f"the password that was stored before for {self.title()[9:]} is not kept"
