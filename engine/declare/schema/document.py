"""JSON Schema of the state language, assembled from the plugins.

Two forms of one schema. The *strict* one says what a value must be once templates are rendered and spellings are
converted; the loader checks with it. The *published* one (`state_schema`) is for editors, which see a state file as
YAML guesses it: there a template may stand wherever another type than text is wanted, and a number where text is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.declare.registry import Kinds, kinds
from engine.declare.schema.language import INCLUDE, KEYWORDS, NAME, RESERVED, ROLLOUT, VARIABLE
from engine.model import Params, Resource

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MARKS = {"secret", "source", "watches", "host_path", "mode", "template_keys"}
_MODE = r"^[0-7]{4}$"
_WORDS = "^([Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"
_HOST_PATH = r"^(/|~/)"
_ABOUT = ("title", "description", "default", "examples", "deprecated")
_TEMPLATE = {"$ref": "#/$defs/template"}


def closed(params: Params, about: str = "") -> dict[str, Any]:
    """The strict schema of a map with exactly these keys; a plugin's marks become JSON Schema keywords."""
    schema: dict[str, Any] = {"type": "object", "description": about} if about else {"type": "object"}
    schema["properties"] = {name: strict(param) for name, param in params.items()}
    schema["required"] = [name for name, param in params.items() if param.get("required") is True]
    schema["additionalProperties"] = False
    return schema


def strict(schema: Any) -> Any:
    """One parameter's schema without the marks that only the engine knows, at every depth."""
    if isinstance(schema, list | tuple):
        return [strict(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {key: value for key, value in schema.items() if key not in _MARKS}
    if isinstance(out.get("required"), bool):
        del out["required"]
    if schema.get("secret"):
        out["x-secret"] = True
    if schema.get("mode"):
        out |= {"type": "string", "pattern": _MODE, "x-expected": "permission bits such as 0600"}
    if schema.get("host_path"):
        out |= {"type": "string", "pattern": _HOST_PATH}
        out["x-expected"] = "a path on the host, absolute or beginning with ~/"
    for key in ("items", "additionalProperties", "propertyNames", "not", "anyOf", "oneOf", "allOf", "prefixItems"):
        if key in out:
            out[key] = strict(out[key])
    for key in ("properties", "patternProperties"):
        if key in out:
            out[key] = {name: strict(part) for name, part in out[key].items()}
    lifted = [name for name, part in schema.get("properties", {}).items() if part.get("required") is True]
    if lifted:
        out["required"] = [*out.get("required", ()), *lifted]
    return out


def kind_schema(cls: type[Resource]) -> dict[str, Any]:
    """The strict schema of a kind's parameters."""
    return closed(cls.params, cls.summary)


def document() -> dict[str, Any]:
    """The strict schema of a state file, but for what stands in each secret and each resource."""
    variables = {"type": "object", "propertyNames": {"pattern": VARIABLE, "not": {"enum": list(RESERVED)}}}
    properties: dict[str, Any] = {
        "name": {"type": "string", "minLength": 1, "description": "Name of the state in plans and reports."},
        "hosts": {
            "type": "string",
            "minLength": 1,
            "description": "Hosts it applies to: an inventory pattern, as in Ansible.",
            "x-expected": "an inventory pattern, like gpu or gpu:!gpu3",
        },
        "vars": {**variables, "description": "Variables and their defaults; the inventory and -e override them."},
        "secrets": {
            "type": "object",
            "propertyNames": {"pattern": VARIABLE},
            "additionalProperties": {"type": "object"},
            "description": "Values by reference; used as {{ secrets.NAME }}.",
        },
        "include": {
            "type": "array",
            "items": closed(INCLUDE),
            "description": "Other state files whose resources come before those of this one.",
            "x-expected": "a list of maps with the key `file`",
        },
        "resources": {
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": {"type": "object"},
            "description": "name → one kind with its parameters, and keywords.",
        },
        "rollout": {**closed(ROLLOUT), "description": "How to roll out an apply over many hosts."},
    }
    return {"type": "object", "properties": properties, "required": ["hosts"], "additionalProperties": False}


def secret_schema() -> dict[str, Any]:
    """The strict schema of one entry of `secrets`."""
    from engine.declare.secrets.resolve import SECRET_SCHEMA

    schema: dict[str, Any] = SECRET_SCHEMA
    return schema


def state_schema(available: Kinds | None = None) -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of a state file with every kind that is installed."""
    available = kinds() if available is None else available
    bodies = {name: _map(kind_schema(available[name])) for name in available.names()}
    beside = {name: _value(strict(keyword)) for name, keyword in KEYWORDS.items()}
    schema = _plain(document())
    parts = schema["properties"]
    parts["vars"] = _plain(parts["vars"])
    parts["secrets"]["additionalProperties"] = _map(secret_schema())
    include = closed(INCLUDE)
    parts["include"]["items"] = {
        **include,
        "properties": {**include["properties"], "for_each": _value(include["properties"]["for_each"])},
    }
    parts["rollout"] = _map(parts["rollout"])
    parts["resources"]["additionalProperties"] = {
        "type": "object",
        "properties": {**beside, **bodies},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in bodies],
    }
    template = {"type": "string", "pattern": r"\{\{|\{%", "description": "A Jinja2 template."}
    about = {"$schema": DIALECT, "title": "State file", "description": "What hosts should look like."}
    made: dict[str, Any] = _cleaned({**about, **schema, "$defs": {"template": template}})
    return made


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "properties": dict(schema["properties"])} if "properties" in schema else dict(schema)


def _cleaned(schema: Any) -> Any:
    """Without the annotations that are the engine's own."""
    if isinstance(schema, Mapping):
        return {key: _cleaned(part) for key, part in schema.items() if not key.startswith("x-")}
    return [_cleaned(part) for part in schema] if isinstance(schema, list) else schema


def _map(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A map whose keys are fixed, and whose values may be templates."""
    out = dict(schema)
    if "properties" in out:
        out["properties"] = {name: _value(part) for name, part in out["properties"].items()}
    if isinstance(out.get("additionalProperties"), Mapping):
        out["additionalProperties"] = _value(out["additionalProperties"])
    return out


def _value(schema: Any) -> Any:
    """What may be written for a value: as the strict schema wants it, as YAML guesses it, or a template."""
    if not isinstance(schema, Mapping):
        return schema
    about = {key: value for key, value in schema.items() if key in _ABOUT}
    inner = {key: value for key, value in _map(schema).items() if key not in _ABOUT and not key.startswith("x-")}
    if not inner:
        return about
    if "items" in inner:
        inner["items"] = _value(inner["items"])
    if "oneOf" in inner and not all(set(part) == {"required"} for part in inner["oneOf"]):
        # A template would match several of the alternatives.
        inner["anyOf"] = inner.pop("oneOf")
    if "anyOf" in inner and not all(set(part) == {"required"} for part in inner["anyOf"]):
        inner["anyOf"] = [_value(part) for part in inner["anyOf"]]
    choices = [inner, *_guesses(inner)]
    if inner.get("type") != "string" or len(inner) > 1:
        choices.append(_TEMPLATE)
    return {**about, "anyOf": choices}


def _guesses(inner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What YAML makes of a plain scalar that the loader takes for what `inner` wants."""
    types = inner.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if inner.get("pattern") == _MODE:
        return [{"type": "string", "pattern": r"^(0o)?0?[0-7]{3,4}$"}, {"type": "integer"}]
    if "string" in types and "enum" not in inner and inner.get("pattern") != _HOST_PATH:
        return [{"type": ["number", "boolean"]}]
    return [{"type": "string", "pattern": _WORDS}] if "boolean" in types else []
