"""What a plan and a report hold: plain data, every secret a fingerprint, so that it can be shown and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from engine.model.values import Facts, Plain, Tense

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


class Why(StrEnum):
    """Why something is as it is, as far as the engine itself knows:
    text          `text`: what a program, the host or the kind reports
    needs         `names`: what it needs, which cannot be brought about
    needs-failed  `names`: what it needs, which failed
    gates-fail    `names`: the checks that fail and must pass before it
    does-not-gate `names`: what a check that --skip leaves out would have to pass for
    left-out      `names`: what it needs, which is left out and still due
    other-secret  `names`: the resource that sets a secret, of which the check sends another one; `attributes`: where
                  it does, `before` what the check sends, `after` what the resource sets
    stopped       the run was stopped before it had its turn     not-observed   before it was observed
    drifted       the host is not what was reviewed
    timed-out, probe-timed-out   `number`: the seconds after which an action or a probe was given up
    exit-status   `number`: the status that a script ended with; it printed nothing
    not-to-run    a restart is requested of a service that is declared not to run
    undeclared    it is not declared any more, so nothing says how to put it back
    other-kind    `names`: the kind that it was of, and the one that is declared now
    """

    TEXT = "text"
    NEEDS = "needs"
    NEEDS_FAILED = "needs-failed"
    GATES_FAIL = "gates-fail"
    DOES_NOT_GATE = "does-not-gate"
    LEFT_OUT = "left-out"
    OTHER_SECRET = "other-secret"
    STOPPED = "stopped"
    NOT_OBSERVED = "not-observed"
    DRIFTED = "drifted"
    TIMED_OUT = "timed-out"
    PROBE_TIMED_OUT = "probe-timed-out"
    EXIT_STATUS = "exit-status"
    NOT_TO_RUN = "not-to-run"
    UNDECLARED = "undeclared"
    OTHER_KIND = "other-kind"


@dataclass(frozen=True)
class Reason:
    """A reason as data; `Why` says which fields count. `text` is from outside, or the kind's own. `code` where its
    error has one that does not follow from what became of the resource."""

    why: Why
    names: tuple[str, ...] = ()
    text: str = ""
    number: float = 0
    attributes: tuple[Attribute, ...] = ()
    code: str = ""

    @classmethod
    def of(cls, text: str, code: object = "") -> Reason:
        """The reason that a program, the host or a kind gives in these words."""
        return cls(Why.TEXT, text=text, code=str(code))


@dataclass(frozen=True)
class Watched:
    """A watched resource that makes a service restart, and how far its change has come."""

    name: str
    tense: Tense


@dataclass(frozen=True)
class ResourceRef:
    """A resource that has not converged, named as the cause of something: what is planned for it, and where it
    differs. `absent`: it does not exist. `reason` and `because` as in its step."""

    name: str
    outlook: PlanStatus
    verb: str = "change"
    absent: bool = False
    attributes: tuple[Attribute, ...] = ()
    reason: Reason | None = None
    because: tuple[Watched, ...] = ()


@dataclass(frozen=True)
class Step:
    """One resource in a plan, as plain data. `prior` is the whole actual state (None: absent).

    `reason` why it is refused, in error or blocked; of a check, why it is not proven, or what it does not gate; with
    the outlook `check`, why nothing can be known of it yet. `because` is why a service is due. `cause` is the first
    upstream resource that has not converged. `pending` says that something is left undone although it is skipped.
    `gates` names the checks that must pass before it: of a blocked step those that fail now, of another one those
    that cannot be asked before the apply. `actions` are the kind's own words.
    """

    name: str
    kind: str
    outlook: PlanStatus
    verb: str = "change"
    attributes: tuple[Attribute, ...] = ()
    prior: Mapping[str, Plain] | None = None
    reason: Reason | None = None
    because: tuple[Watched, ...] = ()
    cause: ResourceRef | None = None
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
    """What was found and is to be done on one host; `error` what is wrong where it could not be observed (then there
    are no steps), without the name of the host; `code` the error's.

    `invalid`: it could not be observed since what is declared for it is wrong, given its facts. `facts`: those that
    what is declared refers to.
    """

    host: str
    steps: tuple[Step, ...] = ()
    error: str = ""
    code: str = ""
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
    """What of a run on one host a rollback cannot put back: the resource's name, and why."""

    host: str
    name: str
    reason: Reason


@dataclass(frozen=True)
class Plan:
    """The steps of every host, with what was found, as data. `batches` and `max_failures` (how many hosts may fail
    before no further batch starts) are there where there is more than one batch. `lost` is what a rollback cannot
    put back."""

    state: str
    hosts: tuple[HostPlan, ...]
    seconds: float = 0.0
    batches: tuple[Batch, ...] = ()
    max_failures: int | None = None
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
class Command:
    """A command to run: `apply`, what follows it (states, options), and the hosts to limit it to, if any."""

    verb: str
    arguments: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one step. `reason` for failed, refused, skipped, unproven; `attributes` of what failed in which
    it still differs; `because` why a service was restarted; `fix` what to run where that helps; `output` the redacted
    tail of what a failing action printed; `seconds` it took; `due` true where a restart or change is still to be
    done."""

    step: Step
    verdict: ResultStatus
    reason: Reason | None = None
    attributes: tuple[Attribute, ...] = ()
    because: tuple[Watched, ...] = ()
    cause: ResourceRef | None = None
    fix: Command | None = None
    output: str = ""
    seconds: float = 0.0
    due: bool = False
    now: str = ""
    show: Mapping[str, str] = field(default_factory=dict)


class Drifted(StrEnum):
    """In what a host differs from the plan that was reviewed:
    unreviewed       it is not in that plan
    unobserved-then  it could not be observed when the plan was made     unobserved-now  it cannot be observed now
    fact             a fact of the host; None: what is declared does not refer to it
    undeclared       a resource is not declared any more     declared        it is declared now, and was not
    existence        whether the resource is there, as booleans
    found, goal      what was found of an attribute, and what it is to become
    step             another field of the step; `needs` as names with commas between them
    order            the order of the resources
    """

    UNREVIEWED = "unreviewed"
    UNOBSERVED_THEN = "unobserved-then"
    UNOBSERVED_NOW = "unobserved-now"
    FACT = "fact"
    UNDECLARED = "undeclared"
    DECLARED = "declared"
    EXISTENCE = "existence"
    FOUND = "found"
    GOAL = "goal"
    STEP = "step"
    ORDER = "order"


@dataclass(frozen=True)
class Drift:
    """One thing in which a host differs from the plan that was reviewed. `name` the resource (empty: the host),
    `field` the fact, attribute or field of the step; `before` when it was reviewed, `after` now; `reason` why it is
    refused or in error now."""

    what: Drifted
    name: str = ""
    field: str = ""
    before: Plain = None
    after: Plain = None
    reason: Reason | None = None


@dataclass(frozen=True)
class HostReport:
    """What became of one host. `error` and `code` where the run on it did not end, as in a plan; `drift` where it is
    not what was reviewed; `started` False where the rollout had stopped before it (then no outcomes)."""

    host: str
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""
    code: str = ""
    unreachable: bool = False
    drift: tuple[Drift, ...] = ()
    trips: int = 0
    seconds: float = 0.0
    started: bool = True


class Stop(StrEnum):
    """Why a run ended early."""

    REQUESTED = "requested"
    FAILURES = "failures"
    """More hosts failed than may fail."""


@dataclass(frozen=True)
class Report:
    """What an apply did, on every host; `stopped` says why it ended early, if it did; `batches`, `max_failures` and
    `lost` as in a plan; `run` is its id in the journal."""

    state: str
    hosts: tuple[HostReport, ...]
    seconds: float = 0.0
    stopped: Stop | None = None
    run: str = ""
    batches: tuple[Batch, ...] = ()
    max_failures: int | None = None
    lost: tuple[Lost, ...] = ()
