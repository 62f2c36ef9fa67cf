"""The schema: what is published is valid JSON Schema and agrees with the loader; the quick check with jsonschema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.declare.convert import free
from engine.declare.registry import OWN, Kinds, kinds
from engine.declare.schema.document import document, kind_schema, secret_schema, state_schema
from engine.declare.schema.fast import _CHECKS, _SILENT, NotSure, valid
from engine.declare.schema.full import errors
from engine.declare.schema.language import INCLUDE, KEYWORDS, ROLLOUT
from engine.declare.yaml.loader import parse
from engine.declare.yaml.scalars import bare
from engine.errors import InvalidInput
from engine.model import Secret
from tests.unit.declare.conftest import Project
from tests.unit.declare.kinds import KINDS

HERE = Path(__file__).parent
SCHEMA = state_schema(KINDS)


def as_an_editor(text: str) -> Any:
    """A file as the YAML language server reads it: by the core schema of YAML 1.2."""
    node = parse(text, "f", [])
    assert node is not None
    return bare(free(node, lambda scalar: scalar.text))


def good() -> Iterator[Any]:
    for path in sorted((HERE / "good").glob("*.yaml")):
        if path.stem == "words-for-nothing":
            continue
        for name, text in yaml.safe_load(path.read_text())["files"].items():
            if name.endswith(".yaml") and "hosts:" in text:
                yield pytest.param(text, id=f"{path.stem}-{name}")


@pytest.mark.parametrize("text", list(good()))
def test_the_published_schema_accepts_what_the_loader_accepts(text: str) -> None:
    found = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(SCHEMA).iter_errors(as_an_editor(text))
    ]
    assert not found


@pytest.mark.parametrize(
    "name",
    ["unknown-section", "hosts-missing", "sections-of-wrong-type", "names", "rollout", "unknown-kind",
     "unknown-keyword", "kinds", "unknown-parameter", "missing-parameter", "wrong-types", "wrong-keywords",
     "secrets", "secret-in-plain-sight", "needs-unknown"],
)  # fmt: skip
def test_the_published_schema_refuses_what_has_the_wrong_shape(name: str) -> None:
    text = (HERE / "bad" / f"{name}.yaml").read_text()
    wrong = list(Draft202012Validator(SCHEMA).iter_errors(as_an_editor(text)))
    assert bool(wrong) == (name != "needs-unknown")


def test_the_published_schema_is_json_schema_with_words_for_an_editor() -> None:
    schema = json.loads(json.dumps(SCHEMA))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "x-" not in json.dumps(schema)
    note = schema["properties"]["resources"]["additionalProperties"]["properties"]["note"]
    assert note["description"] == "A note on a host."
    assert note["additionalProperties"] is False
    assert note["required"] == ["path"]
    assert note["properties"]["mode"]["description"] == "Its permission bits."
    assert all(isinstance(value.get("description"), str) for value in schema["properties"].values())


@pytest.mark.parametrize("table", [KEYWORDS, ROLLOUT, INCLUDE])
def test_every_word_is_described(table: dict[str, Any]) -> None:
    assert all(len(param["description"]) > 10 for param in table.values())


def keywords(schema: Any) -> Iterator[str]:
    """Every keyword of a schema, at every depth."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            yield key
            if key in ("properties", "patternProperties"):
                yield from (word for inner in part.values() for word in keywords(inner))
            elif key not in ("enum", "const", "default", "examples", "required"):
                yield from keywords(part)
    elif isinstance(schema, list):
        yield from (word for part in schema for word in keywords(part))


@pytest.mark.parametrize("kind", OWN)
def test_a_state_that_is_right_needs_no_jsonschema(kind: str) -> None:
    """Importing it takes as long as everything else about loading a small state."""
    words = {word for word in keywords(kind_schema(kinds()[kind])) if not word.startswith("x-")}
    assert words <= {*_CHECKS, *_SILENT}
    assert set(keywords(document())) | set(keywords(secret_schema())) <= {*_CHECKS, *_SILENT, "x-expected"}


def test_the_strict_schemas_are_json_schema() -> None:
    for schema in (document(), secret_schema(), *(kind_schema(cls) for cls in KINDS.values())):
        Draft202012Validator.check_schema(schema)
        assert valid({}, schema) in (True, False)


@pytest.mark.parametrize("kind", OWN)
def test_each_kind_of_the_engine(kind: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are described, its schema is sound, and its example loads and is valid for an editor."""
    cls = kinds()[kind]
    Draft202012Validator.check_schema(kind_schema(cls))
    assert valid({}, kind_schema(cls)) in (True, False)
    assert all(len(param.get("description", "")) > 5 for param in cls.params.values()), kind
    text = dedent(dedent(cls.example).strip("\n").removeprefix("resources:\n"))
    project.write("state.yaml", _state_around(text, yaml.safe_load(text), project))
    loaded = project.load(kinds=kinds(), read_secrets=False)
    assert [each.resource.kind for each in loaded.hosts[0].resources].count(kind) >= 1
    published = Draft202012Validator(state_schema())
    assert not list(published.iter_errors(as_an_editor((project.root / "state.yaml").read_text())))


def _state_around(text: str, example: dict[str, Any], project: Project) -> str:
    """A state with an example of a kind in it, and with all that the example refers to."""
    names = {name for entry in example.values() for body in entry.values() if isinstance(body, dict)
             for name in body.get("restart_on", [])} - set(example)  # fmt: skip
    for entry in example.values():
        for body in entry.values():
            for key in ("source", "template"):
                if isinstance(body, dict) and key in body:
                    tree = "/file" if {"exclude", "delete"} & set(body) else ""
                    project.write(body[key] + tree, "text\n")
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    others = "".join(f"  {name}: {{ file-sync: {{ path: /srv/{name}, content: a }} }}\n" for name in names)
    variables = "workspace: /srv/w, comfyui_dir: /srv/w/ComfyUI, service: s, url: 'http://localhost'"
    return (
        f"hosts: one\nvars: {{ {variables} }}\n"
        "secrets: { api_token: { file: t }, db_password: { env: T } }\n"
        f"resources:\n{others}{indented}"
    )


def test_a_kind_of_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    """Found through its entry point, as an installed distribution has one; imported only when it is used."""
    package = tmp_path / "site"
    (package / "more_kinds-1.0.dist-info").mkdir(parents=True)
    (package / "more_kinds-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: more-kinds\nVersion: 1.0\n"
    )
    (package / "more_kinds-1.0.dist-info" / "entry_points.txt").write_text(
        "[engine.plugins]\nbanner = more_kinds:Banner\nlost = more_kinds:Lost\nodd = more_kinds:Odd\n"
        "file-sync = more_kinds:Banner\n"
    )
    (package / "more_kinds.py").write_text(
        "from dataclasses import dataclass\nfrom tests.unit.declare.kinds import Base\n\n\n@dataclass(frozen=True)\n"
        "class Banner(Base):\n    kind = 'banner'\n    summary = 'A banner.'\n    example = ''\n"
        "    params = {'words': {'type': 'string', 'required': True}}\n    words: str = ''\n\n\n"
        "class Odd:\n    kind = 'even'\n"
    )
    monkeypatch.syspath_prepend(str(package))
    found = Kinds()
    assert list(found)[: len(OWN)] == list(OWN)
    assert {"banner", "lost", "odd"} <= set(found.names())
    assert found["file-sync"].__module__ == "engine.kinds.file_sync"
    project.write("state.yaml", "hosts: one\nresources:\n  x: { banner: { words: 12 } }\n")
    assert project.load(kinds=Kinds()).hosts[0].resources[0].resource.words == "12"  # type: ignore[attr-defined]
    for kind, words in (
        ("lost", "cannot be loaded from more_kinds:Lost"),
        ("odd", "not a class with `kind = 'odd'`"),
    ):
        with pytest.raises(InvalidInput, match=words):
            found[kind]
    with pytest.raises(KeyError):
        found["never"]


def test_the_own_kinds_are_those_of_the_package_metadata() -> None:
    import configparser

    setup = configparser.ConfigParser()
    setup.read(HERE.parents[2] / "setup.cfg")
    lines = setup["options.entry_points"]["engine.plugins"].strip().splitlines()
    assert dict(line.split(" = ") for line in lines) == OWN


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.0]),
    st.sampled_from(["", "a", "ab", "1"]), st.just(Secret("x")),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)
types = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    maps = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(types, st.lists(types, min_size=1, max_size=3, unique=True)),
            "enum": st.lists(st.sampled_from(["a", "1", 1, True, None, 0]), min_size=1, max_size=3),
            "const": st.sampled_from(["a", 1, False]),
            "pattern": st.sampled_from(["^a", "b$", "^$"]),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(0, 2),
            "minimum": st.integers(-1, 1),
            "exclusiveMaximum": st.integers(-1, 1),
            "minItems": st.integers(0, 2),
            "maxProperties": st.integers(0, 2),
            "minProperties": st.integers(0, 2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "properties": maps,
            "additionalProperties": st.one_of(st.booleans(), inner),
            "propertyNames": st.just({"pattern": "^[ab]"}),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "uniqueItems": st.just(True),
            "description": st.just("x"),
            "x-expected": st.just("y"),
        },
    )


@given(values, st.recursive(st.just({}), schemas, max_leaves=5))
@settings(max_examples=1000, deadline=None)
def test_the_quick_check_says_what_jsonschema_says(value: Any, schema: dict[str, Any]) -> None:
    try:
        quick = valid(value, schema)
    except NotSure:
        return
    assert quick == (not errors(value, schema))
