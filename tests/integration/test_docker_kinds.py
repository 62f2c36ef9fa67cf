"""docker-network, docker-volume, docker-image and docker-login on a real engine and a real registry."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.kinds.docker_network import DockerNetwork
from engine.kinds.docker_volume import DockerVolume
from engine.kit.testing import SHELLS, Machine, contract_suite
from engine.model import HostPath
from tests.engine_images import docker, need_docker, tiny
from tests.harness import apply, converge, observe

pytestmark = pytest.mark.docker

SHELL_PARAMETERS = [pytest.param(n, marks=[pytest.mark.full] if n.startswith("bash") else []) for n in SHELLS]


@contextmanager
def named(place: Path | None = None) -> Iterator[Mapping[str, str]]:
    """A name that nothing else has; what is called by it is removed in the end."""
    need_docker()
    name = f"onetrip-{uuid.uuid4().hex[:10]}"
    try:
        yield {"name": name}
    finally:
        for command in (["rm", "-f", name], ["network", "rm", name], ["volume", "rm", name]):
            subprocess.run(["docker", *command], capture_output=True, check=False)


@pytest.fixture
def name() -> Iterator[str]:
    with named() as given:
        yield given["name"]


class Sampled:
    """The contract, without --full under two shells."""

    @pytest.fixture(params=SHELL_PARAMETERS)
    def machine(self, request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
        return Machine(tmp_path, SHELLS[request.param])


class TestDockerNetwork(
    Sampled,
    contract_suite(  # type: ignore[misc]
        DockerNetwork,
        {"name": "{name}", "labels": {"is": "it's $x"}, "options": {"com.docker.network.driver.mtu": "1400"}},
        other={"internal": True, "labels": {"is": "another"}},
        absent={"name": "{name}", "state": "absent"},
        setup=named,
    ),
):
    pass


class TestDockerVolume(
    Sampled,
    contract_suite(  # type: ignore[misc]
        DockerVolume,
        {"name": "{name}", "labels": {"is": "it's $x"}},
        absent={"name": "{name}", "state": "absent"},
        setup=named,
    ),
):
    pass


def test_a_network_in_use_is_left_as_it_is(name: str) -> None:
    """Also by a container that does not run: it could not start any more."""
    network = DockerNetwork(name=name, labels={"a": "1"})
    assert converge(network) is not None
    before = docker("network", "inspect", "--format", "{{.Id}}", name)
    docker("create", "--name", name, "--network", name, tiny())
    for other in (network.replace(internal=True), network.replace(state="absent")):
        with pytest.raises(Refused, match=f"{name} uses it|in use by {name}"):
            apply(other)
    docker("start", name)
    with pytest.raises(Refused, match=f"{name} uses it"):
        apply(network.replace(internal=True))
    assert docker("network", "inspect", "--format", "{{.Id}}", name) == before
    # By its number it is another one.
    assert observe(DockerNetwork(name=before[:12])).actual is None
    docker("rm", "-f", name)
    assert converge(network.replace(internal=True)) is not None


def test_a_network_is_put_back(name: str) -> None:
    network = DockerNetwork(name=name, labels={"a": "1"}, options={"com.docker.network.driver.mtu": "1400"})
    converge(network)
    gone = network.replace(state="absent", labels={}, options={})
    prior = observe(gone).actual
    converge(gone)
    restored = gone.restored(prior, tuple(prior or ()), HostPath("/x"))  # type: ignore[arg-type]
    assert restored is not None
    converge(restored)
    assert observe(network).change is None


def test_a_volume_that_differs_keeps_its_data(name: str) -> None:
    volume = DockerVolume(name=name)
    assert converge(volume) is not None
    docker("run", "--rm", "-v", f"{name}:/data", tiny(), "sh", "-c", "echo precious >/data/file")
    with pytest.raises(Refused, match="a new one would be empty"):
        apply(volume.replace(labels={"a": "1"}))
    docker("create", "--name", name, "-v", f"{name}:/data", tiny())
    with pytest.raises(Refused, match=f"in use by {name}"):
        apply(volume.replace(state="absent"))
    assert docker("run", "--rm", "-v", f"{name}:/data", tiny(), "cat", "/data/file") == "precious\n"
