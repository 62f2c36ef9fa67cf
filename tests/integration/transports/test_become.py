"""Another user than the one that connects, by real sudo and doas, over SSH and through a program on this side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BecomeRefused, InvalidInput
from engine.model import Host, Secret, Transport
from engine.transports import Options, connect
from tests.become import ASKING, CAROL, DAVE, FREE, PASSWORD, Machine, machine, needs_become
from tests.transports import Ran, run

pytestmark = needs_become

MB = 1 << 20


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    doas = f"permit nopass {CAROL} as {DAVE}\npermit {CAROL} as root"
    with machine(sudoers=FREE, doas=doas) as made:
        yield made


@pytest.fixture(params=["ssh", "openssh", "command"])
def variables(request: pytest.FixtureRequest, host: Machine) -> dict[str, Any]:
    """Of a host on which Carol arrives."""
    if request.param == "command":
        return host.here()
    return {**host.variables(), "ansible_connection": request.param}


@pytest.fixture
def over_ssh(host: Machine) -> dict[str, Any]:
    return host.variables()


def become(variables: dict[str, Any], options: Options, **words: Any) -> Transport:
    own = {f"ansible_become_{name}": value for name, value in words.items()}
    return connect(Host("h", vars={**variables, "ansible_become": True, **own}), options)


def who(transport: Transport) -> str:
    try:
        return run(transport, "id", "-un").stdout.decode().strip()
    finally:
        transport.close()


def refusal(transport: Transport) -> str:
    with pytest.raises(BecomeRefused) as caught:
        run(transport, "sh", "-c", "echo ran >&2", stdin=[b"the program\n"])
    transport.close()
    text = str(caught.value)
    assert "so nothing was run" in text
    assert "ran\n" not in text
    assert caught.value.exit_code == 1
    return text


def test_without_a_password(host: Machine, variables: dict[str, Any], options: Options) -> None:
    host.rules(FREE)
    assert who(become(variables, options)) == "root"
    assert who(become(variables, options, user=DAVE)) == DAVE
    assert who(become(variables, options, user=DAVE, method="doas")) == DAVE
    # The password that is there is not asked for, so it goes nowhere.
    transport = become(variables, options, user=DAVE, password=PASSWORD)
    assert run(transport, "cat", stdin=[b"program"]) == Ran(b"program", b"", 0)
    transport.close()


@pytest.mark.parametrize("defaults", ["", "use_pty", "!use_pty", "timestamp_timeout=0", "passwd_tries=1"])
def test_with_a_password(host: Machine, variables: dict[str, Any], options: Options, defaults: str) -> None:
    host.rules(f"Defaults {defaults}\n{ASKING}" if defaults else ASKING)
    assert who(become(variables, options, password=PASSWORD)) == "root"
    assert who(become(variables, options, user=DAVE, password=Secret(PASSWORD))) == DAVE
    began = time.monotonic()
    assert "the password is wrong" in refusal(become(variables, options, password="no"))
    assert "ansible_become_password" in refusal(become(variables, options))
    assert time.monotonic() - began < 20


def test_a_cached_ticket_gets_no_password(host: Machine, variables: dict[str, Any], options: Options) -> None:
    host.rules(f"Defaults timestamp_type=global, timestamp_timeout=15\n{ASKING}")
    try:
        assert who(become(variables, options, password=PASSWORD)) == "root"
        # Now there is a ticket: were a password line sent all the same, the program would read it.
        transport = become(variables, options, password="anything")
        assert run(transport, "cat", stdin=[b"program"]) == Ran(b"program", b"", 0)
        transport.close()
        assert who(become(variables, options)) == "root"
    finally:
        run(connect(Host("h", vars=variables), options), "sudo", "-K")


def test_all_that_a_program_is_given(host: Machine, variables: dict[str, Any], options: Options) -> None:
    host.rules(ASKING)
    transport = become(variables, options, password=PASSWORD)
    awkward = ["", " ", "it's", "$HOME `id` ${x}", "a\nb\n", "\\ \\n", "-n", "--", "é 🎉", "%s"]
    ran = run(transport, "sh", "-c", 'for a; do printf "%s\\0" "$a"; done', "sh", *awkward)
    assert ran.stdout.decode().split("\0")[:-1] == awkward
    block = bytes(range(256)) * 256
    assert run(transport, "cat", stdin=(block for _ in range(80))).stdout == block * 80
    assert run(transport, "sh", "-c", "cat >&2; exit 9", stdin=[block]) == Ran(b"", block, 9)
    both = f"head -c {MB} /dev/zero >&2 & head -c {MB} /dev/zero; wait; cat | wc -c"
    ran = run(transport, "sh", "-c", both, stdin=(b"x" * 65536 for _ in range(64)))
    assert (len(ran.stderr), ran.stdout.lstrip(b"\0")) == (MB, f"{4 * MB}\n".encode())
    transport.close()


def test_what_belongs_to_the_user_is_used(host: Machine, over_ssh: dict[str, Any], options: Options) -> None:
    host.rules(FREE)
    for words in ({}, {"method": "doas"}, {"flags": "-E"}, {"flags": "-n -S -H"}):
        if words.get("flags") == "-E":
            host.rules(f"Defaults setenv\n{FREE}")
        transport = become(over_ssh, options, user=DAVE, **words)
        assert run(transport, "sh", "-c", "echo $HOME").stdout.decode() == f"{host.home(DAVE)}\n", words
        transport.close()


def test_becoming_oneself_needs_no_sudo(host: Machine, variables: dict[str, Any], options: Options) -> None:
    host.rules("")
    assert who(become(variables, options, user=CAROL, exe="/nowhere/sudo")) == CAROL


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("", {"password": PASSWORD}, "carol is not in the sudoers file"),
    (f"{CAROL} ALL=({DAVE}) ALL", {"password": PASSWORD}, "not allowed to execute a shell as root"),
    (f"Defaults requiretty\n{FREE}", {}, "requiretty"),
    (f"Defaults requiretty\n{FREE}", {"password": PASSWORD}, "requiretty"),
    (FREE, {"user": "nobody-here"}, "unknown user nobody-here\n  no such user"),
    (FREE, {"exe": "/nowhere/sudo"}, "/nowhere/sudo was not found"),
    (FREE, {"exe": "/nowhere/sudo", "password": "x"}, "/nowhere/sudo was not found"),
    (FREE, {"method": "doas"}, "doas takes a password only from a terminal: add `nopass`"),
    (FREE, {"method": "doas", "password": PASSWORD}, "doas takes a password only from a terminal"),
    (FREE, {"method": "doas", "user": "nobody"}, "Operation not permitted"),
    (FREE, {"method": "doas", "user": "nobody-here"}, "no such user"),
]


@pytest.mark.parametrize(("sudoers", "words", "message"), REFUSED)
def test_refusals_are_one_clear_error(
    host: Machine, over_ssh: dict[str, Any], options: Options, sudoers: str, words: dict[str, str], message: str
) -> None:
    host.rules(sudoers)
    text = refusal(become(over_ssh, options, **words))
    assert text.startswith("h: cannot become ")
    assert message in text
    assert "echo ran" not in text
    assert PASSWORD not in text


def test_a_program_that_asks_for_something_else_is_no_hang(
    host: Machine, over_ssh: dict[str, Any], options: Options
) -> None:
    program = host.directory / "asker"
    program.write_text("#!/bin/sh\nprintf 'One-time code: ' >&2\nread -r x\n")
    program.chmod(0o755)
    began = time.monotonic()
    text = refusal(become(over_ssh, replace(options, silence=2), exe=str(program), password=PASSWORD))
    assert "something other than a password: One-time code:" in text
    assert time.monotonic() - began < 10


def test_noise_of_a_login_shell_passes(host: Machine, over_ssh: dict[str, Any], options: Options) -> None:
    host.rules(ASKING)
    program = host.directory / "noisy"
    program.write_text("#!/bin/sh\nprintf 'Welcome '\nprintf 'Hello ' >&2\nexec sudo \"$@\"\n")
    program.chmod(0o755)
    transport = become(over_ssh, options, exe=str(program), password=PASSWORD)
    ran = run(transport, "cat", stdin=[b"program"])
    assert (ran.stdout, ran.stderr.strip(), ran.status) == (b"Welcome program", b"Hello", 0)
    transport.close()


def test_the_password_is_in_no_process_list(host: Machine, over_ssh: dict[str, Any], options: Options) -> None:
    host.rules(ASKING)
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen.append((entry / name).read_bytes().decode("utf-8", "replace"))
                    except OSError:
                        continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        transport = become(over_ssh, options, password=PASSWORD)
        assert run(transport, "sh", "-c", "sleep 1; ps axeww; id -un", stdin=[b""]).status == 0
        transport.close()
    finally:
        stop.set()
        watcher.join()
    assert any("ready" in text and "sudo" in text for text in seen), "the programs were not seen"
    assert not any(PASSWORD in text for text in seen)


def test_closed_early(host: Machine, variables: dict[str, Any], options: Options) -> None:
    host.rules(ASKING)
    transport = become(variables, options, password=PASSWORD)
    pieces = transport.run(["sh", "-c", "echo begun; exec cat"], (b"x" * MB for _ in range(50)))
    assert next(pieces).data.startswith(b"begun\n")
    pieces.close()
    assert run(transport, "echo", "next").stdout == b"next\n"
    transport.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"method": "runas"}, "Available: sudo, doas"),
        ({"password": "two\nlines"}, "a password is one line"),
        ({"flags": "'"}, "ansible_become_flags"),
        ({"flags": "-H -i"}, "-i and -s are not allowed"),
    ],
)
def test_variables_that_cannot_be_used(words: dict[str, str], message: str, options: Options) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        become({"ansible_connection": "local"}, options, **words)
    assert "two" not in str(caught.value)


@pytest.mark.parametrize("said", [False, "no", "false", "", None, 0])
def test_only_where_the_variables_say_so(said: Any, options: Options) -> None:
    host = Host("h", vars={"ansible_connection": "local", "ansible_become": said, "ansible_become_user": "nobody"})
    assert who(connect(host, options)) == "root"
