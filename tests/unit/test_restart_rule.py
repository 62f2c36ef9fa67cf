"""The rule of the ledger for a service that reads its files some time after its start has returned.

All histories are enumerated: content written by others, restarts by others, the service's late read, and applies that
may be cut after every step. After each, three applies run undisturbed. Missed: the content is right, the service has
loaded something else, and none of them restarts it.

What stands behind the service: `content` passes only if the right content was loaded; `read` answers only once the
files were read, whatever they hold; `early` may answer before that, so it may not prove anything; or `none`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import pytest

RIGHT, WRONG = "right", "wrong"
Check = Literal["content", "read", "early", "none"]
Rule = Literal["ledger", "at once"]


@dataclass(frozen=True)
class Entry:
    started: int
    content: str
    ctime: int
    proven: bool = False


@dataclass(frozen=True)
class World:
    now: int = 10
    content: str = RIGHT
    ctime: int = 1
    started: int = 5
    loaded: str | None = RIGHT
    """None: it was started, and has not read yet."""
    entry: Entry | None = None
    mark: int | None = None
    at: str = "idle"
    """Where the running apply is."""
    begun: tuple[str, int] | None = None
    """Content and ctime before its restart."""
    restarts: bool = False
    """Whether it has restarted the service."""


def tick(world: World, **change: object) -> World:
    return replace(world, now=world.now + 1, **change)  # type: ignore[arg-type]


def write(world: World, content: str) -> World:
    return tick(world, content=content, ctime=world.now + 1)


def restart(world: World) -> World:
    return tick(world, started=world.now + 1, loaded=None)


def read(world: World) -> World | None:
    return tick(world, loaded=world.content) if world.loaded is None else None


def due(world: World) -> bool:
    entry = world.entry
    if entry and entry.started == world.started:
        if entry.proven:
            return world.content != entry.content
        return (world.content, world.ctime) != (entry.content, entry.ctime) or world.mark == world.started
    return world.mark == world.started or world.ctime >= world.started


def idle(world: World) -> World:
    return replace(world, at="idle", begun=None, restarts=False)


def begin(world: World) -> World:
    return replace(idle(tick(world)), at="mark" if world.content != RIGHT else "decide")


def step(world: World, check: Check, rule: Rule) -> World | None:
    """The next step of the running apply; None where it waits."""
    match world.at:
        case "mark":
            return tick(world, mark=world.started, at="write")
        case "write":
            return replace(write(world, RIGHT), at="decide")
        case "decide" if due(world):
            return tick(world, at="restart", begun=(world.content, world.ctime))
        case "decide":
            return tick(world, at="check")
        case "restart":
            return replace(restart(world), at="record", restarts=True)
        case "record":
            return recorded(world, rule)
        case "check" if check != "none":
            if check != "early" and world.loaded is None:
                return None
            holds = check != "content" or world.loaded == RIGHT
            return tick(world, at="prove" if holds and check != "early" else "done")
        case "check":
            return tick(world, at="done")
        case "prove":
            return proved(world)
    return None


def recorded(world: World, rule: Rule) -> World:
    assert world.begun is not None
    if world.begun == (world.content, world.ctime):
        return tick(world, at="check", mark=None, entry=Entry(world.started, *world.begun, rule == "at once"))
    return tick(world, at="check", mark=world.started, entry=None)


def proved(world: World) -> World:
    entry = world.entry
    if not world.restarts or entry is None or entry.started != world.started or due(world):
        return tick(world, at="done")
    return tick(world, at="done", entry=replace(entry, proven=True))


def normal(world: World) -> World:
    """Only the order of moments counts."""
    entry, begun = world.entry, world.begun
    moments = {world.now, world.ctime, world.started}
    moments |= {world.mark} if world.mark is not None else set()
    moments |= {entry.started, entry.ctime} if entry else set()
    moments |= {begun[1]} if begun else set()
    order = {moment: n for n, moment in enumerate(sorted(moments))}
    return replace(
        world,
        now=order[world.now],
        ctime=order[world.ctime],
        started=order[world.started],
        mark=None if world.mark is None else order[world.mark],
        entry=entry and replace(entry, started=order[entry.started], ctime=order[entry.ctime]),
        begun=begun and (begun[0], order[begun[1]]),
    )


def undisturbed(world: World, check: Check, rule: Rule) -> tuple[World, int]:
    """After an apply with nobody else there: the world, and whether it restarted the service."""
    world = begin(world)
    while world.at != "done":
        following = step(world, check, rule) or read(world)
        assert following is not None
        world = following
    return idle(read(world) or world), int(world.restarts)


def moves(world: World, check: Check, rule: Rule) -> Iterator[World | None]:
    if world.at == "done":
        yield idle(world)
        return
    yield write(world, WRONG)
    yield write(world, RIGHT)
    yield restart(world)
    yield read(world)
    if world.at == "idle":
        yield begin(world)
    else:
        yield step(world, check, rule)
        yield idle(world)


def missed(check: Check, rule: Rule) -> tuple[int, int]:
    """How many worlds there are, and after how many of them a restart is missed."""
    frontier = [normal(World())]
    known, lost = set(frontier), 0
    while frontier:
        following = {normal(moved) for world in frontier for moved in moves(world, check, rule) if moved} - known
        known |= following
        frontier = list(following)
        for world in frontier:
            if world.at == "idle":
                for _ in range(3):
                    world, _ = undisturbed(world, check, rule)
                lost += (world.content, world.loaded) != (RIGHT, RIGHT)
    return len(known), lost


@pytest.mark.parametrize("check", ["content", "read", "early", "none"])
def test_no_restart_is_missed(check: Check) -> None:
    states, lost = missed(check, "ledger")
    assert states > 1000
    assert lost == 0


def test_an_entry_that_vouches_for_content_at_once_misses_some() -> None:
    """What the enumeration is there to find."""
    assert missed("content", "at once")[1] > 0


@pytest.mark.parametrize(("check", "restarts"), [("content", 0), ("read", 0), ("early", 1), ("none", 1)])
def test_what_a_drift_that_was_put_back_costs(check: Check, restarts: int) -> None:
    """One needless restart, where nothing proves what the service has read."""
    world, first = undisturbed(write(World(), WRONG), check, "ledger")
    assert first == 1
    world, again = undisturbed(write(world, WRONG), check, "ledger")
    assert again == restarts
    assert undisturbed(world, check, "ledger")[1] == 0
