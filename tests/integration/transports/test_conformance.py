"""What every transport must do alike."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ConnectionLost
from engine.model import Host, Transport
from engine.transports import Options, connect, process
from tests.sshd import Sshd
from tests.transports import Ran, leaving_nothing, run

MB = 1 << 20
KINDS = ("local", "command", "wsl", "ssh", "openssh", "docker")
AWKWARD = (
    "", " ", "a b", "it's", 'say "hi"', "$HOME `id` $(id) ${x}", "a\nb\n", "\\ \\n \\\\", "*?[x]", "-n", "--",
    "é ü € 🎉", "\t", "#!;&|<>(){}~", "%s %d", "a\rb", "!history", "\x7f\x01",
)  # fmt: skip
UNTIL_IT_IS_THERE = 'tries=0; until [ -e "$1" ] || [ $((tries += 1)) -gt 300 ]; do sleep 0.1; done'
BOTH_WAYS = f"head -c {8 * MB} /dev/zero >&2 & head -c {8 * MB} /dev/zero; wait; cat | wc -c"


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest) -> Host:
    kind = request.param
    if kind in ("ssh", "openssh"):
        server: Sshd = request.getfixturevalue("shared_sshd")
        return server.host("h", ansible_connection=kind)
    variables = {"ansible_connection": kind}
    if kind == "docker":
        variables["ansible_host"] = request.getfixturevalue("container")
    if kind == "command":
        variables["ansible_command_argv"] = ["env", "PREFIXED=1"]
    if kind == "wsl":
        # As on Windows, where pipes are watched by threads.
        request.getfixturevalue("monkeypatch").setattr(process, "THREADED", True)
        variables["ansible_wsl_executable"] = str(request.getfixturevalue("wsl_executable"))
        variables["ansible_wsl_distribution"] = "Ubuntu"
    return Host("h", vars=variables)


@pytest.fixture
def transport(host: Host, options: Options) -> Iterator[Transport]:
    made = connect(host, options)
    yield made
    made.close()


@pytest.fixture
def marker(transport: Transport) -> Iterator[str]:
    """A path on the host where nothing is."""
    path = f"/tmp/engine-{uuid.uuid4().hex}"
    yield path
    run(transport, "rm", "-f", path)


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_streams_and_status(transport: Transport) -> None:
    assert run(transport, "sh", "-c", "echo out; echo err >&2; exit 7") == Ran(b"out\n", b"err\n", 7)


@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_exit_status(transport: Transport, status: int) -> None:
    assert run(transport, "sh", "-c", f"exit {status}") == Ran(b"", b"", status)


def test_a_signal_is_128_and_its_number(transport: Transport) -> None:
    assert run(transport, "sh", "-c", "kill -KILL $$").status == 128 + 9


def test_a_program_that_is_not_there(transport: Transport) -> None:
    ran = run(transport, "no-such-program-anywhere", "x")
    # 126 is what the Docker engine says, depending on its version.
    assert ran.status in (126, 127)
    assert b"no-such-program-anywhere" in ran.stderr + ran.stdout


def test_arguments_arrive_as_they_are(transport: Transport) -> None:
    ran = run(transport, "sh", "-c", 'for a; do printf "%s\\0" "$a"; done', "sh", *AWKWARD)
    assert ran.stdout.decode().split("\0")[:-1] == list(AWKWARD)


def test_every_byte_passes_both_ways(transport: Transport) -> None:
    data = bytes(range(256)) * 300 + b"\r\n\n\r\x1a\x04\xff\xfe"
    assert run(transport, "cat", stdin=[data]) == Ran(data, b"", 0)
    assert run(transport, "sh", "-c", "cat >&2", stdin=[data]) == Ran(b"", data, 0)


def test_input_in_odd_pieces(transport: Transport) -> None:
    pieces = [b"a", b"b" * 100_001, b"c"]
    assert run(transport, "cat", stdin=pieces).stdout == b"".join(pieces)


def test_input_ends(transport: Transport) -> None:
    assert run(transport, "cat") == Ran(b"", b"", 0)


def test_much_output_before_any_input_is_read(transport: Transport) -> None:
    ran = run(transport, "sh", "-c", BOTH_WAYS, stdin=(b"x" * 65536 for _ in range(16 * 8)))
    assert (len(ran.stdout.rstrip()), len(ran.stderr), ran.status) == (8 * MB + 7, 8 * MB, 0)
    assert ran.stdout.endswith(str(8 * MB).encode() + b"\n")


def test_much_input_comes_back(transport: Transport) -> None:
    block = bytes(range(256)) * 256
    ran = run(transport, "cat", stdin=(block for _ in range(16 * 10)))
    assert ran.stdout == block * (16 * 10)


def test_a_program_that_does_not_read_its_input(transport: Transport) -> None:
    ran = run(transport, "sh", "-c", "exec <&-; echo done; exit 3", stdin=(b"x" * MB for _ in range(20)))
    assert (ran.stdout, ran.status) == (b"done\n", 3)


def test_output_comes_while_the_program_runs(transport: Transport, marker: str) -> None:
    iterator = transport.run(["sh", "-c", f"echo first; {UNTIL_IT_IS_THERE}; echo second", "sh", marker], ())
    assert next(iterator).data == b"first\n"
    run(transport, "touch", marker)
    assert [piece.data or piece.status for piece in iterator] == [b"second\n", 0]


def test_closed_early_the_program_goes_on_and_the_transport_too(transport: Transport, marker: str) -> None:
    script = f'echo begun; cat >/dev/null; {UNTIL_IT_IS_THERE}; rm "$1"'
    iterator = transport.run(["sh", "-c", script, "sh", marker], [b"x"])
    assert next(iterator).data == b"begun\n"
    iterator.close()
    assert run(transport, "touch", marker).status == 0, "closing did not wait for the program"
    assert eventually(lambda: run(transport, "test", "-e", marker).status == 1)


def test_closed_early_while_input_is_left(transport: Transport) -> None:
    iterator = transport.run(["sh", "-c", "echo begun; sleep 1"], (b"x" * MB for _ in range(50)))
    assert next(iterator).data == b"begun\n"
    iterator.close()
    assert run(transport, "sh", "-c", "echo next").stdout == b"next\n"


def test_a_daemon_that_keeps_the_output_open(host: Host, transport: Transport, options: Options) -> None:
    if host.vars["ansible_connection"] == "openssh":
        # The client waits until the output is closed, and says nothing of the exit status before.
        with pytest.raises(ConnectionLost, match="no output from"):
            run(connect(host, replace(options, silence=1)), "sh", "-c", "sleep 30 & echo left")
        return
    began = time.monotonic()
    assert run(transport, "sh", "-c", "sleep 30 & echo left; exit 5") == Ran(b"left\n", b"", 5)
    assert time.monotonic() - began < 20


def test_silence_is_a_lost_connection(host: Host, options: Options) -> None:
    transport = connect(host, replace(options, silence=0.5))
    began = time.monotonic()
    with pytest.raises(ConnectionLost, match=r"^h: no output from .* for 0.5 s") as caught:
        run(transport, "sh", "-c", "sleep 30")
    assert 0.45 < time.monotonic() - began < 20
    assert caught.value.exit_code == 4
    transport.close()


def test_silence_while_input_is_stuck(host: Host, options: Options) -> None:
    transport = connect(host, replace(options, silence=0.5))
    with pytest.raises(ConnectionLost, match="no output from"):
        run(transport, "sleep", "6", stdin=(b"x" * MB for _ in range(50)))
    transport.close()


def test_chatter_and_a_slow_reader_are_not_silence(host: Host, options: Options) -> None:
    transport = connect(host, replace(options, silence=0.6))
    pieces = transport.run(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done"], ())
    seen = b""
    for piece in pieces:
        seen += piece.data
        if seen == b"1\n":
            time.sleep(0.8)
    assert seen == b"1\n2\n3\n"
    transport.close()


def answering(seen: list[bytes], answers: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Input that waits for each text to have been printed before it sends the answer to it."""
    for text, answer in answers:
        while text not in b"".join(seen):
            yield b""
        yield answer


def test_input_that_waits_for_output(transport: Transport) -> None:
    seen: list[bytes] = []
    script = (
        "echo one; IFS= read -r a; echo two >&2; IFS= read -r b; echo three; sleep 0.2; echo four; "
        'IFS= read -r c; echo "[$a|$b|$c]"; exec cat'
    )
    block = b"x" * 300_000
    answers = [(b"one\n", b"1\n"), (b"two\n", b"2\n"), (b"four\n", b"4\n"), (b"[1|2|4]\n", block)]
    status = None
    for piece in transport.run(["sh", "-c", script], answering(seen, answers)):
        seen.append(piece.data)
        status = piece.status
    assert status == 0
    assert b"".join(seen).endswith(b"[1|2|4]\n" + block)


def test_output_ends_while_input_waits(transport: Transport) -> None:
    def never() -> Iterator[bytes]:
        yield b"begin\n"
        while True:
            yield b""

    began = time.monotonic()
    assert run(transport, "sh", "-c", "read -r a; echo $a; exit 3", stdin=never()) == Ran(b"begin\n", b"", 3)
    # Closed output: the input ends too, or `cat` would wait for ever.
    assert run(transport, "sh", "-c", "exec >&- 2>&-; cat; exit 4", stdin=never()).status == 4
    assert time.monotonic() - began < 15


def test_waiting_input_is_neither_busy_nor_movement(host: Host, options: Options) -> None:
    asked = []

    def never() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b""

    transport = connect(host, replace(options, silence=1))
    with pytest.raises(ConnectionLost, match="no output from"):
        run(transport, "sh", "-c", "echo begun; sleep 6", stdin=never())
    assert len(asked) <= 3
    transport.close()


def test_closed_early_while_input_waits(host: Host, transport: Transport) -> None:
    def never() -> Iterator[bytes]:
        while True:
            yield b""

    run(transport, "true")
    with leaving_nothing():
        iterator = transport.run(["sh", "-c", "echo begun; exec cat"], never())
        assert next(iterator).data == b"begun\n"
        iterator.close()


def test_an_error_in_the_input_is_raised_here(transport: Transport) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("source is gone")

    with pytest.raises(RuntimeError, match="source is gone"):
        run(transport, "cat", stdin=broken())
    assert run(transport, "echo", "next").stdout == b"next\n"


def test_two_programs_at_once(transport: Transport) -> None:
    first = transport.run(["sh", "-c", "echo 1; cat"], [b"a"])
    second = transport.run(["sh", "-c", "echo 2; cat"], [b"b"])
    outputs: list[list[bytes]] = [[], []]
    for _ in range(2):
        outputs[0].append(next(first).data)
        outputs[1].append(next(second).data)
    outputs[0] += [piece.data for piece in first]
    outputs[1] += [piece.data for piece in second]
    assert [b"".join(each) for each in outputs] == [b"1\na", b"2\nb"]


def test_nothing_is_left_behind(host: Host, options: Options) -> None:
    def once() -> None:
        transport = connect(host, options)
        run(transport, "cat", stdin=[b"x" * 100])
        next(transport.run(["sh", "-c", "echo begun; exec sleep 0.5"], ()))
        abandoned = transport.run(["sh", "-c", "echo begun; exec sleep 0.5"], ())
        next(abandoned)
        abandoned.close()
        transport.close()
        transport.close()

    once()
    with leaving_nothing():
        for _ in range(3):
            once()


def test_nothing_of_the_engine_reaches_the_host(
    host: Host, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_KEY", "canary-5e1f")
    transport = connect(host, options)
    out = run(transport, "env").stdout
    transport.close()
    assert b"PATH=" in out
    assert b"canary-5e1f" not in out
    assert b"ENGINE_" not in out


def test_where_programs_run(host: Host, transport: Transport) -> None:
    here = run(transport, "pwd").stdout.strip() == str(Path.cwd()).encode()
    # A prefix is a program on this side, and decides itself where it leads.
    assert here == (host.vars["ansible_connection"] in ("command", "wsl"))
