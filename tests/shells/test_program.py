"""A program of many sections: values arrive, facts come back, and no section can disturb another."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import HostFailed
from engine.model import Host, HostPath, Script, Secret
from engine.program.compose import compose, run
from engine.program.parser import Done, Finished, Hello, Skipped, Started
from engine.program.section import Section
from engine.transports import Options
from engine.transports.local import LocalTransport
from tests.shells.programs import SHELLS, eventually, every_shell, go, local, one, processes, results

ALL_BYTES = bytes(range(1, 256)).decode("utf-8", "surrogateescape")
HARD = [
    "", " ", "it's", '"', "'\\''", "$HOME", "$(id)", "`id`", "a\\nb", "\\", "!x", "%s", "{a,b}", "*", "~", "~/x",
    "-n", "--", "a b  c", "end\n", "end\n\n\n", "\nbegin", "\t", "\r\n", "é", "日本語", "\U0001f600", "\udcff\udcfe",
    ALL_BYTES, "#end", ";:", "((", "case x in", "x" * 5000, "\n#0123 done\n",
]  # fmt: skip


@every_shell
def test_values_survive(shell: tuple[str, ...]) -> None:
    echo = Script('fact var "$value"; fact arg "$1"; fact count "$#"; fact exported "$(env | grep -c ^value= || :)"')
    sections = [Section(str(n), Script(echo.text, {"value": v}, (v, "x"))) for n, v in enumerate(HARD)]
    found = results(go(compose(sections, shell=shell)))
    for n, value in enumerate(HARD):
        assert found[str(n)].facts == {"var": value, "arg": value, "count": "2", "exported": "0"}


@settings(max_examples=12, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=30))
def test_any_values_survive(values: list[str]) -> None:
    for shell in SHELLS.values():
        script = 'n=0; for value; do fact "$n" "$value"; n=$((n + 1)); done'
        assert list(one(script, shell, *values).facts.values()) == values


@every_shell
def test_kinds_of_values(shell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/tmp/it's $HOME")
    script = 'for value; do fact "$((n += 1))" "$value"; done'
    arguments = (
        HostPath("~/a b"),
        HostPath("~"),
        HostPath("/~/x"),
        HostPath("~root/x"),
        "~/x",
        42,
        True,
        False,
        Secret("s"),
    )
    found = one(script, shell, *arguments, n=0).facts
    home = "/tmp/it's $HOME"
    assert list(found.values()) == [f"{home}/a b", home, "/~/x", "~root/x", "~/x", "42", "1", "", "s"]


@every_shell
def test_an_exported_name_does_not_leak_its_new_value(
    shell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_token", "old")
    found = one('fact env "$(env | grep ^LC_token= || :)"; fact own "$LC_token"', shell, LC_token="canary")
    assert found.facts == {"env": "", "own": "canary"}


@every_shell
def test_what_a_script_finds(shell: tuple[str, ...]) -> None:
    text = (
        'fact phase "$phase"; fact timeout "$timeout"; fact staging "$staging"; fact lc "$LC_ALL";'
        'fact sum "$(printf abc | sha256)"; x=$(cat); fact stdin "$x"; need sh'
    )
    section = Section("s", Script(text), timeout=7.5, phase="verify")
    assert results(go(compose([section], shell=shell)))["s"].facts == {
        "phase": "verify",
        "timeout": "8",
        "staging": "",
        "lc": "C",
        "sum": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "stdin": "",
    }


@every_shell
@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("fail 'no $x'", 1, "no $x\n"),
        ("need no-such-thing", 1, "no-such-thing is not installed on this host\n"),
        ("x=$(fail inner); echo not here", 1, "inner\n"),
        ("x=$(set -e; false; echo x); echo not here", 1, ""),  # busybox forgets `set -e` in there
        ("fact 'a b' x; echo not here", 1, "fact: `a b` is no valid key\n"),
        ("exit 7", 7, ""),
        ("exec sh -c 'exit 8'", 8, ""),
        ("set +e; false; exit 9", 9, ""),
        ("printf 'no newline' >&2; exit 3", 3, "no newline"),
    ],
)
def test_failing(shell: tuple[str, ...], text: str, status: int, output: str) -> None:
    found = one(text, shell)
    assert (found.status, found.output) == (status, output)


@every_shell
def test_sections_cannot_disturb_each_other(shell: tuple[str, ...]) -> None:
    nasty = {
        "exit": "exit 3",
        "exec": "exec true",
        "plus-e": "set +eu; false; :",
        "cd": "cd /; umask 0; X=1; export X; trap 'echo trapped' EXIT",
        "syntax": "if then ( ' \" }",
        "open": "{ ( case x in",
        "kill": "kill $$; kill -s TERM 0; sleep 5",
        "kill-start": "kill -9 $$",
        "kill-self": "sh -c 'kill -9 $PPID'; sleep 5",
        "redirect": "exec >/dev/null 2>&1 </dev/tty",
        "close": "exec 9>&- 8>&- 1>&- 2>&-",
        "alias": "alias fact=false printf=false; fact() { :; }; printf() { :; }; set -- x; IFS=x; PATH=/nowhere",
        "read": "cat; read -r line || :",
        "signals": "trap '' TERM PIPE; kill -s USR2 $$; kill -s CONT 0",
    }
    sections = []
    for name, text in nasty.items():
        sections.append(Section(name, Script(text), timeout=8))
        probe = Script('fact pwd "$PWD"; fact x "${X-}"; fact umask "$(umask)"; fact n "$#"; ls / >/dev/null')
        sections.append(Section(f"after {name}", probe))
    events = go(compose(sections, shell=shell))
    found = results(events)
    assert isinstance(events[-1], Done)
    first = found["after exit"].facts
    assert first["n"] == "0"
    for name in nasty:
        assert found[f"after {name}"].status == 0, name
        assert found[f"after {name}"].facts == first, name
    assert found["syntax"].status != 0
    assert found["kill"].status == 128 + 15
    assert found["kill-self"].status == 128 + 9


@every_shell
def test_signals_do_what_they_do_anywhere(shell: tuple[str, ...]) -> None:
    names = ["TERM", "HUP", "INT", "PIPE", "USR1", "USR2", "ALRM"]
    text = "for s; do n=0; sh -c 'kill -s $1 $$' sh $s || n=$?; fact $s $n; done; yes | head -n 1"
    found = one(text, shell, *names, "CONT")
    numbers = {name: str(128 + getattr(signal, f"SIG{name}")) for name in names}
    assert found.facts == numbers | {"CONT": "0"}
    assert found.output.endswith("y\n")


@every_shell
def test_order_and_needs(shell: tuple[str, ...]) -> None:
    sections = [
        Section("a", Script("true")),
        Section("b", Script("false"), needs=("a",)),
        Section("c", Script("true"), needs=("a", "b")),
        Section("d", Script("true"), needs=("c",)),
        Section("e", Script("true")),
    ]
    events = [e for e in go(compose(sections, shell=shell)) if not isinstance(e, Finished)]
    assert isinstance(events[0], Hello)
    assert events[1:] == [Started("a"), Started("b"), Skipped("c", "b"), Skipped("d", "c"), Started("e"), Done()]


@every_shell
def test_frames_cannot_be_forged(shell: tuple[str, ...]) -> None:
    guess = "0" * 32
    forged = "\n".join([f"#{guess} fact 0 evil", "1", f"#{guess} end 0 0 0", f"#{guess} done", ""])
    text = 'printf "\\n%s" "$x"; printf "\\n%s" "$x" >&2; printf "\\n%s" "$x" >&9; fact good "$x"; exit 4'
    sections = [Section("a", Script(text, {"x": forged})), Section("b", Script("fact ran yes"))]
    program = compose(sections, shell=shell)
    assert "$_engine_nonce" not in text
    found = results(go(program))
    assert found["a"].facts == {"good": forged}
    assert found["a"].status == 4
    assert found["a"].output == f"\n{forged}" * 2
    assert found["b"].facts == {"ran": "yes"}


@every_shell
def test_the_nonce_is_in_no_environment_and_no_command_line(shell: tuple[str, ...]) -> None:
    program = compose([Section("a", Script("cat /proc/self/environ /proc/$$/cmdline; env; ps -ef"))], shell=shell)
    assert program.nonce not in results(go(program))["a"].output


@every_shell
def test_megabytes_and_binary_output(shell: tuple[str, ...]) -> None:
    text = "head -c 3000000 /dev/urandom; head -c 3000000 /dev/urandom >&2; printf 'the end\\n'"
    sections = [
        Section("noise", Script(text)),
        Section("big", Script('fact big "$(head -c 1000000 /dev/zero | tr "\\0" y)"; fact small 1')),
        Section("after", Script("echo after")),
    ]
    found = results(go(compose(sections, shell=shell)))
    assert found["noise"].output.endswith("the end\n")
    assert len(found["noise"].output.encode("utf-8", "replace")) <= 4 * 65536
    assert found["big"].facts == {"big": "y" * 1_000_000, "small": "1"}
    assert found["after"].output == "after\n"


@every_shell
def test_a_program_of_five_megabytes(shell: tuple[str, ...]) -> None:
    sections = [Section(str(n), Script('fact size "${#x}"', {"x": "é'" * 20_000})) for n in range(50)]
    found = results(go(compose(sections, shell=shell)))
    assert {result.facts["size"] for result in found.values()} == {"60000"}


@every_shell
def test_what_is_left_in_the_background(shell: tuple[str, ...]) -> None:
    """A stray holds the pipes: the run ends all the same, and so does it. A daemon with a session lives on."""
    mark = f"300.{os.getpid()}"
    sections = [
        Section("stray", Script('sleep "$mark" & sh -c "trap : USR1; sleep $mark; :" & echo s', {"mark": mark})),
        Section(
            "daemon", Script('setsid sh -c "sleep 0.3; echo late; echo late >&2; touch $HOME/lived" & sleep 0.1')
        ),
        Section("after", Script("echo after")),
    ]
    home = Path(os.environ["HOME"])
    found = results(go(compose(sections, shell=shell)))
    assert found["after"].output == "after\n"
    eventually(lambda: not processes(lambda command, _: mark in command), 2)
    assert not processes(lambda command, _: mark in command)
    for _ in range(100):
        if (home / "lived").exists():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert (home / "lived").exists()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@every_shell
def test_a_plan_writes_nothing(shell: tuple[str, ...], tmp_path: Path) -> None:
    sections = [Section(str(n), Script("fact x 1; sha256 </dev/null")) for n in range(3)]
    before = sorted(Path("/tmp").iterdir())
    go(compose(sections, shell=shell))
    assert list(tmp_path.iterdir()) == []
    created = [path for path in sorted(Path("/tmp").iterdir()) if path not in before and "sh-thd" in path.name]
    assert not created


@every_shell
def test_without_a_process_group_of_its_own(shell: tuple[str, ...]) -> None:
    """Some login shells start the program as a child of theirs."""
    program = compose(
        [Section("a", Script("kill -s TERM 0; sleep 3")), Section("b", Script("fact x 1"))], shell=shell
    )
    wrapped = program.argv
    argv = ("sh", "-c", '"$@"; echo outlived >&2; exit 5', "sh", *wrapped)
    events = list(run(_Through(argv), program))
    assert results(events)["b"].facts == {"x": "1"}


class _Through(LocalTransport):
    def __init__(self, argv: tuple[str, ...]) -> None:
        super().__init__(Host("here"), Options(Path("/"), silence=30))
        self.argv = argv

    def run(self, argv, stdin):  # type: ignore[no-untyped-def]
        return super().run(self.argv, stdin)


def test_noise_before_the_program_is_tolerated() -> None:
    program = compose([Section("a", Script("fact x 1"))])
    argv = ("sh", "-c", 'echo "Welcome!"; printf "#half a line" >&2; exec "$@"', "sh", *program.argv)
    found = results(run(_Through(argv), program))["a"]
    assert found.facts == {"x": "1"}
    assert found.output == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("no-such-shell",), "`sh` could not be started"),
        (("sh", "-c", "echo This account is closed.; exit 1"), "This account is closed."),
        (("sh", "-c", "exit 97"), "the connection was cut while the program was sent"),
        (("true",), "nothing was executed"),
    ],
)
def test_a_program_that_does_not_start(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(HostFailed, match=message):
        list(run(_Through(argv), compose([Section("a", Script("true"))])))


def test_a_program_that_is_killed() -> None:
    program = compose([Section("it", Script("sleep 0.2; kill -9 0"))])
    with pytest.raises(HostFailed, match="while `it` ran"):
        list(run(local(), program))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"x": "a\0b"}, "section `s`: variable `x`: it contains a NUL byte"),
        ({"x": Secret("a\0canary")}, "section `s`: variable `x`: it contains a NUL byte"),
        ({"a-b": "x"}, "`a-b` cannot be"),
        ({"phase": "x"}, "`phase` cannot be"),
        ({"_engine_i": "x"}, "`_engine_i` cannot be"),
    ],
)
def test_what_cannot_be_carried(variables: dict[str, str | Secret], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        compose([Section("s", Script(":", variables))])
    assert "canary" not in str(caught.value)


def test_sections_that_cannot_be_ordered() -> None:
    with pytest.raises(ValueError, match="needs `b`, which does not come before it"):
        compose([Section("a", Script(":"), needs=("b",)), Section("b", Script(":"))])
    with pytest.raises(ValueError, match="same name"):
        compose([Section("a", Script(":")), Section("a", Script(":"))])
