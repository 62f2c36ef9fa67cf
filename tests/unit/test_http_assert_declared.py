"""http-assert as a state file declares it: types from the schema, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.errors import InvalidInput
from engine.kinds.http_assert import HttpAssert
from engine.model import Secret

TOKEN = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


def declared(directory: Path, parameters: str) -> HttpAssert:
    """The resource that a state with these parameters declares."""
    (directory / "inventory.yaml").write_text("all: { hosts: { here: {} } }\n")
    (directory / "token").write_text(TOKEN + "\n")
    (directory / "token").chmod(0o600)
    head = "hosts: all\nsecrets: { token: { file: token, format: bcrypt } }\nresources:\n  it:\n    http-assert:\n"
    state = directory / "state.yaml"
    state.write_text(head + "".join(f"      {line}\n" for line in parameters.strip().splitlines()))
    inventory = Inventory.load(None, directory)
    found = load([state], project=directory, inventory=inventory, extra={}, limit=None)
    (host,) = found.hosts
    (resource,) = host.resources
    assert isinstance(resource.resource, HttpAssert)
    return resource.resource


def config(check: HttpAssert) -> list[str]:
    value = check.probe().vars["config"]
    return (value.reveal() if isinstance(value, Secret) else str(value)).split("\n")[2:]


def test_parameters_keep_their_spelling(tmp_path: Path) -> None:
    check = declared(tmp_path, "url: http://h/\nquery: { n: 0600, v: 1.50, t: yes }\nheaders: { X-N: 007 }")
    assert config(check) == ['url = "http://h/?n=0600&v=1.50&t=yes"', 'header = "X-N: 007"']


def test_expected_json_has_types_and_expected_text_has_none(tmp_path: Path) -> None:
    text = "url: http://h/\njson: { a: 1, b: 1.5, c: true, d: null, e: '1', f: { one_of: [1, x] } }\ntext: 200"
    check = declared(tmp_path, text)
    assert dict(check.json) == {"a": 1, "b": 1.5, "c": True, "d": None, "e": "1", "f": {"one_of": (1, "x")}}
    assert check.text == "200"


def test_where_a_secret_may_stand(tmp_path: Path) -> None:
    text = """
url: http://h/
method: POST
bearer: "{{ secrets.token }}"
query: { token: "{{ secrets.token }}" }
headers: { X-Token: "token {{ secrets.token }}" }
body: { token: "{{ secrets.token }}" }
"""
    check = declared(tmp_path, text)
    assert f'header = "X-Token: token {TOKEN}"' in config(check)
    assert f'header = "Authorization: Bearer {TOKEN}"' in config(check)
    body = check.probe().vars["body"]
    assert isinstance(body, Secret)
    assert body.reveal() == f'{{"token": "{TOKEN}"}}'
    assert TOKEN not in repr(check)


@pytest.mark.parametrize(
    "text", ['url: "http://h/{{ secrets.token }}"', 'url: http://h/\njson: { a: "{{ secrets.token }}" }']
)
def test_where_none_may(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="secret"):
        declared(tmp_path, text)


def test_who_asks_and_what_is_shown(tmp_path: Path) -> None:
    check = declared(tmp_path, "url: http://h/\nfrom: controller\nshow: { RAM: { bytes: a }, GPU: 'devices[].name' }")
    assert check.where() == "controller"
    found: dict[str, Any] = {"asked": "yes", "answer": '{"a": 1073741824}\n\x1eHTTP/1.1 200 OK\r\n\r\n\n0'}
    assert check.show(found) == {"RAM": "1.0 GiB", "GPU": "none"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method: GET", "url"),
        ("url: 127.0.0.1:8188", "http"),
        ("url: http://h/\nstatus: 42", "42"),
        ("url: http://h/\nmethod: FETCH", "FETCH"),
        ("url: http://h/\njson: { a: { atleast: 1 } }", "atleast"),
        ("url: http://h/\njson: { a: { gte: 1, lte: 2 } }", "at most 1 key"),
        ("url: http://h/\njson: { a: { gte: many } }", "many"),
        ("url: http://h/\njson: { 'a[': 1 }", r"`a\[` is not JMESPath"),
        ("url: http://h/\nshow: { a: { octets: b } }", "octets"),
        ("url: http://h/\nca: certs.pem", "absolute"),
        ("url: http://h/\nretry: 3", "no parameter `retry`"),
        ('url: http://h/\nbearer: "a\\nb"', "bearer` has a line break|bearer has a line break"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as raised:
        declared(tmp_path, text)
    assert "state.yaml:" in str(raised.value)


def test_keys_of_json_are_templates(tmp_path: Path) -> None:
    head = "url: http://h/\njson:\n"
    check = declared(
        tmp_path, head + "  \"gpus[?name=='{{ host.name }}'] | length(@)\": 1\n  \"{{ 'a' ~ 'b' }}\": { gte: 2 }"
    )
    assert dict(check.json) == {"gpus[?name=='here'] | length(@)": 1, "ab": {"gte": 2}}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("{{ secrets.token }}", "state.yaml:9:9: a key of http-assert `json` cannot hold a secret"),
        ("{{ nowhere }}", "state.yaml:9:9: `nowhere` is not defined"),
        ("{{ [1] }}", "state.yaml:9:9: a key of http-assert `json` must be text, not a list"),
        ("{{ 'a' }}", "state.yaml:9:9: http-assert `json` has `a` twice"),
        ("{{ 'a[' }}", "`a[` is not JMESPath"),
    ],
)
def test_keys_of_json_that_are_none(tmp_path: Path, key: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared(tmp_path, f'url: http://h/\njson:\n  a: 1\n  "{key}": 2')
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(caught.value.problems) == 1


def test_keys_of_json_differ_from_host_to_host(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text("all: { hosts: { one: {}, two: {} } }\n")
    state = tmp_path / "state.yaml"
    state.write_text(
        'hosts: all\nresources:\n  it: { http-assert: { url: "http://h/", json: { "{{ host.name }}": 1 } } }\n'
    )
    found = load([state], project=tmp_path, inventory=Inventory.load(None, tmp_path), extra={}, limit=None)
    checks = [host.resources[0].resource for host in found.hosts]
    assert [list(check.json) for check in checks] == [["one"], ["two"]]  # type: ignore[attr-defined]


def test_keys_of_json_wait_for_facts(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text("all: { hosts: { one: {} } }\n")
    state = tmp_path / "state.yaml"
    state.write_text(
        'hosts: all\nresources:\n  it: { http-assert: { url: "http://h/", json: { "{{ host.os }}": 1 } } }\n'
    )
    found = load([state], project=tmp_path, inventory=Inventory.load(None, tmp_path), extra={}, limit=None)
    assert found.hosts[0].pending
    done = found.finish(found.hosts[0].host, {"os": "linux"})
    assert list(done.resources[0].resource.json) == ["linux"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (b"a", "body: a", "there is a `body`, too"),
        (b"a\0b", "", "a NUL byte"),
        (b"a" * 65537, "", "one file of up to 64 KiB"),
        (None, "", "does not exist"),
    ],
)
def test_a_file_that_cannot_be_a_body(tmp_path: Path, content: bytes | None, more: str, said: str) -> None:
    if content is not None:
        (tmp_path / "body").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        declared(tmp_path, f"url: http://h/\nmethod: POST\nbody_file: body\n{more}")
    assert "`body_file`" in str(caught.value)
    assert said in str(caught.value)
