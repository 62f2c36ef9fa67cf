"""What several probes of one program look at, looked at once: shell functions that keep what a script printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.kit.shell import texts
from engine.model import BatchedProbe, Script
from engine.program.quote import assigned, word
from engine.program.section import Section

sh = texts(__file__)

TOGETHER = 500
"""Glances that are run together at most: their arguments are those of one process."""

SPLIT = sh("split.sh")


class SharedValue(NamedTuple):
    """Where a variable comes from: the number of the look, and what the shell expands to it."""

    number: int
    value: str


class SharedProbes:
    """The looks of a program's probes, those that are the same counted once. Raises ValueError where a value cannot
    be used."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self.scripts: list[Script] = []
        self._inner: list[dict[str, SharedValue]] = []
        self._places: dict[tuple[int, str], int] = {}
        for section in sections:
            if section.script.shared:
                self.of(section)

    def of(self, section: Section) -> dict[str, SharedValue]:
        """Variable → the look that it holds. A step changes what was seen, so it has none;
        nor has what runs as a user of its own, who may see something else."""
        return {} if section.step or section.become else self._all(section.script.shared)

    def _all(self, shared: Mapping[str, Script]) -> dict[str, SharedValue]:
        return {
            name: self._glance(script) if isinstance(script, BatchedProbe) else self._look(script)
            for name, script in shared.items()
        }

    def _look(self, script: Script) -> SharedValue:
        inner = self._all(script.shared)
        number = self._number((script.text, *assigned(script), *inner.items()), script, inner)
        return SharedValue(number, f"$_engine_l{number}")

    def _glance(self, script: BatchedProbe) -> SharedValue:
        (thing,) = script.args
        key = (script.text, *assigned(replace(script, args=())))
        full = 0
        while True:
            number = self._number((key, full), replace(script, args=()), {})
            things = self.scripts[number].args
            place = self._places.get((number, word(thing)))
            if place is None and len(things) < TOGETHER:
                place = self._places[number, word(thing)] = len(things) + 1
                self.scripts[number] = replace(self.scripts[number], args=(*things, thing))
            if place is not None:
                return SharedValue(number, f"${{_engine_l{number}_{place}-}}")
            full += 1

    def _number(self, key: tuple[object, ...], script: Script, inner: dict[str, SharedValue]) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.scripts)
            self.scripts.append(script)
            self._inner.append(inner)
        return self._numbers[key]

    def functions(self, texts: Mapping[str, int]) -> str:
        """A shell function `_engine_shared0` and so on for each: sets `_engine_l0` to what the script prints, unless
        that was done, and `_engine_r` to its status. `texts` numbers the scripts' texts."""
        split = [SPLIT] if any(isinstance(script, BatchedProbe) for script in self.scripts) else []
        return "\n".join([*split, *(self._function(n, texts) for n in range(len(self.scripts)))])

    def _function(self, n: int, texts: Mapping[str, int]) -> str:
        script, inner = self.scripts[n], self._inner[n]
        lines = [
            f"_engine_d{n}=",
            f"_engine_shared{n}() {{",
            *(f"_engine_shared{look.number}" for look in inner.values()),
            # One that fails is tried again by the next section that wants it.
            f'[ "$_engine_r" = 0 ] && [ -z "$_engine_d{n}" ] || return 0',
            # On lines of its own: in a condition errexit would be off within it.
            f"_engine_l{n}=$(",
            "exec </dev/null 2>&8 7>&- 9>&-",
            f"unset phase timeout retries staging {' '.join([*script.vars, *script.shared])}",
            *(f"{name}={look.value}" for name, look in inner.items()),
            *assigned(script),
            "set -eu",
            f'eval "$_engine_t{texts[script.text]}"',
            ")",
            "_engine_r=$?",
            f'[ "$_engine_r" != 0 ] || _engine_d{n}=1',
            *([f'_engine_split_batch {n} "$_engine_l{n}"'] if isinstance(script, BatchedProbe) else []),
            "}",
        ]
        return "\n".join(lines)
