"""Sections that run as users of their own, under every shell: the outer program's, and the one that sudo starts."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConnectionLost
from engine.model import Become, Output, Script, ScriptText, Secret
from engine.program.compose import compose, run
from engine.program.lock import stop_program
from engine.program.parser import Event, Hello, Parser, Result, Skipped, Started, Stopped
from engine.program.section import Lock, Section
from engine.transports import Options, connect
from tests.become import CAROL, DAVE, PASSWORD, Machine, machine, needs_become
from tests.shells.programs import every_shell, processes, results

pytestmark = needs_become

TELL = 'fact who "$(id -un)"; fact value "$value $1"; fact home "$home"; echo out; echo err >&2'
AWKWARD = "it's `x` $HOME $(id) \\ \"q\"\n'end"


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machine() as made:
        yield made


def rules(host: Machine, shell: tuple[str, ...], more: str = "", tag: str = "NOPASSWD: ") -> None:
    """Let Carol become anyone; `sh` is this shell for those that sudo starts."""
    place = host.directory / "-".join(shell)
    place.mkdir(exist_ok=True)
    words = " ".join([str(shutil.which(shell[0])), *shell[1:]])
    (place / "sh").write_text(f'#!/bin/dash\nexec {words} "$@"\n')
    (place / "sh").chmod(0o755)
    path = f"{place}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    host.rules(f'Defaults secure_path="{path}"\n{more}\n{CAROL} ALL=(ALL) {tag}ALL')


def events(host: Machine, sections: list[Section], shell: tuple[str, ...], **more: Any) -> list[Event]:
    transport = connect(host.host("h"), Options(Path("/"), silence=30))
    try:
        return list(run(transport, compose(sections, shell=shell, **more)))
    finally:
        transport.close()


def section(name: str, text: str, become: str | None = DAVE, **more: Any) -> Section:
    return Section(name, Script(text), become=become, **more)


@every_shell
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_who_runs_what(host: Machine, shell: tuple[str, ...], password: str | None) -> None:
    rules(host, shell, tag="" if password else "NOPASSWD: ")
    script = Script(TELL, {"value": AWKWARD, "home": Secret("x")}, ("a b",))
    big = Script('fact big "$big"', {"big": "x'y\n" * 50_000})
    sections = [
        Section("one", script, become=DAVE),
        Section("two", script),
        Section("three", script, become="root"),
        Section("four", script, become=CAROL, needs=("one",)),
        Section("big", big, become=DAVE),
        section("status", "exit 3"),
        section("behind", "fact no 1", needs=("status",)),
    ]
    found = events(host, sections, shell, become=Become(password=Secret(password) if password else None))
    ended = results(found)
    for name, who in (("one", DAVE), ("two", CAROL), ("three", "root"), ("four", CAROL)):
        assert ended[name].facts == {"who": who, "value": f"{AWKWARD} a b", "home": "x"}, name
        assert (ended[name].status, ended[name].output) == (0, "out\nerr\n")
    assert ended["big"].facts == {"big": "x'y\n" * 50_000}
    assert ended["status"].status == 3
    assert [event.section for event in found if isinstance(event, Skipped)] == ["behind"]


@every_shell
def test_whatever_a_section_does_the_next_one_runs(host: Machine, shell: tuple[str, ...]) -> None:
    rules(host, shell)
    mark = f"29{time.time_ns() % 10**7}"
    sections = [
        section("syntax", "if ( ;"),
        section("exit", "exit 7", step=True),
        section("exec", "exec false"),
        section("place", "cd /proc; umask 0; set +e; exec >/dev/null 2>&1 </dev/zero; trap '' TERM"),
        section("killed", "kill -9 $PPID; kill -9 $$; sleep 1", step=True),
        section("group", "kill -TERM 0; sleep 5"),
        section("late", f"trap '' TERM; sleep {mark}", timeout=1, step=True),
        section("left", f"sleep {mark} & sh -c 'trap \"\" TERM; sleep {mark}' & exit 0", step=True),
        section("stdin", "cat; fact read nothing"),
        section("after", "fact ok 1"),
        section("own", "fact ok 1", become=None),
    ]
    ended = results(events(host, sections, shell))
    assert [ended[s.name].status == 0 for s in sections] == [False] * 3 + [True] + [False] * 3 + [True] * 4
    assert ended["late"].timed_out
    assert not any(ended[s.name].timed_out for s in sections if s.name != "late")
    assert ended["after"].facts == ended["own"].facts == {"ok": "1"}
    assert processes(lambda command, session: mark in command) == []


@every_shell
def test_a_script_as_somebody_else(host: Machine, shell: tuple[str, ...]) -> None:
    rules(host, shell)
    whole = ScriptText(Script('printf "%s %s\\n" "$(id -un)" "$value" >&9; echo noise', {"value": AWKWARD}))
    text = f'x=$(as_user {DAVE} "$whole"); fact his "$x"; y=$(as_user \'\' "$whole"); fact own "$y"'
    fails = ScriptText(Script("false; echo no >&9"))
    sections = [
        Section("outer", Script(text, {"whole": whole})),
        Section("inner", Script(text, {"whole": whole}), become="root"),
        Section("fails", Script(f'x=$(as_user {DAVE} "$whole"); fact no "$x"', {"whole": fails})),
    ]
    ended = results(events(host, sections, shell))
    for name in ("outer", "inner"):
        assert ended[name].facts == {"his": f"{DAVE} {AWKWARD}", "own": f"{CAROL} {AWKWARD}"}, ended[name]
        assert ended[name].output == "noise\nnoise\n"
    assert (ended["fails"].status, ended["fails"].facts) == (1, {})


def test_a_user_who_is_become_inherits_nothing(host: Machine) -> None:
    rules(host, ("dash",))
    place = host.directory.parent / "inherited"
    place.mkdir()
    place.chmod(0o1777)
    note = f'for fd in /proc/$$/fd/*; do readlink "$fd" >>{place}/${{fd##*/}}; done'
    started = host.directory / "dash/sh"
    started.write_text(started.read_text().replace("exec", f"{note}\nexec"))
    whole = ScriptText(Script("echo $((6 * 7)) >&9"))
    text = f'x=$(as_user {DAVE} "$whole"); fact his "$x"'
    sections = [section("one", "fact ok 1"), Section("two", Script(text, {"whole": whole}))]
    ended = results(events(host, sections, ("dash",)))
    assert (ended["one"].facts, ended["two"].facts) == ({"ok": "1"}, {"his": "42"})
    found = {path.name: set(path.read_text().split()) for path in place.iterdir()}
    assert {"0", "1", "2"} <= set(found)
    # Beyond these a shell has only what it reads its own script from.
    assert all(names <= {str(started), "pipe:[]"} for fd, names in found.items() if int(fd) > 2), found


@pytest.mark.parametrize("defaults", ["use_pty", "!use_pty"])
@pytest.mark.parametrize("everything", [True, False], ids=["host", "resource"])
def test_a_cut_connection_ends_it_after_the_running_step(host: Machine, defaults: str, everything: bool) -> None:
    rules(host, ("dash",), f"Defaults {defaults}")
    place = host.directory.parent / f"cut-{defaults.strip('!')}-{len(defaults)}-{everything}"
    place.mkdir()
    place.chmod(0o1777)
    user = None if everything else "root"
    sections = [
        section("one", f"sleep 3; : >{place}/one", user, step=True),
        section("two", f": >{place}/two", user, step=True),
    ]
    transport = connect(host.host("h", ansible_become=everything), Options(Path("/"), silence=20))

    def cut() -> None:
        for event in run(transport, compose(sections, lock=Lock("a test", 1))):
            if isinstance(event, Started):
                host.cut()

    with pytest.raises(ConnectionLost):
        cut()
    transport.close()
    deadline = time.monotonic() + 30
    while not (place / "one").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    assert [path.name for path in place.iterdir()] == ["one"]


@pytest.mark.parametrize("everything", [True, False], ids=["host", "resource"])
def test_a_stop_lets_the_running_step_finish(host: Machine, everything: bool) -> None:
    rules(host, ("dash",), "Defaults use_pty")
    user = None if everything else "root"
    sections = [section("one", "sleep 2; fact ok 1", user, step=True), section("two", "fact no 1", user, step=True)]
    transport = connect(host.host("h", ansible_become=everything), Options(Path("/"), silence=20))
    found: list[Event] = []
    hello = Hello(0, "")
    for event in run(transport, compose(sections, lock=Lock("a test", 1))):
        found.append(event)
        if isinstance(event, Hello):
            hello = event
        if isinstance(event, Started):
            (answer,) = results(run(transport, stop_program(hello.pid, hello.born))).values()
            assert answer.facts == {"sent": "yes"}
    transport.close()
    assert {name: result.facts for name, result in results(found).items()} == {"one": {"ok": "1"}}
    assert any(isinstance(event, Stopped) for event in found)


INNER, OUTER = "1" * 32, "0" * 32


def parsed(data: str) -> dict[str, Result]:
    parser = Parser(OUTER, ("root's", "dave's"), inner={INNER: frozenset({1})})
    found = list(parser.feed(Output("stdout", data.replace("#O", f"#{OUTER}").replace("#I", f"#{INNER}").encode())))
    return results([*found, *parser.end()])


def test_what_another_users_nonce_can_do() -> None:
    """It tells facts of that user's sections while they run, and nothing else."""
    fact = "\n#I fact 1 k\nmine\n#I .\n"
    ended = parsed(
        "\n#O hello 1 1\n\n#O start 0\n\n#I fact 0 k\nforged\n#I .\n" + fact + "\n#I end 0 0 0\n\n#I late 0\n"
        "\n#O fact 0 v\na\n#I fact 0 v\nb\n#I .\n\n#O .\n\n#O end 0 1 0\n"
        "\n#O start 1\n"
        + fact
        + "\n#I fact 0 k\nno\n#I .\n\n#I late 1\n\n#I done\n\n#O end 1 0 0\n"
        + fact
        + "\n#O done\n"
    )
    assert ended["root's"].facts == {"v": f"a\n#{INNER} fact 0 v\nb\n#{INNER} .\n"}
    assert (ended["root's"].status, ended["root's"].timed_out) == (1, False)
    assert ended["dave's"].facts == {"k": "mine"}
    assert ended["dave's"].timed_out
