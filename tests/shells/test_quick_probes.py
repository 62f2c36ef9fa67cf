"""Probes that a glance has answered run together: what each reports is as if it had run by itself, in every shell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engine.kinds.file_sync import FileSync
from engine.model import BatchedProbe, HostPath, Script
from engine.program.compose import QUICK, compose
from engine.program.parser import Result
from engine.program.section import Section
from tests.shells.programs import every_shell, go, results

KNOWN = 'for name do n=$((${n-0} + 1)); [ "$name" = unknown ] || printf "%s %s\\n" "$n" "$name"; done'


def quick(text: str, names: Iterable[str], **variables: Any) -> list[Section]:
    """Probes of one text, each of which knows its name by a glance; `unknown` is not glanced at."""
    glances = [BatchedProbe(KNOWN, args=(name,)) for name in names]
    # Only what may begin anew as another user runs in this way.
    whole = f"if [ -z x ]; then look_at_path; fi\n{text}"
    scripts = [Script(whole, {"nothing": "", **variables}, shared={"seen": glance}, quick=True) for glance in glances]
    return [Section(f"p{n}", script, timeout=20) for n, script in enumerate(scripts)]


def ran(sections: list[Section], shell: tuple[str, ...]) -> list[Result]:
    found = results(go(compose(sections, shell=shell)))
    assert list(found) == [section.name for section in sections]
    return list(found.values())


@every_shell
def test_they_share_a_subshell(shell: tuple[str, ...], tmp_path: Path) -> None:
    names = [f"n{n}" for n in range(2 * QUICK + 1)]
    # A subshell that is shared writes once more into a variable of its own.
    found = ran(quick('count=x${count-}; fact count "$count"; fact seen "$seen"', names), shell)
    assert [result.facts["seen"] for result in found] == names
    assert {result.status for result in found} == {0}
    counts = [len(result.facts["count"]) for result in found]
    assert counts == [*range(1, QUICK + 1), *range(1, QUICK + 1), 1]


@every_shell
def test_what_no_glance_knows_runs_by_itself(shell: tuple[str, ...]) -> None:
    found = ran(quick('fact seen "${seen:-looked}"', ["a", "unknown", "b"]), shell)
    assert [result.facts["seen"] for result in found] == ["a", "looked", "b"]


@every_shell
def test_one_that_fails_or_ends_early_is_the_only_one(shell: tuple[str, ...]) -> None:
    text = 'case $seen in bad) echo why; exit 7 ;; early) fact early 1; exit 0 ;; esac; fact seen "$seen"'
    found = ran(quick(text, ["a", "bad", "b", "early", "c"]), shell)
    assert [result.status for result in found] == [0, 7, 0, 0, 0]
    assert found[1].output.strip() == "why"
    assert [result.facts for result in found][2:] == [{"seen": "b"}, {"early": "1"}, {"seen": "c"}]


@every_shell
def test_a_command_that_fails_fails_it(shell: tuple[str, ...]) -> None:
    text = 'if [ "$seen" = bad ]; then x=$(exit 3); fi; fact seen "$seen"'
    found = ran(quick(text, ["a", "bad", "b"]), shell)
    assert [(result.status, result.facts) for result in found] == [(0, {"seen": "a"}), (3, {}), (0, {"seen": "b"})]


@every_shell
@pytest.mark.parametrize("bad", ["sh -c 'kill -9 \"$PPID\"'", "sleep 60"])
def test_one_that_is_killed_or_takes_too_long_is_the_only_one(shell: tuple[str, ...], bad: str) -> None:
    text = f'case $seen in bad) {bad} ;; esac; fact seen "$seen"'
    made = quick(text, ["a", "bad", "b"])
    found = ran([Section(section.name, section.script, timeout=1) for section in made], shell)
    assert [result.facts.get("seen") for result in found] == ["a", None, "b"]
    assert found[1].status != 0
    assert found[1].timed_out == bad.startswith("sleep")


@every_shell
def test_much_that_is_reported_comes_whole(shell: tuple[str, ...]) -> None:
    found = ran(quick('fact seen "$seen"; fact much "$much"', ["a", "b", "c"], much="x" * 3000), shell)
    assert [(result.facts["seen"], len(result.facts["much"])) for result in found] == [
        ("a", 3000), ("b", 3000), ("c", 3000),
    ]  # fmt: skip


@every_shell
def test_files_beside_each_other(shell: tuple[str, ...], tmp_path: Path) -> None:
    """What is there, what is not, a link, a stranger's owner: each is told for itself."""
    (tmp_path / "there").write_text("x")
    (tmp_path / "link").symlink_to("there")
    paths = [HostPath(tmp_path / name) for name in ("there", "absent", "link", "also absent")]
    resources = [FileSync(path=path, content="x") for path in paths]
    sections = [Section(f"p{n}", resource.probe(), timeout=20) for n, resource in enumerate(resources)]
    alone = [ran([section], shell)[0].facts for section in sections]
    assert [facts["type"] for facts in alone] == ["file", "absent", "link", "absent"]
    assert [result.facts for result in ran(sections, shell)] == alone
