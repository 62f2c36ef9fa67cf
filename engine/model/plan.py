"""What a plan and a report hold: plain data, every secret a fingerprint, so that it can be shown and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from engine.model.values import Facts, Plain

PlanStatus: TypeAlias = Literal["converged", "change", "check", "failing", "refused", "error", "blocked", "skipped"]
"""What a plan says of a resource:
converged  nothing to do, a check passes          change   will be changed
check      checked after apply (it depends on a pending change)
failing    a check that fails now, with nothing pending upstream
refused    in the way is something that must not be touched     error    the probe failed
blocked    needs something refused or in error, or a check that fails
skipped    left out by --skip, --only
"""


@dataclass(frozen=True)
class Attribute:
    """One differing attribute, as plain data: a secret is its fingerprint `secret:7c93bd`, Unknown its text."""

    name: str
    before: Plain
    after: Plain


@dataclass(frozen=True)
class Step:
    """One resource in a plan, as plain data. `prior` is the whole actual state (None: absent).

    `reason` one sentence for refused, error, blocked, and for a restart: why. `cause` names the first upstream
    resource that has not converged. `pending` says that something is left undone although it is skipped.
    `gates` names the checks that must pass before it: of a blocked step those that fail now, of another one those
    that cannot be asked before the apply.
    """

    name: str
    kind: str
    outlook: PlanStatus
    verb: str = "change"
    attributes: tuple[Attribute, ...] = ()
    prior: Mapping[str, Plain] | None = None
    reason: str = ""
    cause: str = ""
    needs: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    show: Mapping[str, str] = field(default_factory=dict)
    check: bool = False
    pending: bool = False
    expected: str = ""
    now: str = ""
    position: str = ""


@dataclass(frozen=True)
class HostPlan:
    """What was found and is to be done on one host; `error` where it could not be observed (then no steps).

    `invalid`: it could not be observed since what is declared for it is wrong, given its facts. `facts`: those that
    what is declared refers to.
    """

    host: str
    steps: tuple[Step, ...] = ()
    error: str = ""
    unreachable: bool = False
    trips: int = 0
    seconds: float = 0.0
    invalid: bool = False
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """One batch of a rollout: the names of its hosts, and the seconds it took (0 in a plan)."""

    hosts: tuple[str, ...]
    seconds: float = 0.0


@dataclass(frozen=True)
class Lost:
    """What of a run on one host a rollback cannot put back: the resource's name, and a sentence."""

    host: str
    name: str
    why: str


@dataclass(frozen=True)
class Plan:
    """The steps of every host, with what was found, as data. `batches` and `rule` ("stops at the first failure")
    describe the rollout where there is more than one batch. `lost` is what a rollback cannot put back."""

    state: str
    hosts: tuple[HostPlan, ...]
    seconds: float = 0.0
    batches: tuple[Batch, ...] = ()
    rule: str = ""
    lost: tuple[Lost, ...] = ()


ResultStatus: TypeAlias = Literal[
    "unchanged", "changed", "passed", "failed", "refused", "skipped", "unproven", "left"
]
"""What an apply says of a resource:
unchanged  was converged and still is         changed   was changed and is proved converged
passed     a check that holds                 failed    an action failed, or not converged after it, or a check fails
refused    in the way is something that must not be touched
skipped    not started, because what it needs failed, or the run was stopped
unproven   a check behind something left out or failed            left      left out by --skip, --only
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one step. `reason` for failed, refused, skipped, unproven; `output` the redacted tail of what
    a failing action printed; `seconds` it took; `due` true where a restart or change is still to be done."""

    step: Step
    verdict: ResultStatus
    reason: str = ""
    cause: str = ""
    fix: str = ""
    output: str = ""
    seconds: float = 0.0
    due: bool = False
    now: str = ""
    show: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HostReport:
    """What became of one host. `error` where the run on it did not end; `started` False where the rollout had
    stopped before it (then no outcomes)."""

    host: str
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""
    unreachable: bool = False
    drift: bool = False
    trips: int = 0
    seconds: float = 0.0
    started: bool = True


@dataclass(frozen=True)
class Report:
    """What an apply did, on every host; `stopped` says why it ended early, if it did; `batches`, `rule` and
    `lost` as in a plan; `run` is its id in the journal."""

    state: str
    hosts: tuple[HostReport, ...]
    seconds: float = 0.0
    stopped: str = ""
    run: str = ""
    batches: tuple[Batch, ...] = ()
    rule: str = ""
    lost: tuple[Lost, ...] = ()
