"""A user of a host must gain nothing from an engine that runs as root there, whatever he does beside it.

Each form (forms.yaml) meets each trap (attack.py); what he gained is counted, and the summary has the counts. Without
--full each form meets some of the traps, and few rounds of a race.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from engine.declare.registry import OWN, Kinds
from engine.kinds.file_sync import FileSync
from tests.attacker.arena import BLOCKING, MALLORY, ONLY, TRAPS, Arena, Form, Mallory, arena, forms
from tests.attacker.attack import RACES, STATIC

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to be another user beside it, and setpriv"
)

SAMPLE, FULL = 1, 100
"""Rounds of a race, without and with --full; the second for all races of a form together."""
SHARE = 6
"""Without --full a form meets one of so many traps, and a trap one of so many forms."""


class Gained(AssertionError):
    """The attacker gained something."""


def meeting(traps: Iterable[str], full: bool) -> Iterator[tuple[Form, list[str]]]:
    """Each form with those of the traps that mean something for it; with a share of them where not all are wanted,
    and the next form with others. A trap that few forms meet is never left out."""
    for number, form in enumerate(forms().values()):
        met = [trap for trap in traps if form.meets(trap)]
        share = {met[n] for n in range(number % SHARE, len(met), SHARE)} or set(met[:1])
        yield form, [trap for trap in met if full or trap in share or trap in ONLY]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Traps without a race one by one, and all races of a form together."""
    full = metafunc.config.getoption("--full")
    if "trap" in metafunc.fixturenames and "form" in metafunc.fixturenames:
        standing = [(form, trap) for form, traps in meeting(STATIC, full) for trap in traps]
        metafunc.parametrize(("form", "trap"), standing, ids=[f"{form.name}-{trap}" for form, trap in standing])
    elif "races" in metafunc.fixturenames:
        races = [(form, traps) for form, traps in meeting(RACES, full) if traps]
        metafunc.parametrize(("form", "races"), races, ids=[form.name for form, _ in races])


@pytest.fixture(scope="module")
def mallory() -> Iterator[Mallory]:
    made = Mallory()
    yield made
    made.close()


def attack(form: Form, trap: str, mallory: Mallory, rounds: int, record: Callable[[str, object], None]) -> str:
    """Play rounds and record their numbers; what was gained in words, or nothing."""
    with arena(form, trap) as made:
        count = made.attack(mallory, rounds)
    record("attack", [form.name, trap, *count.numbers])
    gained = count.effects or count.reads or count.blocked
    return f"{trap}: {count.numbers} {'; '.join(count.words)[:1000]}" if gained else ""


def test_a_trap_gains_nothing(
    form: Form, trap: str, mallory: Mallory, record_property: Callable[[str, object], None]
) -> None:
    if gained := attack(form, trap, mallory, 1, record_property):
        raise Gained(gained)


def test_a_race_gains_nothing(
    form: Form, races: list[str], mallory: Mallory, full: bool, record_property: Callable[[str, object], None]
) -> None:
    rounds = -(-FULL // len(races)) if full else SAMPLE
    gained = [attack(form, trap, mallory, rounds, record_property) for trap in races]
    if any(gained):
        raise Gained("\n".join(filter(None, gained)))


def test_the_sample_leaves_nothing_out() -> None:
    """Each form and each trap is in it, whatever else is not."""
    sample = [(form, trap) for traps in (STATIC, RACES) for form, met in meeting(traps, full=False) for trap in met]
    assert {form.name for form, _ in sample} == set(forms())
    assert {trap for _, trap in sample} == {trap for form in forms().values() for trap in TRAPS if form.meets(trap)}


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
rm -rf app/new app/fresh app/.engine-*
"""


class Careless(Arena):
    """Instead of the engine a script of root's that does everything wrong."""

    def run(self, verb: str) -> tuple[int, str]:
        script = CARELESS.replace("UID", str(MALLORY))
        subprocess.run(["sh", "-c", script], cwd=self.home, capture_output=True, check=False)
        return 0, ""


HARMLESS = {"nothing", "fifo", "directory", *BLOCKING, "forged frames", "sibling as .git", "own .git"}
"""Traps that gain nothing from a careless script: those in the way, and those that are about frames or git."""


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap not in HARMLESS])
def test_the_attacker_has_teeth(trap: str, mallory: Mallory) -> None:
    """Of an attack that cannot succeed nobody would notice."""
    path = "app/tree" if trap in ("links within", "swap to directory") else "app/file"
    lay: dict[str, Any] = dict.fromkeys(("app/file", "app/tree/a", "app/tree/sub/b"), "old\n")
    lay |= {"app/data/": {"owner": 0}, "app/data/keep": {"text": "root's\n", "owner": 0}}
    with arena(Form("careless", {}, path=path, lay=lay), trap, Careless) as made:
        counts = (made.attack(mallory, 1) for _ in range(1 if trap in STATIC else 50))
        assert any(count.effects or count.reads for count in counts)


UNMET = {
    "compose-restart": "who can write a Compose file is trusted like the state's author (SECURITY.md)",
    "package": "it names no path: the host's own manager writes where root alone can",
    "systemd-unit": "it needs a systemd; its unit files go through the door of the kit, as the other kinds' files do",
    "cron": "it names no path: the crontab command writes where root alone can",
    "docker-image": "it names no path: the Docker engine stores images",
    "docker-login": "it names no path: docker writes in the home directory of the user who acts",
    "docker-network": "it names no path: the Docker engine makes networks",
    "docker-volume": "it names no path: the Docker engine makes volumes",
    "group": "it names no path: groupadd and its like write where root alone can",
    "user": "it makes users; its keys go through the door of the kit, against a user's link (test_accounts.py)",
}
"""Kinds that the attacker does not meet, and why."""


def paths(schema: Mapping[str, Any]) -> bool:
    """Whether a parameter is a path on the host, or holds one."""
    return any(one.get("host_path") for one in (schema, *schema.get("properties", {}).values()))


def test_every_kind_meets_the_attacker() -> None:
    """What changes a host, or looks at a path there: a kind that is new must have its forms."""
    kinds = {name: Kinds()[name] for name in OWN}
    wanted = {name for name, kind in kinds.items() if not kind.check or any(map(paths, kind.params.values()))}
    met = {next(iter(form.resource)) for form in forms().values()}
    assert wanted - met == set(UNMET), "add forms of these kinds to forms.yaml"


def test_every_form_of_file_sync_meets_the_attacker() -> None:
    """Each way to say what a file holds, and each parameter that has more written or removed."""
    given = [form.resource["file-sync"] for form in forms().values() if "file-sync" in form.resource]
    said = {name for params in given for name in params} | {str(params.get("state")) for params in given}
    assert {*FileSync.params} - {"path", "group", "state"} <= said
    assert {"absent", "directory"} <= said


@pytest.mark.parametrize("name", [name for name, form in forms().items() if form.alone])
def test_alone_it_does_its_work(name: str) -> None:
    """What fails at once would gain nobody anything."""
    with arena(forms()[name], "nothing") as made:
        made.lay()
        for verb in made.form.verbs:
            code, said = made.run(verb)
            assert code == 0, said
