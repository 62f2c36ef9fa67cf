"""Views: a plan or report as text, JSON, Markdown, HTML or JUnit XML, all from the same values.

The values are plain data in which every secret is a fingerprint already. What came from a host may still be hostile
to whatever shows it; making it harmless is a view's task.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Literal, TypeAlias

from engine.model import Plan, Report

Format: TypeAlias = Literal["text", "json", "markdown", "html", "junit"]

# Imported when asked for: the others cost start-up time.
_MODULES: Mapping[str, str] = {
    "text": "console",
    "json": "data",
    "markdown": "markdown",
    "html": "html",
    "junit": "junit",
}
VERSION = 2
"""Of plans, reports and events in JSON. It grows when a key is removed or changes its meaning."""
FORMATS: tuple[str, ...] = tuple(_MODULES)


def render(
    value: Plan | Report,
    format: Format = "text",
    *,
    width: int | None = None,
    color: bool = False,
    ascii: bool = False,
    verbosity: int = 0,
    diff: bool = False,
    command: str = "",
    limit: int = 65_536,
    program: str = "onetrip",
) -> str:
    """A plan or report in a format, ending with a line break.

    width      columns of the terminal; None: not a terminal, nothing is cut or wrapped
    color      whether text may hold ANSI colours
    ascii      the output's encoding has no more than ASCII
    verbosity  -1 failures and summary only, 0, 1 and 2 also what is unchanged and the actions
    diff       whether text shows unified diffs
    command    what was run, without options for single hosts (`apply states/qwen.yaml`), for hints on what to run
    program    the command's name, for hints in text; what is kept in files always says `onetrip`
    limit      the most characters of Markdown a forge takes in one comment
    """
    from engine.views.layout import Style
    from engine.views.short import shortened

    if format != "json":
        value = shortened(value)
    style = Style(width, color, ascii, verbosity, diff, command, limit, program)
    module = import_module(f"engine.views.{_MODULES[format]}")
    text: str = module.render(value, style)
    return text


__all__ = ["FORMATS", "VERSION", "Format", "render"]
