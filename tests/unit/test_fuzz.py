"""States of the real kinds, inventories, host patterns and saved plans with accidents in them: either they are used,
or what is wrong is told. No traceback, no other error, no time without end. The same accidents in every run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cli.reviewed import Reviewed
from engine.declare import registry
from engine.declare.build import load
from engine.declare.inventory import Inventory, passwords
from engine.errors import InvalidInput, PlanRefused, Problem
from engine.model import HostPlan
from engine.plan import planfile
from tests.unit.plan.test_planfile import ABOUT, KEY, PLAN

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ["{{ 'x' * 10**9 }}", "{{ range(99999) | list }}", "{{ l[undefined] }}", "{{ a }}{{ a }}", "{{ host }}",
             "{{ secrets.s }}", "{{ (1, [2]) }}", "{{ {} }}", "{{ a.b['c'] }}", "{{ '%s' % a }}", "{{ a | replace }}",
             "{% for x in l %}{{ x }}{% endfor %}", "{% set x = 1 %}", "{{ '{}'.format(a) }}", "{{ namespace() }}",
             "{{ 1 / 0 }}", "{{ l | tojson }}", "{{ [1] | map('x') | list }}", "{{ 9 ** 99999 }}"]  # fmt: skip
BITS = ["{{", "}}", "{%", "%}", ": ", "- ", "\n", "\n  ", "  ", "\t", "[", "]", "{", "}", "'", '"', "*a", "&a ",
        "<<: ", "!x ", "!!int ", "!!timestamp ", "!vault ", "|\n", ">", "~", "~(a+)+$", "\x00", '"\\0"', "\u2028",
        "é", "null", "true", "1e999", "9" * 5000, "-1", "#", "---\n", "[0:9]", "[09:1]", "[a:z:0]", "all",
        "hosts:", "vars:", "children:", ",", ":", "!", "&", "@x", "/dev/zero", "../..", "~nobody-at-all/x",
        "x" * 5000, " " * 5000, "..", "\\", "$(x)", *TEMPLATES]  # fmt: skip
INVENTORIES = [
    """
all:
  vars: { a: &a [1, {b: c}], t: '{{ a }}' }
  children:
    web: &w
      hosts:
        web[1:3]: {x: *a}
        'db1:22': { ansible_host: '{{ inventory_hostname }}.lan', ansible_password: p }
    other: { children: { web: } }
""",
    "all:\n  hosts: { one: { <<: { a: 1 }, ansible_port: 22 }, two: }\nungrouped:\n  hosts: [x]\n",
    '{"all": {"hosts": {"one": {"a": [1, 2.5, null, true]}}, "children": {"g": {"vars": {"b": "\\ud800"}}}}}',
]
PATTERNS = ["all", "web:&other:!db1", "web[0:1]", "web*", "~web[0-9]+", "one,two", "web[-1]", "db1", "localhost"]


def fuzz(strategy: st.SearchStrategy[Any], attempt: Callable[[Any], None], count: int) -> None:
    """Attempt as many examples, the same each time; none may take long."""

    def once(example: Any) -> None:
        began = time.monotonic()
        attempt(example)
        assert time.monotonic() - began < 30

    checks = list(HealthCheck)
    run = settings(max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=checks)
    run(given(strategy)(once))()


@st.composite
def accidents(draw: st.DrawFn, seeds: list[str]) -> str:
    """One of the texts, and a few accidents."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(["", *BITS])) + text[end:]
    return text


def told(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        assert problem.message
        assert "\n" not in problem.message
        assert "internal error" not in problem.message
    str(InvalidInput(problems)).encode()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENGINE_KEY", "a key for the tests of saved plans")
    (tmp_path / "inventory.yaml").write_text("all: { hosts: { one: , two: { l: [1, 2], a: text } } }\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.j2").write_text("{{ a }}\n")
    return tmp_path


def seeds() -> list[str]:
    """The project's own states, and the example of each kind."""
    found = [path.read_text() for path in sorted((ROOT / "states").glob("*.yaml"))]
    head = "hosts: all\nvars: { a: b, l: [1] }\n"
    head += "secrets: { s: { file: .secrets/x }, t: { command: [cat, x], timeout: 2m } }\n"
    for kind in registry.kinds().values():
        lines = "".join(f"  {line}\n" for line in kind.example.splitlines())
        found.append(f"{head}resources:\n{lines}    when: a == 'b'\n    for_each: [x, y]\n    timeout: 90 s\n")
    return found


def test_states(root: Path, full: bool) -> None:
    def attempt(text: str) -> None:
        problems: tuple[Problem, ...] = ()
        (root / "state.yaml").write_text(text, "utf-8", newline="")
        inventory = Inventory.load(None, root)
        try:
            load([Path("state.yaml")], project=root, inventory=inventory, extra={}, limit=None, read_secrets=False)
        except InvalidInput as error:
            problems = error.problems
        told(problems)
        assert all(problem.where for problem in problems)

    fuzz(accidents(seeds()), attempt, 5000 if full else 300)


def test_inventories(root: Path, full: bool) -> None:
    def attempt(text: str) -> None:
        (root / "inventory.yaml").write_text(text, "utf-8", newline="")
        try:
            inventory = Inventory.load(None, root)
            passwords(inventory.hosts("all:localhost"))
            inventory.graph()
            assert inventory.sources
        except InvalidInput as error:
            told(error.problems)

    fuzz(accidents(INVENTORIES), attempt, 20_000 if full else 600)


def test_host_patterns(root: Path, full: bool) -> None:
    (root / "inventory.yaml").write_text(INVENTORIES[0])
    inventory = Inventory.load(None, root)

    def attempt(pattern: str) -> None:
        try:
            inventory.hosts(pattern, None)
            inventory.hosts("all", pattern)
        except InvalidInput as error:
            told(error.problems)

    fuzz(accidents(PATTERNS), attempt, 20_000 if full else 600)


def plans() -> st.SearchStrategy[str]:
    """A sealed plan with accidents; data that is like one; anything."""
    document = planfile.document(PLAN, ABOUT, "2026-03-02T14:05:00Z", KEY.id, KEY.mac)
    text = st.text(st.characters(), max_size=8)
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
        max_leaves=8,
    )
    like = st.dictionaries(st.sampled_from([*document]), values).map(
        lambda parts: planfile.dumps({**document, **parts})
    )
    return st.one_of(accidents([planfile.dumps(document)]), like, values.map(json.dumps), st.text())


def test_saved_plans(root: Path, full: bool) -> None:
    untouched = planfile.dumps(planfile.document(PLAN, ABOUT, "2026-03-02T14:05:00Z", KEY.id, KEY.mac))

    def attempt(text: str) -> None:
        path = root / "plan.json"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            Reviewed(path, root).agreed(HostPlan("web1"))
            said = ""
        except PlanRefused as error:
            said = str(error)
        said.encode()
        assert said.startswith(str(path)) if said else text == untouched

    attempt(untouched)
    fuzz(plans(), attempt, 20_000 if full else 400)
