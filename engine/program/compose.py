"""Many scripts become one program, whose output comes back as frames."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import Any, cast

from engine.codes import Code
from engine.errors import HostFailed
from engine.kit.shell import pins
from engine.model import Become, Outside, Script, ScriptText, Sentence, Transport
from engine.program import quote
from engine.program.become import GRACE, PINNED, Others
from engine.program.bootstrap import LAUNCHER, LOCK, MACHINE, START, STREAM_LAUNCHER
from engine.program.deadline import CLEARING, SLOWEST, Deadline, Limits
from engine.program.parser import Event, Parser
from engine.program.quote import assigned
from engine.program.section import Lock, Program, Section
from engine.program.shared import SharedProbes

QUICK = 7
"""Quick sections that run together at most: what they report is to be written at once."""


def compose(
    sections: Sequence[Section],
    *,
    lock: Lock | None = None,
    shell: Sequence[str] = ("sh",),
    nonce: str | None = None,
    become: Become | None = None,
) -> Program:
    """Join sections into one program. `become` says how sections become the users they name.
    Raises ValueError where a name, a need or a value cannot be used."""
    keep = lock is not None or any(section.step or section.staging is not None for section in sections)
    pinning = [n for n, section in enumerate(sections) if pins(section.script.text)]
    handing = pinning or any(each.become is not None or _hands_on(each.script) for each in sections)
    others = Others.of(sections, pinning, become or Become()) if handing else None
    kept = _keep(sections, lock) if keep else []
    program = _program(sections, LAUNCHER, shell, nonce, "</dev/null", kept, others)
    if not keep:
        return program
    # A held lock is waited for in naps, and each is a little longer than it counts.
    before = program.limits.before + CLEARING + 2 * (lock.wait if lock else 0)
    return replace(program, limits=replace(program.limits, before=before, after=CLEARING))


def _hands_on(script: Script) -> bool:
    """Whether a script is given what it may hand to `as_user`."""
    handed = any(isinstance(value, ScriptText) for value in script.vars.values())
    return handed or any(map(_hands_on, script.shared.values()))


def compose_keeping(script: Script, *, shell: Sequence[str] = ("sh",)) -> Program:
    """A program of one section, `lock`, that may use what lock.sh defines."""
    return _program([Section("lock", script)], LAUNCHER, shell, None, "</dev/null", _keep([], None))


def compose_fed(section: Section, *, shell: Sequence[str] = ("sh",)) -> Program:
    """A program of one section that reads what is sent after the program (see `run`), and may use what
    lock.sh defines. Raises ValueError as `compose` does."""
    return _program([section], STREAM_LAUNCHER, shell, None, "", _keep([], None))


def _program(
    sections: Sequence[Section],
    launcher: str,
    shell: Sequence[str],
    nonce: str | None,
    stdin: str,
    keep: Sequence[str],
    others: Others | None = None,
) -> Program:
    nonce = nonce or secrets.token_hex(16)
    argv = (*shell, "-c", launcher)
    names = tuple(section.name for section in sections)
    if len(set(names)) < len(names):
        raise ValueError("two sections of one program have the same name")
    probes = SharedProbes(sections)
    # A hundred resources of a kind share one probe, which is sent once.
    scripts = [*(section.script for section in sections), *probes.scripts]
    texts = {text: n for n, text in enumerate(dict.fromkeys(script.text for script in scripts))}
    places = {name: n for n, name in enumerate(names)}
    lines = [f"_engine_nonce={nonce} _engine_steps={'1' if any(s.step for s in sections) else ''}"]
    lines += others.lines() if others else [MACHINE]
    lines += keep
    lines += [f"_engine_t{n}={quote.text(text)}" for text, n in texts.items()]
    inner = {section.script.text for section in sections if section.become is not None}
    lines += [f"_engine_q{texts[text]}={quote.text(quote.text(text))}" for text in inner]
    lines += ["_engine_sections() {", ":"]
    for group in _groups(sections, others):
        together = len(group) > 1
        made = [
            _section(n, sections[n], texts[sections[n].script.text], places, stdin, probes, others, together)
            for n in group
        ]
        lines += [defined for defined, _ in made if defined]
        lines += _quick(group, sections, probes) if together else []
        lines += [*(text for _, text in made), *(["fi"] if together else [])]
    lines += ["}", probes.functions(texts), f"set -- {quote.text(launcher)}", START]
    text = "\n".join([f"#begin {nonce}", *lines, f"#end {nonce}\n"])
    numbers = others.numbers(sections) if others else {}
    # What the watchdog of the program itself allows a section.
    seconds = {s.name: max(1, math.ceil(s.timeout)) + (GRACE if s.become is not None else 0) for s in sections}
    limits = Limits(len(text) / SLOWEST, seconds)
    return Program(argv, text.encode("utf-8", "surrogateescape"), nonce, names, numbers, limits)


def _keep(sections: Sequence[Section], lock: Lock | None) -> list[str]:
    """The lock's part of a program, with what it depends on: who wants it, since when, under which ID, which names
    files and is so no nonce, and which directories were staged."""
    staged = [_staged(section.staging, section.become) for section in sections if section.staging is not None]
    who = "".join(c if c.isprintable() else " " for c in lock.who) if lock else "onetrip unlock"
    wait = math.ceil(lock.wait) if lock else -1
    return [
        LOCK,
        f"_engine_who={quote.text(who)} _engine_wait={wait} _engine_stop={'1' if lock and lock.stopped else ''}",
        f"_engine_lock_id={secrets.token_hex(16)} _engine_sent={'1' if staged else ''}",
        f"_engine_since={quote.text(time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime()))}",
        "\n".join(["_engine_staged() {", ":", *staged, "}"]),
    ]


def _staged(directory: str, user: str | None) -> str:
    """The call of `$1` with a staging directory, in the name of whom it belongs to."""
    if user is None:
        return f'"$1" {quote.text(directory)}'
    whole = directory.removesuffix("/files")
    mark = quote.text(whole.rpartition("/.engine-staging-")[2])
    remove = f'rm -rf {quote.text(whole)}\nrm -f "$HOME"/.local/state/engine/*/staging/{mark}'
    look = f"[ -e {quote.text(whole + '/complete')} ]"
    texts = " ".join(quote.text(quote.text(text)) for text in (look, remove))
    return f'_engine_elsewhere "$1" {quote.text(user)} {quote.text(directory)} {texts}'


def run(transport: Transport, program: Program, stdin: Iterable[bytes] = ()) -> Iterator[Event]:
    """Run a program and yield what it reports, as it comes; ends with `Done`. `stdin` is sent after its text.

    Raises HostFailed where it did not run to its end or not in its time; Unreachable and its subclasses come from
    the transport.
    """
    parser = Parser(program.nonce, program.sections, inner=program.inner)
    deadline = Deadline(program.limits)
    status: int | None = None
    outputs = cast(Any, transport.run(program.argv, chain([program.text], stdin)))
    with closing(outputs):
        for output in outputs:
            if output.stream == "exit":
                status = output.status
                break
            events = parser.feed(output)
            if events or deadline.clock() > deadline.at:
                deadline.received(events)
            since = time.monotonic()
            yield from events
            if parser.done:
                break
            # So long nobody has listened, which is not the host's fault.
            deadline.at += time.monotonic() - since
    if not parser.done:
        yield from parser.end()
    if parser.failure is not None or not parser.done:
        raise unfinished(parser, status)


def unfinished(parser: Parser, status: int | None) -> HostFailed:
    """Why a program that did not run to its end did not, as an error; `status` is its exit status,
    where it ended."""
    noise = " ".join(parser.noise.take().split())[-500:]
    came = ("\nIt printed: ", Outside(noise)) if noise else ()
    if parser.failure is not None:
        return HostFailed(Outside(parser.failure))
    if parser.greeted:
        at = f" while `{parser.current}` ran" if parser.current else ""
        return HostFailed(f"the program on the host was killed{at} (exit status {status}); plan again")
    if status == 97:
        why = "the connection was cut while the program was sent, so nothing of it was executed"
        return HostFailed(Sentence(why, *came))
    if status in (126, 127):
        why = f"`sh` could not be started on the host (exit status {status}); the host needs a POSIX sh"
        return HostFailed(Sentence(why, *came), code=Code.NO_SHELL)
    why = f"the program did not start on the host (exit status {status}); nothing was executed"
    return HostFailed(Sentence(why, *came))


def _groups(sections: Sequence[Section], others: Others | None) -> Iterator[list[int]]:
    """The numbers of the sections in order; those of quick ones that can run together, in one list."""
    group: list[int] = []
    alike: object = None
    for n, section in enumerate(sections):
        script = section.script
        quick = script.quick and not (section.step or section.needs or section.become)
        quick = quick and others is not None and n in others.owners
        kind = (script.text, [*script.vars], section.timeout) if quick else None
        if not group or kind is None or kind != alike or len(group) == QUICK:
            yield from [group] if group else []
            group = []
        group.append(n)
        alike = kind
    yield from [group] if group else []


def _quick(group: Sequence[int], sections: Sequence[Section], probes: SharedProbes) -> list[str]:
    """The lines that run quick sections together, up to where they are run one by one if that was not possible."""
    shared = [value for n in group for value in probes.of(sections[n]).values()]
    known = "".join(f' && [ "{value.value}" ]' for value in shared)
    lines = [
        f"if _engine_begin_quick {max(1, math.ceil(sections[group[0]].timeout))}; then",
        *(f"_engine_shared{number}" for number in sorted({value.number for value in shared})),
        f'if [ "$_engine_r" = 0 ]{known}; then',
        "_engine_t=$(",
        "exec 9>&1 </dev/null >/dev/null 2>&1 8>&- 7>&-",
    ]
    for n in group:
        lines += [f"_engine_i={n}", f'_engine_frame "start {n}"', f"_engine_with{n}", *PINNED]
        lines += [f'_engine_frame "end {n} 0 0"']
    # On lines of its own: in a condition errexit would be off within it.
    lines += [")", f'[ "$?" != 0 ] || _engine_end_quick {group[0]} {group[-1]}', "fi", "fi"]
    return [*lines, 'if [ -z "$_engine_reported" ]; then']


def _section(
    index: int,
    section: Section,
    number: int,
    before: Mapping[str, int],
    stdin: str,
    probes: SharedProbes,
    others: Others | None,
    together: bool = False,
) -> tuple[str, str]:
    """What is to be defined before the section, and what runs it. It may also run `together` with others."""
    unknown = [name for name in section.needs if before.get(name, index) >= index]
    if unknown:
        raise ValueError(f"section `{section.name}` needs `{unknown[0]}`, which does not come before it")
    needs = " ".join(str(before[name]) for name in section.needs)
    seconds = max(1, math.ceil(section.timeout))
    shared = probes.of(section) if section.script.shared else {}
    try:
        values = [
            # A variable that the host's environment exports would stay exported, and so show its new value.
            f"unset phase timeout retries staging {' '.join([*section.script.vars, *section.script.shared])}",
            f"phase={section.phase} timeout={seconds} retries={section.retries} "
            f"staging={quote.text(section.staging) if section.staging else ''}",
            *(f"{name}={look.value}" for name, look in shared.items()),
            *assigned(section.script),
        ]
    except ValueError as error:
        raise ValueError(f"section `{section.name}`: {error}") from None
    defined: list[str] = []
    if section.become is None or others is None:
        before_it, late = [f"_engine_shared{n}" for n in sorted({look.number for look in shared.values()})], seconds
        script = [*values, "set -eu", f'eval "$_engine_t{number}"']
        if others is not None and section.step:
            before_it.append(others.vouching(section.script.vars))
        if others is not None and index in others.owners:
            given = others.pinned(index, values, number)
            if together:
                # Said once, for both ways to run it.
                defined, given = [f"_engine_with{index}() {{", *given, "}"], [f"_engine_with{index}"]
            script = [*given, *PINNED]
    else:
        before_it, late = others.before(section.become), seconds + GRACE
        script = others.section(index, section.become, values, seconds, number, section.step)
    begin = f"if _engine_begin {index} {int(section.step)} {late} '{needs}'; then"
    return "\n".join(defined), _guarded(
        begin, before_it, [*(["_engine_step"] if section.step else []), *script], stdin
    )


def _guarded(begin: str, before_it: Iterable[str], script: Iterable[str], stdin: str) -> str:
    """A section's lines: in a subshell of its own, once it may begin and what comes before it has succeeded."""
    return "\n".join(
        [
            begin,
            "_engine_r=0",
            *before_it,
            'if [ "$_engine_r" = 0 ]; then',
            "(",
            *script,
            f") {stdin} >&8 2>&8 7>&-",
            "_engine_r=$?",
            "fi",
            '_engine_end "$_engine_r"',
            "fi",
        ]
    )
