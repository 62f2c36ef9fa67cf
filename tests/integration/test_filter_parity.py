"""Filters and template files give what the Ansible at hand makes of them (see test_inventory_parity)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engine.declare.templates.names import MISSING, RenderError
from engine.declare.templates.template import render, render_text
from tests.integration.test_inventory_parity import PYTHON

SCRIPT = Path(__file__).parent.parent / "filters" / "ask_ansible.py"
pytestmark = pytest.mark.skipif(PYTHON is None, reason="no ansible-core: ENGINE_TEST_ANSIBLE names no environment")

VARIABLES: dict[str, Any] = {
    "text": "Grüße, 'you' \"there\" \\ $HOME\n\n  two: lines #\n",
    "long": "word " * 60 + "end",
    "words": ["yes", "no", "null", "~", "1", "1.0", "0x1", "1e3", "2020-01-01", "", " lead", "trail ", "- x", "a: b",
              "# c", "*a", "&a", "!t", "%d", "@a", "`b`", "{a}", "[b]", ",", "?", "a\tb", "é", "日本", "\U0001f600",
              "=", "<<", "y", "on", "0600", "12:30", "..."],
    "values": [None, True, False, 0, -1, 1.5, 1e100, 12345678901234567890, [], {}, [[]], [{}], {"a": None}],
    "map": {"b": 1, "a": {"z": [1, {"x": "y"}], "y": {}}, "Ä": "ö", "c": ["one", "two"]},
    "low": {"a": {"x": 1, "y": [1, 2]}, "l": [1, 2, 2], "only": True},
    "high": {"a": {"y": [2, 3], "z": None}, "l": [2, 3], "more": "m"},
    "paths": ["/etc/passwd", "/etc/", "file", "", "/", "a/b/", "a//b", "/a", "~/x", "C:\\x\\y"],
    "yaml": "a: 1\nb: [yes, no, 0600, 0o17, 1_000, 1.5, ~, '5']\nc: &x {k: v}\nd: *x\ne:\n  <<: *x\n  f: |\n    t\n",
    "json": '{"a": [1, 1.5, true, null, "\\u00e9"], "b": {"c": "d"}}',
}  # fmt: skip

SUBJECTS = ("text", "long", "words", "values", "map", "low", "'plain'", "5", "1.5", "true", "none", "[]", "{}", "''")
DUMPERS = ("to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "to_json(indent=2)", "to_json(sort_keys=true)",
           "to_json(ensure_ascii=false)", "to_nice_json(indent=1, ensure_ascii=false)", "to_nice_yaml(indent=2)",
           "to_nice_yaml(width=40)", "to_nice_yaml(sort_keys=false)", "to_yaml(default_flow_style=true)",
           "to_yaml(default_style='\"')", "to_nice_yaml(explicit_start=true)")  # fmt: skip
BOOLS = ("'yes'", "'No'", "'ON'", "'off'", "'True'", "'FALSE'", "'1'", "'0'", "1", "0", "true", "false", "1.0", "0.0")
ESCAPED = r"{{ 'ab12cd34' | regex_replace('([a-z]+)(\\d+)', "

TEMPLATES = [
    *(f"x{{{{ {subject} | {dumper} }}}}" for subject in SUBJECTS for dumper in DUMPERS),
    *(f"{{{{ {word} | bool }}}}" for word in BOOLS),
    *(f"{{{{ paths | map('{name}') | list }}}}" for name in ("basename", "dirname")),
    *(f"{{{{ text | hash{name} }}}}" for name in ("", "('md5')", "('sha256')", "('sha512')", "('blake2b')")),
    "{{ yaml | from_yaml }}",
    "{{ json | from_json }}",
    "{{ json | from_yaml }}",
    "{{ map | to_nice_yaml | from_yaml }}",
    "{{ words | to_yaml | from_yaml }}",
    "{{ values | to_json | from_json }}",
    *(f"{{{{ {subject} | b64encode{options} }}}}" for subject in ("text", "''", "5", "words[29]")
      for options in ("", "(urlsafe=true)", "('utf-16-le')", "(encoding='latin-1')")),
    "{{ text | b64encode | b64decode }}",
    "{{ '4pyTIMOpPz8_' | b64decode(urlsafe=true) }}",
    "{{ '/+8=' | b64decode('utf-16-le') }}",
    *(f"{{{{ low | combine(high{options}) }}}}" for options in ("", ", recursive=true", *(
        f", {recursive}list_merge='{merge}'" for recursive in ("", "recursive=true, ")
        for merge in ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")))),
    "{{ [low, high, {'a': 1}] | combine }}",
    "{{ [] | combine }}",
    "{{ low | combine({}, high, {'l': []}, recursive=true, list_merge='append') }}",
    "{{ low | combine(low, list_merge='append') }}",
    ESCAPED + r"'\\2-\\1') }}",
    ESCAPED + r"'<\\g<0>>') }}",
    ESCAPED + r"'x', count=1) }}",
    ESCAPED + r"'x', mandatory_count=2) }}",
    r"{{ 'Foo\nfoo' | regex_replace('^f', 'b', ignorecase=true, multiline=true) }}",
    "{{ 'abc' | regex_replace('x*', '-') }}",
    "{{ 'abc' | regex_replace('b?', '-') }}",
    "{{ 'abc' | regex_replace('') }}",
    r"{{ 'a' | regex_replace('(b)?a', '[\\1]') }}",
    r"{{ 'key=value' | regex_replace('^(?P<k>\\w+)=(?P<v>\\w+)$', '\\g<v>=\\g<k>') }}",
    "{{ 5 | regex_replace('5', 'five') }}",
    r"{{ 'server1.example.org' | regex_search('\\d+') }}",
    r"{{ 'server1.example.org' | regex_search('server(\\d+)\\.(?P<rest>.*)', '\\1', '\\g<rest>') }}",
    "{{ 'abc' | regex_search('B', ignorecase=true) }}",
    r"{{ 'a\nb' | regex_search('^b', multiline=true) }}",
    "x{{ 'abc' | regex_search('(z)?b', '\\\\1') | to_json }}",
    "x{{ 'abc' | regex_search('z') | to_json }}",
    "{{ (1 == 1) | ternary('a', 'b') }}",
    "{{ '' | ternary('a', 'b') }}",
    "x{{ none | ternary('a', 'b', 'c') }}{{ none | ternary('a', 'b') }}",
    "{{ map | mandatory }}",
    "{{ 5 | mandatory('why') }}",
]  # fmt: skip

IN_A_PLAYBOOK = [
    r"{{ 'ab12cd34' | regex_replace('([a-z]+)(\d+)', '\2-\1') }}",
    r"{{ 'ab12cd34' | regex_replace('([a-z]+)(?P<n>\d+)', '\g<n>-\g<1>') }}",
    r"{{ 'one two' | regex_replace('\bt\w+\b', '<\g<0>>') }}",
    r"{{ 'aa bb' | regex_replace('(\w)\1', '\1') }}",
    r"{{ 'server1.example.org' | regex_search('(\w+)\.(\w+)', '\2', '\1') }}",
]
"""Written with single backslashes, as in a playbook, which doubles them."""

WRONG = [
    "{{ nowhere | mandatory }}",
    "{{ nowhere | mandatory('give it') }}",
    "{{ 'x' | hash('nothing') }}",
    "{{ 'no json' | from_json }}",
    "{{ 'a: [' | from_yaml }}",
    "{{ 'a' | regex_replace('(', 'b') }}",
    r"{{ 'a' | regex_replace('a', '\\1') }}",
    "{{ 'a' | regex_replace('a', 'b', mandatory_count=2) }}",
    "{{ 'a' | regex_search('a', '1') }}",
    "{{ low | combine([1]) }}",
    "{{ low | combine(high, list_merge='any') }}",
    "{{ low | combine(high, nothing=true) }}",
    "{{ 'abc' | b64decode }}",
]
"""What neither of the two takes."""

FILE = """\
# {{ text | to_json }}
{% set n = 3 %}
{% for word in words %}
{% if loop.index <= n %}
  - {{ word }}{% if not loop.last %},{% endif %}

{% endif %}
{% endfor %}
{% raw %}
{{ kept }}
{% endraw %}
    {% if true %}
indented
    {% endif %}
{%- if true %}  stripped {% endif -%}
   rest {% if true +%}
kept
{% endif %}
{{ map | to_nice_yaml(indent=2) }}
end
"""


class Given:
    """Names for templates: the variables."""

    def lookup(self, name: str) -> Any:
        return VARIABLES.get(name, MISSING)

    def known(self) -> Iterable[str]:
        return VARIABLES


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[Any, str]]:
    """What Ansible makes of each template, in one run of it."""
    assert PYTHON is not None
    files = [*TEMPLATES, *WRONG]
    asked = json.dumps({"variables": VARIABLES, "files": files, "playbooks": IN_A_PLAYBOOK})
    done = subprocess.run([PYTHON, SCRIPT], input=asked, capture_output=True, text=True, check=True, timeout=120)
    return dict(zip([*files, *IN_A_PLAYBOOK], map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("template", [*TEMPLATES, *IN_A_PLAYBOOK])
def test_a_filter_gives_what_ansible_gives(template: str, answers: dict[str, tuple[Any, str]]) -> None:
    expected, problem = answers[template]
    assert not problem
    assert json.loads(json.dumps(render(template, Given()))) == expected


@pytest.mark.parametrize("template", WRONG)
def test_what_ansible_refuses_is_refused(template: str, answers: dict[str, tuple[Any, str]]) -> None:
    assert answers[template][1]
    with pytest.raises(RenderError):
        render(template, Given())


def test_a_file_is_rendered_as_ansible_renders_it(tmp_path: Path) -> None:
    assert PYTHON is not None
    (tmp_path / "file.j2").write_text(FILE)
    (tmp_path / "vars.json").write_text(json.dumps(VARIABLES))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    words = ["-m", "template", "-a", f"src={tmp_path}/file.j2 dest={tmp_path}/file", "-e", f"@{tmp_path}/vars.json"]
    subprocess.run(
        [Path(PYTHON).parent / "ansible", "localhost", "-c", "local", *words],
        env=env, cwd=tmp_path, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert render_text(FILE, Given(), "file") == (tmp_path / "file").read_text()
