"""Which hosts come first: batches of a rollout and the rule that stops it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.codes import Code
from engine.errors import InvalidInput
from engine.kit import duration


@dataclass(frozen=True)
class RolloutRule:
    """How a rollout goes on.

    batches       hosts of each batch, every host in exactly one of them
    max_failures  how many hosts may fail before no further batch starts
    pause         seconds between batches
    """

    batches: tuple[tuple[str, ...], ...]
    max_failures: int = 0
    pause: float = 0.0


def rollout_rule(
    hosts: Sequence[str], spec: Mapping[str, Any], select: Callable[[str], Sequence[str]], limited: bool = False
) -> RolloutRule:
    """The rule that a `rollout:` mapping gives for these hosts.

    Entries of `batches` are cumulative: a count (`1`), a share (`10%`, rounded up), or a pattern (`canary`), whose
    hosts `select` names. What the last entry leaves out makes a batch of its own. Raises InvalidInput, also for a
    pattern that names none of these hosts, unless they are `limited` to some of those that the state is for.
    """
    batches: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for entry in spec.get("batches") or ["100%"]:
        batch = _batch(str(entry).strip(), hosts, taken, select, limited)
        if batch:
            batches.append(batch)
            taken.update(batch)
    rest = tuple(host for host in hosts if host not in taken)
    if rest:
        batches.append(rest)
    failures = _failures(str(spec.get("max_failures", 0)).strip(), len(hosts))
    try:
        pause = duration.seconds(spec["pause"]) if "pause" in spec else 0.0
    except ValueError as error:
        raise InvalidInput(f"rollout: pause {error}", code=Code.ROLLOUT) from None
    return RolloutRule(tuple(batches), failures, pause)


def _batch(
    entry: str, hosts: Sequence[str], taken: set[str], select: Callable[[str], Sequence[str]], limited: bool
) -> tuple[str, ...]:
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", entry)
    if share or entry.isdecimal():
        wanted = math.ceil(len(hosts) * float(share[1]) / 100) if share else int(entry)
        if share and not 0 < float(share[1]) <= 100:
            raise InvalidInput(f"rollout: batch `{entry}` is not between 0% and 100%", code=Code.ROLLOUT)
        free = [host for host in hosts if host not in taken]
        return tuple(free[: max(0, wanted - len(taken))])
    named = set(select(entry)) & set(hosts)
    if not named and not limited:
        # Without its canary, a rollout would begin with what was to come last.
        raise InvalidInput(f"rollout: batch `{entry}` matches none of the hosts of the state", code=Code.ROLLOUT)
    return tuple(host for host in hosts if host in named and host not in taken)


def _failures(text: str, hosts: int) -> int:
    if text.isdecimal():
        return int(text)
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if share:
        return math.floor(hosts * float(share[1]) / 100)
    raise InvalidInput(f"rollout: max_failures `{text}` is not a count or a share such as 10%", code=Code.ROLLOUT)
