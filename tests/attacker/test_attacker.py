"""A user of a host must gain nothing from an engine that runs as root there, whatever he does beside it.

Each form (forms.yaml) meets each trap (attack.py) for some rounds; what he gained is counted, and the summary has the
counts. What version 0.1 lost is in known.yaml, as the summary prints it: FORM: {TRAP: [rounds, effects, reads,
blocked]}. Those are expected to fail: a trap without a race must then fail, so that what is mended is taken out; of a
form that loses any race, each race may be lost or not. Everything else must hold.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from tests.attacker.arena import BLOCKING, HERE, MALLORY, TRAPS, Arena, Form, Mallory, arena, forms
from tests.attacker.attack import RACES, STATIC

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to be another user beside it, and setpriv"
)

SAMPLE, FULL = 1, 100
"""Rounds of a race, without and with --full; the second for all races of a form together."""


class Gained(AssertionError):
    """The attacker gained something."""


@cache
def known() -> dict[str, dict[str, list[int]]]:
    """What is expected to fail."""
    return dict(yaml.safe_load((HERE / "known.yaml").read_text()) or {})


def cells() -> Iterator[Any]:
    """Every form with every trap that means something for it, marked with what is known."""
    for name, form in forms().items():
        lost = known().get(name, {})
        races = {trap: numbers for trap, numbers in lost.items() if trap in RACES}
        for trap in TRAPS:
            if not form.meets(trap):
                continue
            marks = []
            if trap in lost or (trap in RACES and races):
                said = ", ".join(f"{trap} {numbers}" for trap, numbers in (races if trap in RACES else lost).items())
                reason = f"rounds, effects, reads, blocked of version 0.1: {said}"
                marks.append(pytest.mark.xfail(raises=Gained, strict=trap in STATIC, reason=reason))
            yield pytest.param(form, trap, marks=marks, id=f"{name}-{trap}")


@pytest.fixture(scope="module")
def mallory() -> Iterator[Mallory]:
    made = Mallory()
    yield made
    made.close()


@pytest.mark.parametrize(("form", "trap"), [*cells()])
def test_the_attacker_gains_nothing(
    form: Form, trap: str, mallory: Mallory, full: bool, record_property: Callable[[str, object], None]
) -> None:
    races = sum(form.meets(race) for race in RACES)
    rounds = 1 if trap in STATIC else -(-FULL // races) if full else SAMPLE
    with arena(form, trap) as made:
        count = made.attack(mallory, rounds)
    record_property("attack", [form.name, trap, *count.numbers])
    if count.effects or count.reads or count.blocked:
        raise Gained(f"{count.numbers} (rounds, effects, reads, blocked): {'; '.join(count.words)[:2000]}")


CARELESS = """\
umask 077
: >app/new
mkdir app/fresh
: >app/gone
rm app/gone
sleep 0.02
cat ../project/private >>app/new
chown UID app/new
for name in fresh/content gone file tree/a tree/sub/b file/more tree/more file.bak; do echo x >>app/$name; done
mv app/file.bak.2 app/file.bak.3
rm -rf app/new app/fresh
"""


class Careless(Arena):
    """Instead of the engine a script of root's that does everything wrong."""

    def run(self, verb: str) -> tuple[int, str]:
        script = CARELESS.replace("UID", str(MALLORY))
        subprocess.run(["sh", "-c", script], cwd=self.home, capture_output=True, check=False)
        return 0, ""


HARMLESS = {"nothing", "fifo", "directory", *BLOCKING, "forged frames"}
"""Traps that gain nothing from a careless script: those that get in the way, and those that are about frames."""


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap not in HARMLESS])
def test_the_attacker_has_teeth(trap: str, mallory: Mallory) -> None:
    """Of an attack that cannot succeed nobody would notice."""
    path = "app/tree" if trap in ("links within", "swap to directory") else "app/file"
    lay = dict.fromkeys(("app/file", "app/tree/a", "app/tree/sub/b"), "old\n")
    with arena(Form("careless", {}, path=path, lay=lay), trap, Careless) as made:
        counts = (made.attack(mallory, 1) for _ in range(1 if trap in STATIC else 50))
        assert any(count.effects or count.reads for count in counts)


@pytest.mark.parametrize("name", [name for name, form in forms().items() if form.alone])
def test_alone_it_does_its_work(name: str) -> None:
    """What fails at once would gain nobody anything."""
    with arena(forms()[name], "nothing") as made:
        made.lay()
        for verb in made.form.verbs:
            code, said = made.run(verb)
            assert code == 0, said
