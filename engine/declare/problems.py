"""How problems are told: in the order of the files, and of which hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.errors import Position, Problem
from engine.model import Facts


def sorted_problems(found: Mapping[Problem, Sequence[str]], hosts: int) -> list[Problem]:
    """Problems in the order of the files; one that only some hosts have says which."""
    problems: list[Problem] = []
    for problem, names in found.items():
        if names and len(names) < hosts:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            hint = f"on {', '.join(names[:3])}{more}"
            problem = replace(problem, hints=(*problem.hints, hint))
        hints = tuple(_printable(hint) for hint in problem.hints)
        problems.append(replace(problem, message=_printable(problem.message), hints=hints))
    return sorted(problems, key=lambda problem: _place(problem.where))


def assuming_facts(problem: Problem, facts: Facts) -> Problem:
    """A problem that is one where a host has these facts, of which no host was asked."""
    said = ", ".join(f"{name} {value}" for name, value in facts.items())
    hint = f"assuming a host with {said}; `plan` asks each host" if said else "assuming typical facts of a host"
    return replace(problem, hints=(*problem.hints, hint))


def _printable(text: str) -> str:
    """Text on one line, and nothing in it that a terminal would take for a command."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _place(where: Position | str | None) -> tuple[str, int, int]:
    return (where.file, where.line, where.column) if isinstance(where, Position) else (where or "", 0, 0)
