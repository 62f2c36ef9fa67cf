"""The filters of Ansible: what they keep secret, what they refuse and say, and how much they make."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.codes import Code
from engine.declare.templates.filters import INSTEAD, OF_ANYTHING, OF_PLAIN_DATA
from engine.declare.templates.jinja import _environment
from engine.declare.templates.names import RenderError
from engine.declare.templates.template import render
from engine.model import Secret
from tests.unit.declare.conftest import Project
from tests.unit.declare.test_template import CANARY, VALUES, Given, leaks, told

NAMES = sorted({*OF_PLAIN_DATA, *OF_ANYTHING, "combine"})


def fault(text: str, values: Any = VALUES) -> RenderError:
    """What is said against a template."""
    with pytest.raises(RenderError) as caught:
        render(text, values)
    return caught.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("number | to_json", "600"),
        ("share | to_yaml", "3.3\n"),
        ("flag | to_nice_json", "true"),
        ("number | b64encode | b64decode", "600"),
        ("number | hash == '600' | hash", True),
        ("'/a/b' | basename", "b"),
        ("'a: {b: [1, 2024-05-06]}' | from_yaml", {"a": {"b": [1, "2024-05-06"]}}),
        ("'' | from_yaml", None),
        ("map | combine({'key': 'w'}, none)", {"key": "w", "deep": {"er": 1}, "items": "i"}),
        ("nowhere | default(1) | ternary('a', nowhere)", "a"),
        (r"'a1' | regex_replace('(\w)\d', '\1')", "a"),
        (r"'a1' | regex_replace('(\\w)\\d', '\\1')", "a"),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    assert render("{{ " + expression + " }}", VALUES) == expected


@pytest.mark.parametrize("name", sorted(OF_PLAIN_DATA))
def test_what_a_filter_makes_of_a_secret_is_secret(name: str) -> None:
    given = {"regex_replace": "('a', 'b')", "regex_search": "('b')"}.get(name, "")
    values = Given(
        {"json": Secret('{"a": "b"}', "token"), "yes": Secret("yes", "token"), "base": Secret("YWJj", "token")}
    )
    subject = {"bool": "yes", "b64decode": "base"}.get(name, "json")
    part = "['a']" if name.startswith("from_") else ""
    made = render(f"{{{{ ({subject} | {name}{given}){part} }}}}", values)
    assert isinstance(made, Secret)
    assert made.name == "token"


@pytest.mark.parametrize("name", NAMES)
def test_no_filter_tells_a_secret(name: str) -> None:
    for subject in ("line", "user", "[secrets.token]", "{'a': line}", "text"):
        for arguments in (
            "",
            "(line)",
            "(user)",
            "('a', line)",
            "(line, 'a')",
            "('(', line)",
            "(secrets.token, 1, 2)",
        ):
            assert not leaks(told(f"{{{{ {subject} | {name}{arguments} }}}}"))
            assert not leaks(told(f"a{{{{ {subject} | {name}{arguments} }}}}"))


def test_combine_keeps_secrets_where_they_are() -> None:
    made = render("{{ user | combine({'more': {'a': 1}}) }}", VALUES)
    assert made == {"name": "me", "key": Secret(CANARY), "keys": [Secret(CANARY)], "more": {"a": 1}}
    assert isinstance(render("{{ (user | combine(map)).key }}", VALUES), str)
    assert isinstance(render("{{ (map | combine(user)).key }}", VALUES), Secret)
    assert render("{{ (map | combine(user)).name }}", VALUES) == "me"
    nested = Given({"low": {"a": {"k": Secret("s"), "p": 1}}, "high": {"a": {"p": 2}}})
    assert render("{{ low | combine(high, recursive=true) }}", nested) == {"a": {"k": Secret("s"), "p": 2}}


def test_an_unknown_filter_is_told_with_what_to_use() -> None:
    assert fault("{{ text | to_jsn }}").hints == ("did you mean `to_json`?",)
    assert fault("{{ text | ansible.builtin.to_json }}").hints == ("write it without `ansible.builtin.`: `to_json`",)
    assert fault("{{ text | sha1 }}").hints == ("use `hash`",)
    assert fault("{{ text | ansible.builtin.dict2items }}").hints == ("use `.items()`",)
    assert fault("{{ text | qqqq }}").hints == ()
    assert not set(INSTEAD) & set(_environment().filters)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("nowhere | mandatory", "`nowhere` is not defined"),
        ("nowhere | mandatory('give it')", "give it"),
        ("'maybe' | bool", "`bool` takes one of yes, on, true, 1, no, off, false, 0"),
        ("text | hash('sha3')", "there is no hash `sha3`; available: blake2b, "),
        ("text | from_json", "it is not JSON: "),
        ("'a: [' | from_yaml", "it is not YAML: "),
        ("'a: 1\\na: 2' | from_yaml", "it is not YAML: "),
        ("number | from_json", "`from_json` takes text"),
        ("'a' | b64decode", "it is not base64"),
        ("'//4=' | b64decode", "what the base64 stands for is not utf-8 text"),
        ("text | b64encode('punycode')", "there is no encoding `punycode`"),
        ("text | regex_replace('(', '')", "is not a regular expression"),
        ("text | regex_replace('t', '\\\\2')", "cannot be used"),
        ("text | regex_search('t', 'x')", "`x` does not name a group"),
        ("text | regex_search('t', '\\\\3')", "has no such group"),
        ("text | to_json(nothing=1)", "`nothing` is not an option of it"),
        ("map | combine(list)", "`combine` takes maps"),
        ("map | combine(map, list_merge='any')", "`list_merge` is one of replace, keep, "),
        ("list | b64encode", "a list cannot be part of text"),
    ],
)
def test_what_is_refused(expression: str, message: str) -> None:
    assert message in fault("{{ " + expression + " }}").message


@pytest.mark.parametrize(
    "expression",
    [
        "range(100000) | list | to_json(indent=1000)",
        "text | to_json(indent=10**9)",
        "list | to_json(indent='x' * 10000000)",
        "(range(100000) | list) * 9 | to_yaml",
        "'a' * 5000000 | regex_replace('', 'bc')",
        "('a' * 1000) | regex_replace('(?=(a*))', '\\\\1' * 100000)",
        "('a' * 60 ~ 'b') | regex_replace('(?:a|a)*[c-z]', '')",
        "('a' * 60 ~ 'b') | regex_search('(?:a|a)*[c-z]')",
        "('[' * 200 ~ ']' * 200) | from_json",
        "('[' * 200 ~ ']' * 200) | from_yaml",
        "('x' * 9000000) | b64encode",
    ],
)
def test_bounds(expression: str) -> None:
    began = time.monotonic()
    fault("{{ " + expression + " }}")
    assert time.monotonic() - began < 15


def test_yaml_of_a_few_lines_cannot_stand_for_much() -> None:
    aliases = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    values = Given({"bomb": "a0: &a0 [x, x]\n" + aliases})
    assert "it is not YAML" in fault("{{ bomb | from_yaml }}", values).message


def test_a_filter_that_reaches_a_bound_is_a_matter_of_limits() -> None:
    assert fault("{{ text | to_json(indent=10**9) }}").code == Code.TEMPLATE_LIMIT


def test_they_work_in_states(project: Project) -> None:
    project.write(
        "state.yaml",
        "hosts: one\n"
        "vars: { base: { name: app, ports: [80] } }\n"
        "resources:\n"
        "  a:\n"
        "    note:\n"
        "      path: \"{{ '/srv/app/x' | dirname }}\"\n"
        "      public: \"{{ base | combine({'ports': [443]}, list_merge='append') | to_json }}\"\n"
        "    when: \"'yes' | bool\"\n",
    )
    (resource,) = project.load().hosts[0].resources
    assert resource.resource.path == "/srv/app"  # type: ignore[attr-defined]
    assert resource.resource.public == '{"name": "app", "ports": [80, 443]}'  # type: ignore[attr-defined]
