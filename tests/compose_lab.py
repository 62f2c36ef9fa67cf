"""Real Compose projects for tests: a directory of their own, a name of their own, removed afterwards.

def test_something(lab):                 # the fixture `lab`, once for each client there is
    lab.write("web: {command: [...]}")
    change = lab.change(ComposeRestart(project_dir=lab.dir, service="web", client=lab.client))
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from engine.model import Action, Change, Facts, Host, HostPath, Phase, Resource, Script
from engine.program import parser
from engine.program.compose import compose, run
from engine.program.section import Section
from engine.transports import Options
from engine.transports.local import LocalTransport
from tests.engine_images import need_docker, tiny

Client = Literal["docker-compose", "docker compose"]
CLIENTS: tuple[Client, ...] = ("docker-compose", "docker compose")


class Failed(Exception):
    """A section ended with a status other than 0; the text is its output."""


def run_scripts(
    scripts: Mapping[str, Script], phase: Phase, shell: tuple[str, ...] = ("sh",)
) -> dict[str, parser.Result]:
    """Run scripts on this machine in one program, as the engine would; name → result."""
    sections = [
        Section(name, script, timeout=120, step=phase == "apply", phase=phase) for name, script in scripts.items()
    ]
    transport = LocalTransport(Host("lab"), Options(project=Path("/")))
    events = list(run(transport, compose(sections, shell=shell)))
    transport.close()
    return {event.section: event.result for event in events if isinstance(event, parser.Finished)}


def run_script(script: Script, phase: Phase = "plan", shell: tuple[str, ...] = ("sh",)) -> Facts:
    """Run one script; returns its facts. Raises Failed with its output."""
    result = run_scripts({"it": script}, phase, shell)["it"]
    if result.status != 0 or result.timed_out:
        raise Failed(result.output)
    return result.facts


class Lab:
    """One Compose project, driven by one client."""

    def __init__(self, root: Path, client: Client) -> None:
        self.client = client
        self.name = f"set{secrets.token_hex(5)}"
        self.path = root / self.name
        self.path.mkdir(parents=True)
        self.dir = HostPath(self.path)
        self.image = tiny()
        self.environ = dict(os.environ)

    def write(self, services: Mapping[str, Any] | None = None, file: str = "docker-compose.yml", **web: Any) -> None:
        """Write the Compose file; each service uses the tiny image and stops at once unless told otherwise. The
        keywords are those of a service `web`."""
        given = dict(services or {})
        if web or not given:
            given["web"] = web
        full = {name: {"image": self.image, "stop_grace_period": "1s", **keys} for name, keys in given.items()}
        (self.path / file).write_text(yaml.safe_dump({"version": "3.4", "services": full}))

    def call(self, *argv: str, client: str = "") -> str:
        """Run the client as a person would."""
        words = (client or self.client).split()
        done = subprocess.run([*words, *argv], cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self, service: str = "web") -> list[dict[str, Any]]:
        """`docker inspect` of the service's containers, one-off containers included."""
        labels = [f"label=com.docker.compose.project={self.name}", f"label=com.docker.compose.service={service}"]
        filters = [word for label in labels for word in ("--filter", label)]
        ids = subprocess.run(["docker", "ps", "-aq", *filters], capture_output=True, text=True, check=True).stdout
        if not ids.split():
            return []
        text = subprocess.run(["docker", "inspect", *ids.split()], capture_output=True, text=True, check=True).stdout
        found: list[dict[str, Any]] = json.loads(text)
        return found

    def started(self, service: str = "web") -> str:
        """Identity of the one container of the service and of its present run."""
        (container,) = self.containers(service)
        return f"{container['Id'][:12]} {container['State']['StartedAt']}"

    def observe(self, resource: Resource, phase: Phase = "plan", shell: tuple[str, ...] = ("sh",)) -> Change:
        """Probe a resource: what differs."""
        facts = run_script(resource.probe(), phase, shell)
        return Change(resource.actual(facts), resource.desired(facts), facts)

    def act(self, resource: Resource, change: Change, shell: tuple[str, ...] = ("sh",)) -> list[Facts]:
        """Carry out the actions of a change; the facts of each. Raises Failed."""
        actions: list[Action] = list(resource.actions(change))
        return [run_script(action.script, "apply", shell) for action in actions]

    def apply(self, resource: Resource, shell: tuple[str, ...] = ("sh",)) -> tuple[str, bool]:
        """Plan, act where something differs, and prove it converged. Returns the verb (`` where nothing differed)
        and whether the actions said that they changed something."""
        change = self.observe(resource, shell=shell)
        if not change.differing() and (change.before is None) == (change.after is None):
            return "", False
        facts = self.act(resource, change, shell)
        after = self.observe(resource, "verify", shell)
        assert not after.differing(), (after.before, after.after)
        assert (after.before is None) == (after.after is None)
        return resource.verb(change), any(fact.get("changed") != "no" for fact in facts)

    def remove(self) -> None:
        """Remove every container, network and volume of the project."""
        env = self.environ  # a test may have taken the docker command away
        label = f"label=com.docker.compose.project={self.name}"
        for what, command in (("ps", ["rm", "-f"]), ("network", ["network", "rm"]), ("volume", ["volume", "rm"])):
            listing = ["docker", "ps", "-aq"] if what == "ps" else ["docker", what, "ls", "-q"]
            ids = subprocess.run(
                [*listing, "--filter", label], capture_output=True, text=True, check=True, env=env
            ).stdout
            if ids.split():
                subprocess.run(["docker", *command, *ids.split()], capture_output=True, check=False, env=env)


def client_works(client: str) -> bool:
    """Whether this machine has the client, in the version that its name stands for here."""
    words = client.split()
    try:
        done = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0 and done.stdout.startswith("1." if client == "docker-compose" else "2.")


def own_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """A home directory of the test's own, for the ledger; the docker command keeps its configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG", os.path.expanduser("~/.docker")))
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


def labs(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """What a fixture that gives a Lab does."""
    need_docker()
    if not client_works(client):
        pytest.skip(f"{client} is not installed (scripts/compose-v2 installs Compose 2)")
    own_home(monkeypatch, tmp_path / "home")
    lab = Lab(tmp_path, client)
    yield lab
    lab.remove()
