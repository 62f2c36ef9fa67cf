"""What a host answers, and what a shell would read: bounded, refused, and the rest as before."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engine import bounds, matching
from engine.errors import InvalidInput, Unreachable
from engine.kinds.http_assert import expect
from engine.kinds.http_assert.answer import Answer
from engine.model import Host
from engine.transports import Options
from engine.transports.openssh import OpenSshTransport
from engine.transports.ssh.config import Target, settings, target
from engine.transports.ssh.connect import hop_target
from engine.transports.ssh.resolver import Resolver

SLOW = "a" * 60 + "-"
BACKTRACKS = r"^(\w|a|aa)+$"


def test_a_regular_expression_that_backtracks_on_what_a_host_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MATCHING", 0.2)
    began = time.monotonic()
    assert not expect.is_met({"matches": BACKTRACKS}, SLOW)
    said = expect.spell({"matches": BACKTRACKS}, SLOW)
    assert str(said).startswith(
        f"not known: the regular expression `{BACKTRACKS}` took longer than 0.2 s on a text of 61"
    )
    schemas: list[Any] = [
        {"pattern": BACKTRACKS},
        {"properties": {"b": {"items": {"pattern": BACKTRACKS}}}},
        {"patternProperties": {BACKTRACKS: True}},
        {"patternProperties": {BACKTRACKS: True}, "additionalProperties": False},
    ]
    for schema, found in zip(schemas, [SLOW, {"b": [SLOW]}, {SLOW: 1}, {SLOW: 1}], strict=True):
        expect.check({"schema": schema})
        assert not expect.is_met({"schema": schema}, found)
        assert "not known: the regular expression" in str(expect.spell({"schema": schema}, found))
    assert time.monotonic() - began < 60


def test_a_schema_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "EVALUATION", 0.5)
    began = time.monotonic()
    assert expect.is_met({"schema": {"uniqueItems": True}}, [{"n": n} for n in range(50_000)])
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    doubling = {"$defs": {**twice, "d40": {}}, "$ref": "#/$defs/d0"}
    assert "was not done with it in 0.5 s" in str(expect.spell({"schema": doubling}, {}))
    assert "refers to itself without end" in str(expect.spell({"schema": {"$ref": "#"}}, {}))
    assert "the schema has no `/$defs/x`" in str(expect.spell({"schema": {"$ref": "#/$defs/x"}}, {}))
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "file:///dev/zero"}, "nothing is fetched"),
        ({"items": {"$ref": "http://127.0.0.1:1/x"}}, "nothing is fetched"),
        ({"unevaluatedItems": False}, "`unevaluatedItems`, which is not supported"),
        ({"pattern": "(((a{999}){999}){999})"}, "too large with its counted repeats"),
        ({"patternProperties": {"(": True}}, "`(` is not a regular expression"),
        ({"type": "no"}, "the schema is not a JSON Schema"),
    ],
)
def test_a_schema_that_cannot_be_judged(schema: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        expect.check({"schema": schema})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "^a+$"}, ["aa", 1], ["ab"]),
        ({"patternProperties": {"^x": {"type": "integer"}}}, [{"x1": 1, "y": "a"}, 1], [{"x1": "a"}]),
        ({"patternProperties": {"^x": {}}, "properties": {"y": {}}, "additionalProperties": False},
         [{"x1": 1, "y": 2}], [{"x1": 1, "z": 2}]),
        ({"patternProperties": {"^x": {}}, "additionalProperties": {"type": "string"}}, [{"z": "a"}], [{"z": 2}]),
        ({"additionalProperties": False, "properties": {"pattern": {}}}, [{"pattern": 1}], [{"z": 2}]),
        ({"uniqueItems": True}, [[1, True, "1", {"a": 1}], "aa"], [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]]),
        ({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}, [[1]], [["a"]]),
        ({"properties": {"unevaluatedItems": {"const": {"$ref": "x"}}}}, [{}], [{"unevaluatedItems": 1}]),
    ],
)  # fmt: skip
def test_schemas_mean_what_they_mean(schema: Any, good: list[Any], bad: list[Any]) -> None:
    expect.check({"schema": schema})
    found = [expect.is_met({"schema": schema}, value) for value in [*good, *bad]]
    assert found == [True] * len(good) + [False] * len(bad)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("a", 1),
        ("a{9}", 9),
        ("(ab){9}c", 19),
        ("((a{9}){9}b{2}){2}", 166),
        (r"[a{9}\]]{3}\({2}", 5),
        ("a{2,5}", 5),
        ("a{3,}", 3),
    ],
)
def test_the_size_of_an_expression_with_its_repeats_written_out(text: str, size: int) -> None:
    assert matching._written_out(text) == size


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "no-such-thing", "zlib", "unicode_escape"])
def test_a_body_in_what_is_no_character_set(charset: str) -> None:
    began = time.monotonic()
    answer = Answer(200, (("Content-Type", f"text/plain; charset={charset}"),), b"ab-" * 300_000, "")
    assert answer.text() == "ab-" * 300_000
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 500 + b"1" + b"}" * 500])
def test_json_that_is_nested_deeply(body: bytes) -> None:
    assert Answer(200, (), body, "").json == (None, "the body is nested more than 100 levels deep")


def test_a_version_without_end() -> None:
    assert not expect.is_met({"version": ">=1"}, "9" * 100_000)


# --- names that a shell would read

HOSTS = [
    "a$(touch x)",
    "a;b",
    "a`b`",
    "a b",
    "-oProxyCommand=x",
    'a"b',
    "a'b",
    "a\\b",
    "a|b",
    "a&b",
    "a{b}",
    "a\nb",
    "a\x7fb",
    "a<b",
]
USERS = ["a$(b)", "a;b", "`a`", "-l", "a -b", "a'b", 'a"', "a|b", "a\\", "a\nb", "a{b}", "a<b"]


@pytest.mark.parametrize("transport", [target, lambda host, root: OpenSshTransport(host, Options(project=root))])
@pytest.mark.parametrize("name", HOSTS)
def test_a_host_name_that_ssh_allows_in_none(transport: Any, name: str, tmp_path: Path) -> None:
    for host in (Host(name), Host("gpu1", vars={"ansible_host": name})):
        with pytest.raises(InvalidInput, match="which SSH does not allow"):
            transport(host, tmp_path)
    with pytest.raises(Unreachable, match=r"which SSH does not allow|expected \[user@\]host"):
        hop_target(name, Target("gpu1", "gpu1"))


@pytest.mark.parametrize("transport", [target, lambda host, root: OpenSshTransport(host, Options(project=root))])
@pytest.mark.parametrize("user", USERS)
def test_a_user_name_that_ssh_allows_in_none(transport: Any, user: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="which SSH does not allow"):
        transport(Host("gpu1", vars={"ansible_user": user}), tmp_path)
    with pytest.raises(ValueError, match="which SSH does not allow"):
        settings({"user": [user]}, Target("gpu1", "gpu1"))
    with pytest.raises(Unreachable, match="which SSH does not allow"):
        hop_target(f"{user}@gpu1", Target("gpu1", "gpu1"))


@pytest.mark.parametrize(
    ("host", "user"),
    [("gpu-1.example_x.org", "a.b-c"), ("fe80::1%eth0", "DOM\\anna"), ("1.2.3.4", "pc$"), ("bücher", "a b")],
)
def test_names_that_ssh_takes(host: str, user: str) -> None:
    assert settings({"user": [user], "hostname": [host]}, Target("gpu1", host, user=user)).user == user


def test_a_proxy_command_gets_no_name_that_a_shell_would_expand(tmp_path: Path) -> None:
    """Without an OpenSSH client, which refuses them itself."""
    config = tmp_path / "config"
    config.write_text(f"Host *\n  User $(touch {tmp_path}/user)\n  ProxyCommand echo %h %r\n")
    given = Target("gpu1", "gpu1", arguments=("-F", str(config)), executable=str(tmp_path / "no-ssh"))
    with pytest.raises(Unreachable, match="which SSH does not allow"):
        Resolver(given).settings()
    config.write_text(f"Host *\n  HostName x$(touch {tmp_path}/host)\n  ProxyCommand echo %h %r\n")
    with pytest.raises(Unreachable, match="which SSH does not allow"):
        Resolver(given).settings()
