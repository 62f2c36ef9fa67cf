"""Hosts, how a program reaches one, and what is declared for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from engine.errors import Position, Problem
from engine.model.resource import Resource
from engine.model.values import Facts, HostPath


@dataclass(frozen=True)
class Host:
    """A host of the inventory: `vars` merged by Ansible's precedence, `ansible_*` connection variables included.

    `problems`: what is wrong with its variables, so that it cannot be connected to; other hosts can.
    """

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Output:
    """A piece of what a program on a host printed; the last one of a run has stream `exit` and its `status`."""

    stream: Literal["stdout", "stderr", "exit"]
    data: bytes = b""
    status: int | None = None


class Transport(Protocol):
    """How a program reaches one host: one verb, and `close`. One connection for its whole life."""

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """Run argv (never through a shell of this side), feed it stdin, yield what it prints as it comes.

        Connects on first use. Closing the iterator early abandons the exec and frees its channel, but not the
        connection. Stdout and stderr are drained while stdin is still being written. Raises Unreachable and its
        subclasses, ConnectionLost when cut or silent for longer than the silence limit.

        stdin may yield `b""`: nothing to send until more has been printed. It is asked again after the next piece
        of output was taken (the caller has come back for the one after it), maybe from another thread; where the
        output ends instead, so does the input.
        """
        ...

    def close(self) -> None:
        """Free everything; safe to call twice."""
        ...


@dataclass(frozen=True)
class DeclaredResource:
    """A resource as declared for one host: templates rendered, `for_each` unrolled, `when` true.

    `name` is unique on the host (`login-node`, `node/kjnodes`); its address is `HOST/NAME`. `needs` holds names.
    `timeout` in seconds. `backup`: where the host keeps what it puts back, in a rollback.
    """

    name: str
    resource: Resource
    needs: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    timeout: float | None = None
    retries: int = 0
    become: str | None = None
    position: Position | None = None
    backup: HostPath | None = None


@dataclass(frozen=True)
class HostDeclaration:
    """All that is declared for one host, in an order in which every resource comes after what it needs.

    facts    the facts of the host that the declaration refers to, as it was finished with them
    pending  facts are needed to finish it; until then `resources` are those that are sure to be there as they are
    """

    host: Host
    resources: tuple[DeclaredResource, ...]
    facts: Facts = field(default_factory=dict)
    pending: bool = False
