"""`groups` and `hostvars`: what the inventory says of every host, wherever a template stands."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidInput
from engine.model import Secret
from tests.unit.declare.conftest import Project

INVENTORY = """\
all:
  vars: { domain: lan }
  children:
    web:
      hosts:
        one: { port: 81, ansible_host: "{{ inventory_hostname }}.{{ domain }}", ansible_password: canary-one }
        two: { port: 82, urls: ["http://{{ inventory_hostname }}:{{ port }}"], nested: { deep: "{{ urls[0] }}" } }
    db:
      hosts:
        three: { ansible_become_password: "canary-{{ port }}", port: 83, broken: "{{ nowhere }}" }
"""


@pytest.fixture
def shown(project: Project) -> Any:
    """Renders a template on the host `one` → what comes of it."""
    project.write("inventory.yaml", INVENTORY)

    def render(text: str, head: str = "", name: str = "public") -> Any:
        kind = ["    copy:"] if name == "open" else ["    note:", "      path: /a"]
        lines = ["hosts: one", head, "resources:", "  a:", *kind, f"      {name}: |-", f"        {text}\n"]
        project.write("state.yaml", "\n".join(lines))
        (resource,) = project.load().hosts[0].resources
        return getattr(resource.resource, name)

    return render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ groups.web | join(',') }}", "one,two"),
        ("{{ (groups['db'] + ['x']) | join }}", "threex"),
        ("{{ groups | sort | join(' ') }}", "all db ungrouped web"),
        ("{{ groups.all | length }}", "3"),
        ("{{ 'two' in groups['web'] }} {{ 'gpu' in groups }}", "true false"),
        ("{{ hostvars.two.port }}", "82"),
        ("{{ hostvars['two']['urls'][0] }}", "http://two:82"),
        ("{{ hostvars.two.nested.deep }}", "http://two:82"),
        ("{{ hostvars['one'].ansible_host }}", "one.lan"),
        ("{{ hostvars[inventory_hostname].domain }}", "lan"),
        ("{{ hostvars['two'].inventory_hostname }} {{ hostvars['three'].group_names | join }}", "two db"),
        ("{{ hostvars['two'].ansible_host | default('two') }}", "two"),
        ("{{ (hostvars['four'] | default({'port': 0})).port }}", "0"),
        ("{% for h in groups.all %}{{ h }}={{ hostvars[h].port }} {% endfor %}", "one=81 two=82 three=83 "),
        ("{{ groups['web'] | map('extract_port') | list }}", None),
        ("{{ inventory_hostname }} {{ group_names | join }}", "one web"),
    ],
)
def test_as_in_ansible(shown: Any, text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InvalidInput, match="No filter named"):
            shown(text)
        return
    found = shown(text)
    assert str(list(found) if isinstance(found, tuple) else found) == expected


def test_in_a_file(project: Project, shown: Any) -> None:
    project.write(
        "hosts.j2", "{% for h in groups.web %}\n{{ hostvars[h].ansible_host | default(h) }} {{ h }}\n{% endfor %}\n"
    )
    assert shown("hosts.j2", name="open") == "one.lan one\ntwo two\n"


def test_passwords_are_secrets(shown: Any) -> None:
    for text in ("{{ hostvars.one.ansible_password }}", "{{ hostvars['one']['ansible_password'] | upper }}"):
        with pytest.raises(InvalidInput, match="cannot hold a secret") as caught:
            shown(text)
        assert "canary" not in str(caught.value).lower()
        assert isinstance(shown(text, name="text"), Secret)
    assert shown("{{ hostvars.three.ansible_become_password }}", name="text") == Secret("canary-83")
    with pytest.raises(InvalidInput) as caught:
        shown("{{ hostvars | to_json }}")
    assert "canary" not in str(caught.value).lower()


def test_what_is_wrong_names_the_host_and_its_variable(shown: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        shown("{{ hostvars.three.broken }}")
    assert "three: inventory variable `broken`" in str(caught.value)
    assert "`nowhere` is not defined" in str(caught.value)
    assert shown("{{ hostvars.three.port }}") == "83"
    with pytest.raises(InvalidInput, match=r"`hostvars` has no `tow`\n.*did you mean `two`"):
        shown("{{ hostvars.tow.port }}")


def test_whole_they_are_no_text(shown: Any) -> None:
    for text in ("a{{ hostvars }}", "a{{ groups }}", "a{{ hostvars.two }}"):
        with pytest.raises(InvalidInput, match="a map cannot be part of text"):
            shown(text)


def test_a_variable_may_stand_for_them_or_hide_them(shown: Any) -> None:
    assert (
        shown(
            "{{ all.two.port }}{{ both.h.two.port }}",
            "vars: { all: '{{ hostvars }}', both: { h: '{{ hostvars }}' } }",
        )
        == "8282"
    )
    assert shown("{{ groups.mine }}", "vars: { groups: { mine: own } }") == "own"
