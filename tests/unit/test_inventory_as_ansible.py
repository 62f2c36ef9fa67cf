"""Inventories are read as Ansible reads them: compared with what it said of each case (tests/inventories)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.declare.inventory import Inventory
from engine.errors import InvalidInput
from tests.inventories.forms import FORMS, engine_says

HERE = Path(__file__).parent.parent / "inventories"
CASES = sorted(path.parent.name for path in HERE.glob("*/case.json"))
ORDER_VARIES = {"precedence", "directory"}
"""Where groups lie three levels deep, Ansible's own order of hosts changes from run to run."""


def expected(case: str) -> dict[str, Any]:
    return dict(json.loads((HERE / case / "expected.json").read_text()))


@pytest.fixture
def loaded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    directory = HERE / request.param
    monkeypatch.chdir(directory)
    sources = json.loads((directory / "case.json").read_text())["sources"]
    return Inventory.load(sources, directory)


@pytest.mark.parametrize(("loaded", "case"), [(case, case) for case in CASES], indirect=["loaded"], ids=CASES)
def test_hosts_groups_and_variables(loaded: Inventory, case: str) -> None:
    found = {host.name: {"groups": list(host.groups), "vars": dict(host.vars)} for host in loaded.hosts("all")}
    plain = json.loads(json.dumps(found, default=str))
    for name, host in expected(case)["hosts"].items():
        assert plain.pop(name) == host, name
    assert plain == {}


@pytest.mark.parametrize(("loaded", "case"), [(case, case) for case in CASES], indirect=["loaded"], ids=CASES)
def test_the_graph(loaded: Inventory, case: str) -> None:
    assert loaded.graph() + "\n" == expected(case)["graph"]


@pytest.mark.parametrize(("loaded", "case"), [(case, case) for case in CASES], indirect=["loaded"], ids=CASES)
def test_patterns(loaded: Inventory, case: str) -> None:
    patterns = json.loads((HERE / case / "case.json").read_text())["patterns"]
    for (pattern, *limit), names in zip(patterns, expected(case)["patterns"], strict=True):
        assert names, pattern
        found = [host.name for host in loaded.hosts(pattern, *limit)]
        if case in ORDER_VARIES:
            found, names = sorted(found), sorted(names)
        assert found == names, (pattern, limit)


@pytest.mark.parametrize("loaded", CASES, indirect=True)
def test_groups_hold_their_hosts(loaded: Inventory) -> None:
    for group, names in loaded.groups.items():
        if names:
            assert tuple(host.name for host in loaded.hosts(group)) == names
    assert set(loaded.groups["all"]) == {host.name for host in loaded.hosts("all")}


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if not (form.needs_ansible or form.refused)])
def test_every_form(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FORMS[name].write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert engine_says(FORMS[name], tmp_path) == json.loads((HERE / "forms.json").read_text())[name]


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.refused])
def test_forms_that_only_ansible_takes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FORMS[name].write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        engine_says(FORMS[name], tmp_path)
    assert FORMS[name].refused in str(caught.value)
