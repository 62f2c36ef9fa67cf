"""What several probes look at is looked at once in a program, under every shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.model import BatchedProbe, Script
from engine.program.compose import compose
from engine.program.section import Section
from tests.shells.programs import every_shell, go, results

COUNTED = 'printf x >>"$counter"; printf "%s\\n%s %s\\n\\n" "$what" "${1-}" "${phase-no phase}"'
TELL = 'fact seen "${seen-not set}"'


def look(counter: Path, what: str = "it", *args: str, text: str = COUNTED, **shared: Script) -> Script:
    return Script(text, {"counter": str(counter), "what": what}, args, shared)


def probe(name: str, *, text: str = TELL, step: bool = False, **shared: Script) -> Section:
    return Section(name, Script(text, shared=shared), timeout=20, step=step, phase="apply" if step else "plan")


def told(sections: list[Section], shell: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: result.facts.get("seen", result) for name, result in results(go(compose(sections, shell=shell))).items()
    }


@every_shell
def test_the_same_look_is_run_once(shell: tuple[str, ...], tmp_path: Path) -> None:
    one, other = look(tmp_path / "one", "a $HOME 'x'", "b\nc"), look(tmp_path / "other")
    found = told([probe("p", seen=one), probe("q", seen=one), probe("r", seen=other), probe("s")], shell)
    assert found == {
        "p": "a $HOME 'x'\nb\nc no phase",
        "q": "a $HOME 'x'\nb\nc no phase",
        "r": "it\n no phase",
        "s": "not set",
    }
    assert (tmp_path / "one").read_text() == (tmp_path / "other").read_text() == "x"


@every_shell
def test_a_look_may_rest_on_another(shell: tuple[str, ...], tmp_path: Path) -> None:
    inner = look(tmp_path / "inner")
    text = 'printf x >>"$counter"; printf "from %s" "$below"'
    outer = look(tmp_path / "outer", text=text, below=inner)
    found = told([probe("p", seen=outer), probe("q", seen=inner)], shell)
    assert found == {"p": "from it\n no phase", "q": "it\n no phase"}
    assert (tmp_path / "inner").read_text() == "x"


@every_shell
def test_a_look_that_fails_fails_what_wants_it(shell: tuple[str, ...], tmp_path: Path) -> None:
    once = 'printf x >>"$counter"; false; echo not reached'
    failing = look(tmp_path / "n", text=once)
    broken = look(tmp_path / "n", text="echo said >&2; exit 7; (")
    found = told([probe("p", seen=failing), probe("q", seen=failing), probe("r", seen=broken), probe("s")], shell)
    assert [found[name].status for name in "pq"] == [1, 1]
    assert found["r"].status != 0
    assert found["s"] == "not set"
    assert (tmp_path / "n").read_text() == "xx"


@every_shell
def test_a_step_sees_nothing_of_it(shell: tuple[str, ...], tmp_path: Path) -> None:
    """What a step is about to change, or just has, is looked at by the step itself."""
    seen = look(tmp_path / "n")
    assert told([probe("p", step=True, seen=seen)], shell) == {"p": "not set"}
    assert not (tmp_path / "n").exists()


@every_shell
def test_a_look_that_takes_too_long_is_ended(shell: tuple[str, ...], tmp_path: Path) -> None:
    slow = look(tmp_path / "n", text='printf x >>"$counter"; sleep 60')
    sections = [
        Section("p", Script(TELL, shared={"seen": slow}), timeout=1),
        probe("q"),
    ]
    found = results(go(compose(sections, shell=shell)))
    assert found["p"].timed_out
    assert found["q"].facts == {"seen": "not set"}


GLANCED = """
printf x >>"$counter"
n=0
for thing in "$@"; do
  n=$((n + 1))
  case $thing in dull*) ;; *) printf '%s saw %s\\n' "$n" "$thing" ;; esac
done
echo 'odd; $(touch odd) 1'
"""


def glance(counter: Path, thing: str, **values: str) -> BatchedProbe:
    return BatchedProbe(GLANCED, {"counter": str(counter), **values}, (thing,))


@every_shell
def test_glances_are_run_together(shell: tuple[str, ...], tmp_path: Path) -> None:
    things = ["a", "b  $HOME*", "dull", "'c'", "a"]
    sections = [probe(str(n), seen=glance(tmp_path / "n", thing)) for n, thing in enumerate(things)]
    sections.append(probe("other", seen=glance(tmp_path / "other", "a", more="x")))
    sections.append(probe("step", step=True, seen=glance(tmp_path / "n", "step")))
    assert told(sections, shell) == {
        "0": "saw a", "1": "saw b  $HOME*", "2": "", "3": "saw 'c'", "4": "saw a", "other": "saw a", "step": "not set"
    }  # fmt: skip
    assert (tmp_path / "n").read_text() == (tmp_path / "other").read_text() == "x"
    assert not Path("odd").exists()


@every_shell
def test_too_many_glances_are_run_in_parts(shell: tuple[str, ...], tmp_path: Path) -> None:
    sections = [probe(str(n), seen=glance(tmp_path / "n", f"t{n}")) for n in range(501)]
    assert told(sections, shell) == {str(n): f"saw t{n}" for n in range(501)}
    assert (tmp_path / "n").read_text() == "xx"
