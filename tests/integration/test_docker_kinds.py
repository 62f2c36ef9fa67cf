"""docker-network, docker-volume, docker-image and docker-login on a real engine and a real registry."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.kinds.docker_image import DockerImage
from engine.kinds.docker_login import DockerLogin
from engine.kinds.docker_network import DockerNetwork
from engine.kinds.docker_volume import DockerVolume
from engine.kit.testing import SHELLS, Machine, contract_suite
from engine.model import HostPath, Secret, Unknown
from tests.engine_images import docker, need_docker, tiny
from tests.harness import HOME, Failed, apply, converge, observe
from tests.integration.project import Project
from tests.registry import registry

pytestmark = pytest.mark.docker

SHELL_PARAMETERS = [pytest.param(n, marks=[] if n == "busybox sh" else [pytest.mark.full]) for n in SHELLS]
"""Without --full the contract under one shell: all other tests run under dash."""


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
    """The contract, without --full under one shell."""

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


@contextmanager
def open_registry(place: Path) -> Iterator[Mapping[str, str]]:
    """One that takes every name and password."""
    need_docker()
    with registry() as address:
        yield {"registry": address}


class TestDockerLogin(
    Sampled,
    contract_suite(  # type: ignore[misc]
        DockerLogin,
        {"registry": "{registry}", "username": "me", "password": "a word"},
        other={"username": "you", "password": "another <word> & \\"},
        absent={"registry": "{registry}", "state": "absent"},
        odd=["password"],
        setup=open_registry,
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


def pushed(image: str, text: str) -> str:
    """The number of an image that says this, after it is pushed."""
    base = docker("create", tiny(), "echo", text).strip()
    try:
        number = docker("commit", "--change", f"LABEL text={text}", base, image).strip()
        docker("push", "--quiet", image)
    finally:
        docker("rm", base)
    return number.removeprefix("sha256:")[:12]


def test_a_newer_image_behind_the_same_tag(name: str) -> None:
    """Planned by digest, pulled once; without `always` it stays."""
    with registry() as address:
        image = f"{address}/{name}:stable"
        try:
            old = pushed(image, "old")
            docker("image", "rm", image)
            wanted = DockerImage(image=image)
            assert observe(wanted).desired == {"image": old}
            assert converge(wanted) is not None
            new = pushed(image, "new")
            docker("tag", old, image)
            assert apply(wanted) is None
            found = observe(wanted.replace(pull="always"))
            assert (found.actual, found.desired) == ({"image": old}, {"image": new})
            assert converge(wanted.replace(pull="always")) is not None
            assert docker("image", "inspect", "--format", "{{.Id}}", image).startswith(f"sha256:{new}")
            docker("create", "--name", name, image)
            with pytest.raises(Refused, match=f"in use by {name}"):
                apply(wanted.replace(state="absent"))
            docker("rm", name)
            assert converge(wanted.replace(state="absent")) is not None
            gone = observe(wanted.replace(image=f"{address}/{name}:none")).desired or {}
            assert "the registry cannot be asked" in gone["image"].reason  # type: ignore[union-attr]
            assert isinstance((observe(wanted.replace(pull="never")).desired or {})["image"], Unknown)
        finally:
            subprocess.run(["docker", "image", "rm", "-f", image, old, new], capture_output=True, check=False)


def test_a_private_registry(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login first, which the image is pulled with; a wrong password is a clear error and stores nothing."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with registry({"deploy": "right"}) as address:
        image = f"{address}/{name}:1"
        login = DockerLogin(registry=address, username="deploy", password=Secret("right"))
        try:
            docker("login", "-u", "deploy", "-p", "right", address)
            number = pushed(image, "private")
            docker("logout", address)
            docker("image", "rm", image)
            wanted = DockerImage(image=image)
            assert "the registry cannot be asked" in (observe(wanted).desired or {})["image"].reason  # type: ignore[union-attr]
            with pytest.raises(Failed, match=f"could not log in to {address} as deploy: check the name"):
                apply(login.replace(password=Secret("wrong")))
            assert observe(login).actual is None
            assert converge(login) is not None
            assert observe(wanted).desired == {"image": number}
            assert converge(wanted) is not None
            assert converge(login.replace(state="absent")) is not None
            assert address not in (tmp_path / "docker/config.json").read_text()
            # In one state the login comes first, so what the registry has is known after it.
            docker("image", "rm", image)
            project = Project(tmp_path)
            project.state(
                {
                    "login": {"docker-login": {"registry": address, "username": "deploy", "password": "right"}},
                    "image": {"docker-image": {"image": image, "pull": "always"}},
                }
            )
            done = project.run("apply", "--format", "json")
            assert (done.code, done.verdicts()) == (0, {"login": "changed", "image": "changed"}), done.out + done.err
            assert set(project.run("apply", "--format", "json").verdicts().values()) == {"unchanged"}
        finally:
            subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True, check=False)


HELPER = """\
#!/bin/sh
read -r key
case $1 in
  get) cat "$HOME/stored" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
esac
"""


def test_a_credential_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{\n\t"auths": {\n\t\t"reg.lan": {}\n\t},\n\t"credsStore": "tests"\n}')
    login = DockerLogin(registry="reg.lan", username="me", password='a "b" <c> & \\ d')
    assert observe(login).actual is None
    stored = Path(HOME.name, "stored")
    stored.write_text('{"ServerURL":"reg.lan","Username":"me","Secret":"a \\"b\\" \\u003cc\\u003e \\u0026 \\\\ d"}\n')
    try:
        assert observe(login).change is None
    finally:
        stored.unlink()
