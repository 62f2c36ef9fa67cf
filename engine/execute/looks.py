"""What several probes of one program look at, looked at once: shell functions that keep what a script printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.execute.quote import assigned
from engine.model import Script

if TYPE_CHECKING:
    from engine.execute.shell import Section


class Looks:
    """The looks of a program's probes, those that are the same counted once. Raises ValueError where a value cannot
    be used."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self.scripts: list[Script] = []
        self._inner: list[dict[str, int]] = []
        for section in sections:
            self.of(section)

    def of(self, section: Section) -> dict[str, int]:
        """Variable → number of the look that it holds. A step changes what was seen, so it has none;
        nor has what runs as a user of its own, who may see something else."""
        return {} if section.step or section.become else self._all(section.script.looks)

    def _all(self, looks: Mapping[str, Script]) -> dict[str, int]:
        return {name: self._number(script) for name, script in looks.items()}

    def _number(self, script: Script) -> int:
        inner = self._all(script.looks)
        key = (script.text, *assigned(script), *inner.items())
        if key not in self._numbers:
            self._numbers[key] = len(self.scripts)
            self.scripts.append(script)
            self._inner.append(inner)
        return self._numbers[key]

    def functions(self, texts: Mapping[str, int]) -> str:
        """A shell function `_engine_shared0` and so on for each: sets `_engine_l0` to what the script prints, unless
        that was done, and `_engine_r` to its status. `texts` numbers the scripts' texts."""
        return "\n".join(self._function(n, texts) for n in range(len(self.scripts)))

    def _function(self, n: int, texts: Mapping[str, int]) -> str:
        script, inner = self.scripts[n], self._inner[n]
        lines = [
            f"_engine_d{n}=",
            f"_engine_shared{n}() {{",
            *(f"_engine_shared{k}" for k in inner.values()),
            # One that fails is tried again by the next section that wants it.
            f'[ "$_engine_r" = 0 ] && [ -z "$_engine_d{n}" ] || return 0',
            # On lines of its own: in a condition errexit would be off within it.
            f"_engine_l{n}=$(",
            "exec </dev/null 2>&8 7>&- 9>&-",
            f"unset phase timeout staging {' '.join([*script.vars, *script.looks])}",
            *(f"{name}=$_engine_l{k}" for name, k in inner.items()),
            *assigned(script),
            "set -eu",
            f'eval "$_engine_t{texts[script.text]}"',
            ")",
            "_engine_r=$?",
            f'[ "$_engine_r" != 0 ] || _engine_d{n}=1',
            "}",
        ]
        return "\n".join(lines)
