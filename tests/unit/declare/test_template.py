"""Templates: both ways of rendering give the same, and no secret gets out of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.declare.templates import jinja
from engine.declare.templates.names import MISSING, RenderError, SecretNames
from engine.declare.templates.template import is_true, render, render_text
from engine.declare.yaml.scalars import Float, Int
from engine.model import Secret

CANARY = "$2b$12$Kx'\"\\%{}ö" + "abcdefgh"


class Held(SecretNames):
    def __getitem__(self, name: str) -> Secret:
        return {"token": Secret(CANARY, "token")}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["token"])

    def __len__(self) -> int:
        return 1


class Given:
    """Names for templates, as data."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {"secrets": Held(), **values}

    def lookup(self, name: str) -> Any:
        return self.values.get(name, MISSING)

    def known(self) -> Iterable[str]:
        return self.values


VALUES = Given(
    {
        "text": "te xt",
        "number": Int(600, "0600"),
        "share": Float(3.3, "3.30"),
        "flag": True,
        "nothing": None,
        "list": ["a", 1],
        "map": {"key": "v", "deep": {"er": 1}, "items": "i"},
        "line": Secret("x" + CANARY, "token"),
        "user": {"name": "me", "key": Secret(CANARY, "token"), "keys": [Secret(CANARY)]},
        "result": "r",
    }
)

PATHS = ["text", "number", "share", "flag", "nothing", "list", "map", "map.key", "map.deep.er", "map.items", "line",
         "user.name", "user.key", "user", "secrets.token", "secrets", "result", "nowhere", "map.nowhere",
         "secrets.nowhere", "text.nowhere", "_", "ansible_host", "each.key"]  # fmt: skip


def outcome(make: Any) -> tuple[Any, ...]:
    """What came of a render, in a form that can be compared: the value, or what is said against it."""
    try:
        value = make()
    except RenderError as fault:
        # Jinja does not say in what a key was looked for, so where several could be meant no name is told.
        return "fault", re.sub("^`[^`]*` has no (`[^`]*`)$", r"there is no \1 in it", fault.message), fault.hints
    return type(value).__name__, value.reveal() if isinstance(value, Secret) else value, str(value)


pieces = st.one_of(
    st.sampled_from(PATHS).map(lambda path: "{{ " + path + " }}"),
    st.sampled_from(PATHS).map(lambda path: "{{" + path + "}}"),
    st.text("ab {}%#\n\r$\"'\\é-", max_size=5).filter(lambda text: "{{" not in text and "{%" not in text),
)


@given(st.lists(pieces, min_size=1, max_size=4).map("".join).filter(lambda text: "{{" in text))
@settings(max_examples=400, deadline=None)
def test_putting_together_gives_what_jinja_gives(text: str) -> None:
    if re.search(r"\{(\{\{|%)|\}\}\}|\{\{[^}]*\{\{", text):
        return  # braces that touch are read differently, but never by the quick way: it leaves them to Jinja
    quick, slow = outcome(lambda: render(text, VALUES)), outcome(lambda: jinja.render(text, VALUES))
    if quick[0] == "fault" and not slow[2]:
        quick = (*quick[:2], ())  # Jinja's way keeps names to itself as soon as it has seen a secret
    assert quick == slow


@pytest.mark.parametrize("path", PATHS)
def test_a_name_alone_keeps_its_type(path: str) -> None:
    text = "{{ " + path + " }}"
    assert outcome(lambda: render(text, VALUES)) == outcome(lambda: jinja.render(text, VALUES))


@pytest.mark.parametrize("path", PATHS)
def test_files_are_rendered_alike(path: str) -> None:
    text = "a\r\nb\n{{ " + path + " }}\n"
    quick = outcome(lambda: render_text(text, VALUES, "f"))
    assert quick == outcome(lambda: jinja.render_text(text, VALUES, "f"))


def test_a_file_of_one_expression_is_text() -> None:
    assert render_text("{{ number }}", VALUES, "f") == "0600"
    assert render_text("{{ number + 0 }}", VALUES, "f") == "600"


SUBJECTS = [
    "secrets.token", "secrets['token']", "line", "user.key", "user['keys'][0]", "user", "secrets", "user.keys",
    "[secrets.token, text]", "{'a': line}", "{secrets.token: 1}", "text ~ line", "map[secrets.token]",
    "text[secrets.token]", "secrets[secrets.token]", "line.nowhere", "(line, 1)", "user.items()", "line.format(1)",
    "'%s' % line", "line if flag else text", "text if flag else line",
]  # fmt: skip
FILTERS = sorted(jinja._environment().filters)
ARGUMENTS = ["", "(1)", "('a')", "(line)", "(secrets.token)", "(text, line)", "(attribute='key')", "('upper')"]
SHAPES = ["{{{{ {0} }}}}", "a{{{{ {0} }}}}", "{{% for x in {0} %}}{{{{ x }}}}{{% endfor %}}",
          "{{% if {0} %}}yes{{% endif %}}", "{{% set y = {0} %}}{{{{ y }}}}", "{{{{ {0} }}}}{{{{ nowhere }}}}",
          "{{% macro m(a) %}}{{{{ a }}}}{{% endmacro %}}{{{{ m({0}) }}}}",
          "{{% filter upper %}}{{{{ {0} }}}}{{% endfilter %}}"]  # fmt: skip

expressions = st.builds(
    lambda subject, filters: " | ".join([subject, *(name + argument for name, argument in filters)]),
    st.sampled_from(SUBJECTS),
    st.lists(st.tuples(st.sampled_from(FILTERS), st.sampled_from(ARGUMENTS)), max_size=2),
)


def leaks(value: Any) -> bool:
    """Whether a value shows a piece of the canary, or that it hides one, without being a secret."""
    if isinstance(value, Mapping):
        return any(leaks(key) or leaks(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(leaks(item) for item in value)
    if isinstance(value, Secret):
        return False
    shown = str(value).lower()
    known = CANARY.lower()
    return "<secret>" in shown or any(known[at : at + 5] in shown for at in range(len(known) - 4))


def told(text: str) -> Any:
    """What a template gives: its value, or everything that is said against it."""
    try:
        return render(text, VALUES)
    except RenderError as fault:
        return [fault.message, *fault.hints, str(fault.__cause__ or "")]


@given(expressions, st.sampled_from(SHAPES))
@settings(max_examples=800, deadline=None)
def test_no_secret_gets_out(expression: str, shape: str) -> None:
    assert not leaks(told(shape.format(expression)))


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_secret_gets_out_of_what_people_write(subject: str, shape: str) -> None:
    for expression in (subject, f"{subject} | upper", f"{subject} | tojson", f"{subject} | length", f"{subject} + 1"):
        assert not leaks(told(shape.format(expression)))


def test_what_is_derived_from_a_secret_is_one() -> None:
    for expression in ("line | length", "line == text", "line[:1]", "line | hash", "text if line else text"):
        try:
            value = render("{{ " + expression + " }}", VALUES)
        except RenderError:
            continue
        assert isinstance(value, Secret), expression


def test_the_sandbox_holds() -> None:
    for text in (
        "{{ text.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ map.__init__.__globals__ }}",
        "{{ list.append(1) }}",
        "{{ map.update({'a': 1}) }}",
        "{{ [1].append(2) }}",
        "{{ self._TemplateReference__context }}",
        "{% import 'os' as os %}",
        "{{ range(10000000) | list }}",
        "{{ lipsum() }}",
        "{{ [1, 2, 3] | random }}",
    ):
        with pytest.raises(RenderError):
            render(text, VALUES)
    assert VALUES.values["list"] == ["a", 1]


def test_when() -> None:
    assert is_true("flag", VALUES) is True
    assert is_true("not flag", VALUES) is False
    assert is_true("true", VALUES) is True
    assert is_true("number == 600 and 'a' in list", VALUES) is True
    for expression in (
        "text",
        "number",
        "nothing",
        "list",
        "line == text",
        "secrets.token == 'a'",
        "nowhere",
        "flag and",
        "",
    ):
        with pytest.raises(RenderError):
            is_true(expression, VALUES)


def test_faults_know_their_line() -> None:
    for text, line in (
        ("a\nb\n{{ nowhere | upper }}\n", 3),
        ("a\n{% if flag %}\n{{ text | nofilter }}\n{% endif %}", 3),
        ("a\n\n\n{{ text ", 4),
        ("{{ text }}\n{{ nowhere }}\n", 2),
        ("{{ text }}\n{{ list }}\n", 2),
        ("{% for x in list %}\n\n{{ x + list }}{% endfor %}\n", 3),
    ):
        with pytest.raises(RenderError) as caught:
            render_text(text, VALUES, "f")
        assert caught.value.line == line, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n{% if flag %}\nb\n{% endif %}\nc\n", "a\nb\nc\n"),
        ("{% for x in list %}\n- {{ x }}\n{% endfor %}\n\nend\n", "- a\n- 1\n\nend\n"),
        ("{% set x = 1 %}\n{{ x }}\n", "1\n"),
        ("{% if flag +%}\nb\n{% endif %}\n", "\nb\n"),
        ("{% if flag -%}\n  b\n{%- endif %}\nc\n", "bc\n"),
        ("{% raw %}\n{{ x }} %}\n{% endraw %}\nc\n", "\n{{ x }} %}\nc\n"),
        ("  {% if flag %}\nb\n  {% endif %}\n100%}\n{{ number + 1 }}\n", "  b\n  100%}\n601\n"),
    ],
)
def test_in_a_file_a_line_that_ends_in_a_block_ends_with_it(text: str, expected: str) -> None:
    assert render_text(text, VALUES, "f") == expected
    assert render_text(text.replace("\n", "\r\n"), VALUES, "f") == expected.replace("\n", "\r\n")


def test_in_a_state_file_every_newline_counts() -> None:
    assert render("a\n{% if flag %}\nb\n{% endif %}\n", VALUES) == "a\n\nb\n\n"
