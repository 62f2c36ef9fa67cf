"""The reference of a kind, from the plugin itself: what `engine kinds KIND` prints and `docs/kinds/` holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import dedent, fill
from typing import Any

from engine.model import Resource


def reference(kind: type[Resource]) -> str:
    """Markdown that reads well as plain text: summary, every parameter with its type, an example."""
    lines = [f"# {kind.kind}", "", fill(kind.summary, 100), "", "## Parameters", ""]
    for name, schema in sorted(kind.params.items(), key=lambda item: item[1].get("required") is not True):
        about = [_type(schema)]
        about += ["required"] if schema.get("required") is True else []
        about += [f"default `{_said(schema['default'])}`"] if "default" in schema else []
        about += ["may be a secret"] if schema.get("secret") else []
        text = str(schema.get("description", "")).strip()
        lines += [
            f"- `{name.rstrip('_')}` ({'; '.join(about)})",
            fill(text, 100, initial_indent="  ", subsequent_indent="  "),
        ]
    lines += ["", "## Example", "", "```yaml", dedent(kind.example).strip("\n"), "```"]
    return "\n".join(lines)


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(f"`{_said(value)}`" for value in schema["enum"])
    if schema.get("mode"):
        return "permission bits"
    if schema.get("watches"):
        return "list of resources"
    if schema.get("host_path"):
        return "path on the host"
    if schema.get("source"):
        return "path on the controller"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(_type(option) for option in schema[word]))
    kinds = schema.get("type", "any")
    names = {
        "array": "list",
        "object": "map",
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
    }
    return " or ".join(names.get(name, name) for name in ([kinds] if isinstance(kinds, str) else kinds))


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
