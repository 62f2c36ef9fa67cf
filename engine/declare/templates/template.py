"""Templates: text with `{{` or `{%` in it → a value. Sandboxed; a name that is not defined is an error.

Most templates of a state are names between text (`{{ workspace }}/ComfyUI`); those are put together here. All others
are rendered by Jinja2, which is imported when the first one comes along. Both give the same (a test compares them).
A value made with the help of a secret is a `Secret`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from engine.bounds import TEXT
from engine.codes import Code
from engine.declare.templates.names import MISSING, FactPending, Names, RenderError, SecretNames, undefined
from engine.declare.yaml.scalars import NoText, as_text
from engine.model import Secret

_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}")
_WORDS = {"and", "or", "not", "is", "in", "if", "else", "true", "false", "none", "True", "False", "None", "loop",
          "self", "caller", "varargs", "kwargs", "range", "dict", "namespace", "cycler", "joiner"}  # fmt: skip


def render(text: str, names: Names) -> Any:
    """The value of a template: what its expression gives where the text is one whole expression, else text.

    A number, true or false, a list, a map, a Secret come out as such; text in which a secret takes part is a Secret.
    Raises Fault.
    """
    parts = _parts(text)
    if parts is None:
        from engine.declare.templates import jinja

        return jinja.render(text, names)
    if len(parts) == 1 and isinstance(parts[0], tuple):
        value = _follow(parts[0], names)
        if isinstance(value, SecretNames):
            raise RenderError("`secrets` is not a value", ("name one of them: `secrets.NAME`",))
        return value
    return _text(parts, names)


def render_text(text: str, names: Names, filename: str) -> str | Secret:
    """The text of a template file: always text, even where it is a single expression. Raises Fault."""
    parts = _parts(text)
    if parts is None:
        from engine.declare.templates import jinja

        return jinja.render_text(text, names, filename)
    return _text(parts, names)


def is_true(expression: str, names: Names) -> bool:
    """Whether a bare expression (`when`) holds. Raises Fault, also where it gives anything but true or false."""
    if "{{" in expression or "{%" in expression:
        raise RenderError(
            "`when` is a bare expression", ("write it without braces, like `when: gpu and not old`",), code=Code.WHEN
        )
    value = render("{{ " + expression.strip() + " }}", names)
    if isinstance(value, Secret):
        raise RenderError("`when` cannot depend on a secret", ("plans show its result",), code=Code.WHEN)
    if not isinstance(value, bool):
        from engine.declare.schema.validate import shown

        got = f"the text {shown(value)}" if isinstance(value, str) else shown(value)
        raise RenderError(
            f"`when` must give true or false, not {got}", ("compare it, like `when: kind == 'gpu'`",), code=Code.WHEN
        )
    return value


def _text(parts: tuple[str | tuple[str, ...], ...], names: Names) -> str | Secret:
    """One text of all parts; a Secret as soon as one of them is. Raises Fault."""
    texts: list[str] = []
    secret: Secret | None = None
    later: FactPending | None = None
    size = 0
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        if size > TEXT:
            raise RenderError(f"the template makes a value of more than {TEXT} characters", code=Code.TEMPLATE_LIMIT)
        try:
            value = _follow(part, names)
            if isinstance(value, Secret):
                secret = secret or value
                texts.append(value.reveal())
            else:
                texts.append(as_text(value))
            size += len(texts[-1])
        except FactPending as found:
            later = found  # what else is wrong here is told now
        except NoText as error:
            hints = ("`| join(', ')` and `| tojson` turn it into text",)
            raise RenderError(str(error), hints, line="".join(texts).count("\n") + 1) from None
        except RenderError as fault:
            if not fault.where:
                fault.line = fault.line or "".join(texts).count("\n") + 1
            raise
    if later:
        raise later
    return Secret("".join(texts), secret.name) if secret else "".join(texts)


@functools.lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str | tuple[str, ...], ...] | None:
    """Text and dotted names in turn, or None where it takes Jinja2 to render this."""
    parts: list[str | tuple[str, ...]] = []
    end = 0
    for found in _NAME.finditer(text):
        path = tuple(found[1].split("."))
        if path[0] in _WORDS:
            return None
        parts += [text[end : found.start()], path]
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and ("{{" in part or "{%" in part) for part in parts):
        return None
    return tuple(part for part in parts if part)


def _follow(path: tuple[str, ...], names: Names) -> Any:
    value = names.lookup(path[0])
    if value is MISSING:
        raise undefined(path[0], names)
    for depth, part in enumerate(path[1:], 1):
        if not isinstance(value, Mapping) or part not in value:
            raise undefined(part, names, value, ".".join(path[:depth]))
        value = value[part]
    return value
