"""What is declared for a host is plain data: it pickles, and no secret travels with its value."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.declare.registry import Kinds
from engine.model import HostDeclaration, Secret

KINDS = Kinds(installed=False)
CANARY = "canary-4711-value"
STATE = f"""
name: all
hosts: all
secrets:
  token: {{ command: [printf, "{CANARY}"] }}
resources:
  code:
    git-clone: {{ repo: /srv/code.git, path: /srv/code, revision: main }}
  page:
    file-sync: {{ path: /srv/page, content: "{{{{ secrets.token }}}} and more" }}
  tree:
    file-sync: {{ path: /srv/tree, source: tree, delete: true }}
  settings:
    file-sync: {{ path: /srv/.env, dotenv: {{ TOKEN: "{{{{ secrets.token }}}}" }} }}
  packages:
    pip-install: {{ requirements: /srv/code/requirements.txt, container: {{ project_dir: /srv, service: web }} }}
  other:
    become: nobody
    file-sync: {{ path: /srv/other, content: "x" }}
  prepared:
    command: {{ run: [prepare], unless: prepared, cwd: /srv, env: {{ TOKEN: "{{{{ secrets.token }}}}" }} }}
  tools:
    package: {{ name: [curl, git], refresh: 24h }}
  web:
    compose-restart: {{ project_dir: /srv, service: web, restart_on: [code, page, tree, settings, other, packages] }}
  place:
    directory: {{ path: /srv/place, mode: "0750" }}
  current:
    link: {{ path: /srv/current, target: place }}
  model:
    download:
      path: /srv/model
      url: https://example.org/model
      sha256: "{"a" * 64}"
      headers: {{ Authorization: "Bearer {{{{ secrets.token }}}}" }}
  unit:
    systemd-unit: {{ unit: web, content: "[Service]", restart_on: [model, current] }}
  admins:
    group: {{ name: admins, gid: 2000 }}
  admin:
    user: {{ name: admin, groups: [admins], authorized_keys: [ssh-ed25519 AAAAC3 admin] }}
  nightly:
    cron: {{ name: nightly, user: admin, schedule: "@daily", job: "true" }}
  proxy:
    docker-network: {{ name: proxy, labels: {{ purpose: web }} }}
  data:
    docker-volume: {{ name: data, options: {{ type: tmpfs }} }}
  login:
    docker-login: {{ registry: reg.lan, username: me, password: "{{{{ secrets.token }}}}" }}
  image:
    docker-image: {{ image: "reg.lan/web:1", pull: always }}
  answers:
    timeout: 2m
    retries: 2
    http-assert:
      url: "http://127.0.0.1:8188/"
      bearer: "{{{{ secrets.token }}}}"
      status: 200
      json: {{ version: {{ version: ">=0.3" }} }}
"""


@pytest.fixture
def declared(tmp_path: Path) -> HostDeclaration:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("1\n")
    (tmp_path / "inventory.yaml").write_text("all: { hosts: { one: { ansible_port: 22 } } }\n")
    (tmp_path / "state.yaml").write_text(STATE)
    inventory = Inventory.load([tmp_path / "inventory.yaml"], tmp_path)
    loaded = load([tmp_path / "state.yaml"], project=tmp_path, inventory=inventory, extra={}, limit=None, kinds=KINDS)
    (host,) = loaded.hosts
    return host


def test_every_kind_is_there(declared: HostDeclaration) -> None:
    assert {resource.resource.kind for resource in declared.resources} == set(KINDS.names())


def test_a_declaration_survives_a_round_trip(declared: HostDeclaration) -> None:
    again = pickle.loads(pickle.dumps(declared))  # noqa: S301
    assert again == declared
    for then, now in zip(declared.resources, again.resources, strict=True):
        assert type(now.resource) is type(then.resource)
        assert repr(now.resource) == repr(then.resource)
        assert now.resource.watches() == then.resource.watches()


def test_no_secret_travels_with_its_value(declared: HostDeclaration) -> None:
    travelled = pickle.dumps(declared)
    assert CANARY.encode() not in travelled
    again = pickle.loads(travelled)  # noqa: S301
    (answers,) = (resource.resource for resource in again.resources if resource.name == "answers")
    assert answers.bearer == Secret(CANARY)
    with pytest.raises(ValueError, match="only the digest"):
        answers.bearer.reveal()
