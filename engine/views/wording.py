"""Everything that is said of a plan or report, in words. The only place with sentences: all else is data.

Text of hosts, files and programs within a sentence is as it came: what is shown to people goes through `visible`
or `lines`, here (`Summary`, rows of `rows.py`) or where the sentence is printed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.model import (
    Attribute,
    Command,
    Drift,
    Drifted,
    HostPlan,
    HostReport,
    Lost,
    Outcome,
    Plain,
    Plan,
    Reason,
    Report,
    ResourceRef,
    Step,
    Stop,
    Tense,
    Watched,
    Why,
)
from engine.model.counting import count
from engine.model.problems import host_code, resource_code
from engine.model.sentence import coded
from engine.views.escape import lines, visible
from engine.views.fold import listed, names
from engine.views.status import HOST_ORDER, Tone, status, verb

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{40,64}$")
PROGRAM = "onetrip"
"""The command's name in what is kept: reports in files, comments and pages."""
LATER = "checked after apply"
NOT_INSPECTED = "not inspected"
LEFT_OUT = "left out"
ALL_OF_IT = "All of it:"
STOPPED_EARLY = "stopped before it was done"
NOT_STARTED = "not started: the rollout had stopped"


# --- values ---------------------------------------------------------------------------------------------------------


def value(plain: Plain, quiet: str = "absent") -> str:
    """A value as it is shown: commits and digests by their first 7 characters, blanks at the ends quoted."""
    if plain is None or isinstance(plain, bool):
        return _plain(plain, quiet)
    text = visible(str(plain))
    if _DIGEST.match(text):
        return text.removeprefix("sha256:")[:7]
    return f'"{text}"' if text != text.strip() or not text else text


def shown(show: Mapping[str, str]) -> str:
    """`ComfyUI 0.3.64, RAM 62.7 GiB`"""
    return ", ".join(visible(f"{name} {text}") for name, text in show.items())


def seconds(value: float) -> str:
    """`0.4 s`, `78.3 s`."""
    return f"{value:.1f} s"


def one_line(text: str) -> str:
    """A text that may run over several lines, as one that is visible."""
    return visible(" ".join(text.split("\n")))


def command_line(command: Command) -> str:
    """`apply states/qwen.yaml --limit gpu1,gpu2`"""
    limit = ("--limit", ",".join(command.limit)) if command.limit else ()
    return " ".join((command.verb, *command.arguments, *limit))


def _plain(value: Plain, quiet: str = "absent") -> str:
    """A value within a sentence, in full."""
    if value is None:
        return quiet
    return "yes" if value is True else "no" if value is False else str(value)


# --- reasons and causes ---------------------------------------------------------------------------------------------


def reason_text(reason: Reason | None) -> str:
    """Why something is as it is; empty where there is no reason. What a program or kind says may have more lines."""
    if reason is None:
        return ""
    them = listed(reason.names)
    match reason.why:
        case Why.TEXT:
            return reason.text
        case Why.OTHER_SECRET:
            sent = listed([str(attribute.before) for attribute in reason.attributes])
            held = reason.attributes[0]
            return f"it sends {sent}, but {held.name} of {them} is {held.after}"
        case Why.OTHER_KIND:
            return f"it was of kind {reason.names[0]}, and is declared as {reason.names[1]} now"
        case why:
            return _REASONS[why].format(them=them, number=reason.number)


_REASONS: Mapping[Why, str] = {
    Why.NEEDS: "needs {them}",
    Why.NEEDS_FAILED: "needs {them}, which failed",
    Why.GATES_FAIL: "blocked by {them}",
    Why.DOES_NOT_GATE: "does not gate {them}",
    Why.LEFT_OUT: "{them} was left out and is still due",
    Why.STOPPED: "the run was stopped",
    Why.NOT_OBSERVED: "it was not inspected, because the run was stopped",
    Why.DRIFTED: "the host is not what was reviewed",
    Why.TIMED_OUT: "timed out after {number:.0f} s",
    Why.PROBE_TIMED_OUT: "inspecting it took longer than {number:.0f} s",
    Why.EXIT_STATUS: "exit status {number:.0f}, without output",
    Why.NOT_TO_RUN: "a restart is requested (--restart), but it is declared not to run",
    Why.UNDECLARED: "it is not declared any more, so nothing says how to put it back",
}


def because_text(because: Iterable[Watched]) -> str:
    """`login-password will change and login-node changed`"""
    tenses: dict[Tense, list[str]] = {}
    for watched in because:
        tenses.setdefault(watched.tense, []).append(watched.name)
    return " and ".join(_TENSES[tense].format(them=listed(names)) for tense, names in tenses.items())


_TENSES: Mapping[Tense, str] = {
    Tense.CHANGED: "{them} changed",
    Tense.MAY_HAVE_CHANGED: "{them} may have changed",
    Tense.NOT_KNOWN: "it is not known whether {them} changed",
    Tense.WILL_CHANGE: "{them} will change",
    Tense.MAY_CHANGE: "{them} may change",
    Tense.REQUESTED: "it was requested",
}


_STARTS = frozenset({"restart", "start", "create", "recreate"})


def cause_head(cause: ResourceRef) -> str:
    """`login-password differs`"""
    said = {"refused": "is refused", "error": "could not be inspected", "blocked": "is blocked"}.get(cause.outlook)
    if said is None and cause.verb in _STARTS:
        said = f"is to be {past(cause.verb)}"
    return f"{cause.name} {said or ('is missing' if cause.absent and cause.attributes else 'differs')}"


def cause_text(cause: ResourceRef | None) -> str:
    """`login-password differs: line 1 is A, not B`; empty for None."""
    if cause is None:
        return ""
    if cause.outlook in ("refused", "error", "blocked", "change") and cause.reason is not None:
        return f"{cause.name}: {reason_text(cause.reason).partition(chr(10))[0]}"
    head = cause_head(cause)
    if cause.verb in _STARTS:
        more = because_text(cause.because)
    else:
        more = "" if cause.absent and cause.attributes else differences(cause.attributes)
    return f"{head}: {more}" if more else head


def differences(attributes: Sequence[Attribute], most: int = 3) -> str:
    """`line 1 is A, not B; mode is 0644, not 0600`, at most `most` of them."""
    parts = [f"{a.name} is {_plain(a.before)}, not {_plain(a.after)}" for a in attributes[:most]]
    parts += [f"and {len(attributes) - most} more"] if len(attributes) > most else []
    return "; ".join(parts)


def error_text(item: Step | Outcome) -> str:
    """Why a resource is refused, in error or failed, with the code at the end of the first line."""
    text = outcome_text(item) if isinstance(item, Outcome) else blocked_text(item)
    return coded(text, resource_code(item)) if text else ""


def outcome_text(outcome: Outcome) -> str:
    """Why an outcome is what it is; empty where there is nothing to say."""
    reason, wrong = reason_text(outcome.reason), differences(outcome.attributes)
    if outcome.verdict == "changed":
        return because_text(outcome.because)
    if not outcome.step.check:
        return reason or (f"not converged: {wrong}" if wrong else "")
    both = wrong and reason and outcome.now == outcome.step.expected
    return f"{wrong}; {reason}" if both else reason or wrong


# --- hosts ----------------------------------------------------------------------------------------------------------


def host_lines(host: HostPlan | HostReport) -> tuple[str, ...]:
    """Why a host could not be observed, or the run on it did not end, in lines; none where all went well."""
    if isinstance(host, HostReport) and host.drift:
        text = "\n".join(drift_text(host.host if drift.name else "", drift) for drift in host.drift)
    else:
        text = f"unreachable: {host.error}" if host.unreachable else host.error
    text = coded(text, "" if isinstance(host, HostPlan) and host.invalid else host_code(host)) if text else ""
    return tuple(line.strip() for line in lines(text)) if text else ()


def host_error(host: HostPlan | HostReport) -> str:
    """The same as one text in which every line names the host, or the first one does."""
    if isinstance(host, HostReport) and host.drift:
        return "\n".join(drift_text(host.host, drift) for drift in host.drift)
    return f"{host.host}: {host.error}" if host.error else ""


def drift_text(host: str, drift: Drift) -> str:
    """`gpu1/node: revision was 3f2c91a when reviewed, is aaaaaaa now`; without a host its name is left out."""
    where = f"{host}/{drift.name}: " if drift.name else f"{host}: " if host else ""
    match drift.what:
        case Drifted.FACT:
            was, now = (_plain(value, "not referred to") for value in (drift.before, drift.after))
            return f"{where}host.{drift.field} was {was} when reviewed, is {now} now"
        case Drifted.EXISTENCE:
            was, now = ("present" if value else "absent" for value in (drift.before, drift.after))
            return f"{where}was {was} when reviewed, is {now} now"
        case Drifted.GOAL:
            was, now = _stated(drift.before), _stated(drift.after)
            return f"{where}{drift.field} was to become {was} when reviewed, would become {now} now"
        case Drifted.FOUND | Drifted.STEP:
            nothing = "nothing" if drift.what is Drifted.STEP else ""
            was, now = (_stated(value) or nothing for value in (drift.before, drift.after))
            why = f": {reason_text(drift.reason)}" if drift.reason else ""
            return f"{where}{drift.field} was {was} when reviewed, is {now} now{why}"
        case what:
            return f"{where}{_DRIFTED[what]}"


_DRIFTED: Mapping[Drifted, str] = {
    Drifted.UNREVIEWED: "is not in the reviewed plan",
    Drifted.UNOBSERVED_THEN: "could not be observed when the plan was made",
    Drifted.UNOBSERVED_NOW: "could not be observed now",
    Drifted.UNDECLARED: "is no longer declared",
    Drifted.DECLARED: "is declared now, and was not",
    Drifted.ORDER: "the order of its resources changed",
}


def _stated(value: Plain) -> str:
    return "absent" if value is None else str(value)


def lost_text(lost: Lost) -> str:
    """What of a resource a rollback does not put back, and why."""
    return f"{lost.name}: {reason_text(lost.reason)}"


# --- verbs, counts and summaries ------------------------------------------------------------------------------------

PAST: Mapping[str, str] = {
    "create": "created",
    "change": "changed",
    "run": "ran",
    "remove": "removed",
    "recreate": "recreated",
    "start": "started",
    "restart": "restarted",
    "stop": "stopped",
}
"""Verbs in the order in which summaries count them, and what a report calls them."""

FUTURE: Mapping[str, str] = {"run": "will run"}
"""What a plan calls a verb, where that is not the verb itself."""

_PLANNED: Mapping[tuple[str, bool], tuple[str, str]] = {
    ("check", True): ("check after apply", "checks after apply"),
    ("check", False): ("to inspect again after apply", "to inspect again after apply"),
    ("failing", True): ("check failing", "checks failing"),
    ("refused", False): ("refused", "refused"),
    ("refused", True): ("check refused", "checks refused"),
    ("error", False): ("could not be inspected", "could not be inspected"),
    ("error", True): ("check could not be run", "checks could not be run"),
    ("blocked", False): ("blocked", "blocked"),
    ("blocked", True): ("check blocked", "checks blocked"),
    ("converged", False): ("unchanged", "unchanged"),
    ("converged", True): ("check passes", "checks pass"),
}
_DONE: Mapping[str, tuple[str, str]] = {
    "passed": ("check passed", "checks passed"),
    "unproven": ("check not proven", "checks not proven"),
    "skipped": ("skipped", "skipped"),
    "unchanged": ("unchanged", "unchanged"),
}
_BAD: Mapping[tuple[str, bool], tuple[str, str]] = {
    ("failed", False): ("resource", "resources"),
    ("failed", True): ("check", "checks"),
    ("refused", False): ("refused", "refused"),
    ("refused", True): ("check refused", "checks refused"),
}
_HOSTS: Mapping[str, tuple[str, str]] = {
    "trouble": ("host could not be inspected", "hosts could not be inspected"),
    "failed": ("host", "hosts"),
    "refused": ("host refused", "hosts refused"),
    "unreachable": ("host unreachable", "hosts unreachable"),
    "not started": ("host not started", "hosts not started"),
}
"""What summaries count, in order: a word for one and for more."""


def word(item: Step | Outcome) -> str:
    """What a step or outcome is, in words short enough for a label."""
    if isinstance(item, Step):
        if item.outlook == "change":
            return f"to {verb(item)}"
        said = {"check": LATER, "error": NOT_INSPECTED, "skipped": LEFT_OUT}
        return said.get(item.outlook) or ("unchanged" if item.outlook == "converged" else item.outlook)
    if item.verdict == "changed":
        return past(verb(item.step))
    return {"unproven": "not proven", "left": LEFT_OUT}.get(item.verdict, item.verdict)


@dataclass(frozen=True)
class Summary:
    """The last line of a view: `lead: parts.   extent`, with the tone of its lead."""

    lead: str
    tone: Tone
    parts: tuple[str, ...]
    extent: str

    @property
    def counts(self) -> str:
        """What follows the lead."""
        return f": {', '.join(self.parts)}." if self.parts else "."

    def __str__(self) -> str:
        return f"{self.lead}{self.counts}   {self.extent}"


def plan_summary(plan: Plan) -> Summary:
    """Counts over all hosts of what is to be done."""
    parts = planned(step for host in plan.hosts for step in host.steps)
    parts += _lost(plan.hosts) + _not_put_back(plan, "cannot be put back")
    states = {status(host) for host in plan.hosts}
    idle = not states - {"unchanged"}
    if idle and not any(step.pending for host in plan.hosts for step in host.steps):
        return Summary("Nothing to change", "bad" if plan.lost else "good", tuple(parts), _extent(plan))
    bad = plan.lost or states & {"trouble", "unreachable"}
    lead = "Plan" if any(host.steps for host in plan.hosts) else "Plan failed"
    return Summary(lead, "bad" if bad else "change", tuple(parts), _extent(plan))


def planned(steps: Iterable[Step]) -> list[str]:
    """`2 to change, 1 to restart, 3 checks after apply, 1 unchanged`, as parts."""
    every = tuple(steps)
    changes = Counter(verb(step) for step in every if step.outlook == "change")
    left = [step for step in every if step.outlook == "skipped"]
    due = Counter(verb(step) for step in left if step.pending)
    parts = [f"{number} to {name}" for name, number in _in_order(changes)]
    parts += _counted(Counter((step.outlook, step.check) for step in every), _PLANNED)
    return parts + ([f"{len(left)} left out" + (f" ({_still(due)})" if due else "")] if left else [])


def report_summary(report: Report) -> Summary:
    """Counts over all hosts of what became of things."""
    summary = _report_summary(report)
    if not report.lost:
        return summary
    lead = summary.lead if summary.tone == "bad" else "Put back in part"
    return replace(summary, lead=lead, tone="bad", parts=(*_not_put_back(report, "not put back"), *summary.parts))


def _report_summary(report: Report) -> Summary:
    outcomes = [outcome for host in report.hosts for outcome in host.outcomes]
    states = Counter(status(host) for host in report.hosts)
    if len(report.batches) > 1:
        return _rollout_summary(report, states)
    lost = _lost(report.hosts)
    bad = _failures(outcomes)
    done = done_counts(outcomes)
    if report.stopped:
        return Summary("Stopped", "bad", tuple(bad + lost + done), _extent(report))
    if bad or lost or set(states) - {"converged"}:
        due = _due(outcomes) if done and any(o.verdict == "changed" for o in outcomes) else []
        return Summary("Failed", "bad", tuple(bad + lost + done + due), _extent(report))
    unproven = [o for o in outcomes if o.verdict == "unproven"]
    lead = "Not proven" if unproven else "Converged"
    return Summary(lead, "check" if unproven else "good", tuple(done + _due(outcomes)), _extent(report))


def done_counts(outcomes: Iterable[Outcome]) -> list[str]:
    """`2 changed, 1 restarted, 3 checks passed, 1 unchanged`, as parts."""
    every = tuple(outcomes)
    changes = Counter(verb(outcome.step) for outcome in every if outcome.verdict == "changed")
    parts = [f"{number} {past(name)}" for name, number in _in_order(changes)]
    return parts + _counted(Counter(outcome.verdict for outcome in every), _DONE)


def past(word: str) -> str:
    """`restarted` for `restart`."""
    return PAST.get(word) or (f"{word}d" if word.endswith("e") else f"{word}ed")


def _in_order(verbs: Counter[str]) -> list[tuple[str, int]]:
    known = [name for name in PAST if verbs[name]]
    return [(name, verbs[name]) for name in (*known, *(name for name in verbs if name not in PAST))]


def _counted(tally: Counter[Any], words: Mapping[Any, tuple[str, str]]) -> list[str]:
    numbers = ((tally[key], each) for key, each in words.items())
    return [f"{number} {one if number == 1 else more}" for number, (one, more) in numbers if number]


def _failures(outcomes: Iterable[Outcome]) -> list[str]:
    return _counted(Counter((outcome.verdict, outcome.step.check) for outcome in outcomes), _BAD)


def _lost(hosts: Iterable[HostPlan | HostReport]) -> list[str]:
    """Hosts of which there is nothing to count but themselves."""
    return _counted(Counter(status(h) for h in hosts if host_lines(h) or status(h) == "not started"), _HOSTS)


def _not_put_back(value: Plan | Report, words: str) -> list[str]:
    return [f"{len(value.lost)} {words}"] if value.lost else []


def _rollout_summary(report: Report, states: Counter[str]) -> Summary:
    parts = tuple(f"{states[state]} {state}" for state in HOST_ORDER if states[state])
    whole = set(states) <= {"converged"}
    lead = "Converged" if whole else "Stopped" if report.stopped or states["not started"] else "Failed"
    if whole:
        parts = (f"all {count(len(report.hosts), 'host')}",)
    return Summary(lead, "good" if whole else "bad", parts, seconds(report.seconds))


def _due(outcomes: Iterable[Outcome]) -> list[str]:
    due = Counter(verb(o.step) for o in outcomes if o.verdict == "left" and o.due)
    return [_still(due)] if due else []


def _still(due: Counter[str]) -> str:
    """`restart still due`, `2 changes and 1 restart still due`."""
    if sum(due.values()) == 1:
        return f"{next(iter(due))} still due"
    nouns = {"remove": "removal", "create": "creation", "recreate": "recreation", "run": "command"}
    return f"{listed([count(number, nouns.get(name, name)) for name, number in due.items()])} still due"


def _extent(value: Plan | Report) -> str:
    hosts = value.hosts
    trips = sorted({host.trips for host in hosts if host.trips})
    if len(hosts) == 1:
        said = [count(host.trips, "trip") for host in hosts if host.trips]
    else:
        said = [f"{count(trips[0], 'trip')} each"] if len(trips) == 1 else []
        said += [f"{trips[0]} to {trips[-1]} trips each"] if len(trips) > 1 else []
    return ", ".join([count(len(hosts), "host"), *said, seconds(value.seconds)])


# --- steps and outcomes ---------------------------------------------------------------------------------------------


def now_text(step: Step) -> str:
    """What came; where that is as expected, but something else in the answer is not, what that is."""
    now = f"now {one_line(step.now)}" if step.now else ""
    wrong = [f"{visible(a.name)} is {value(a.before)}, not {value(a.after)}" for a in step.attributes]
    return f"{now}, but {'; '.join(wrong)}" if wrong and step.now == step.expected else now


def later_text(step: Step) -> str:
    """What is known of a step that is checked after apply."""
    unseen = step.reason is not None and step.reason.why is not Why.LEFT_OUT
    if not step.check:
        why = because_text(step.because) or (f"not known yet: {reason_text(step.reason)}" if unseen else "")
        return f"{one_line(why)}; {LATER}" if why else LATER
    if unseen:
        return f"now not known; {LATER}"
    if not step.now:
        return LATER
    why = f", because {visible(cause_head(step.cause))}" if step.cause and step.attributes else ""
    return f"{now_text(step)}{why}; {LATER}"


def left_out(item: Step | Outcome) -> str:
    """What is said of something that --skip or --only leaves out."""
    step, due = (item.step, item.due) if isinstance(item, Outcome) else (item, item.pending)
    return f"{step.verb} still due" if due else visible(reason_text(item.reason))


def blocked_text(step: Step) -> str:
    """What keeps a step from being carried out."""
    if step.gates:
        return f"by {visible(listed(step.gates))}"
    return reason_text(step.reason) or (cause_head(step.cause) if step.cause else "")


def gates_text(gates: Sequence[str]) -> str:
    """`a and b have passed`"""
    return f"{visible(listed(gates))} {'has' if len(gates) == 1 else 'have'} passed"


def because_row(because: Iterable[Watched]) -> str:
    """`because login-node will change`; empty where nothing is said."""
    text = because_text(because)
    return f"because {one_line(text)}" if text else ""


def unproven_text(outcome: Outcome) -> str:
    """Why a check is not proven."""
    reason = one_line(reason_text(outcome.reason))
    return f"not proven: {reason}" if reason else "not proven"


def failed_check(outcome: Outcome) -> tuple[str, str]:
    """What came instead of what was expected, and further reasons, if they say more."""
    got, said = one_line(outcome.now), one_line(outcome_text(outcome))
    if not got:
        return one_line(error_text(outcome)), ""
    if outcome.now == outcome.step.expected and said:
        return f"got {got}, but {said}", ""
    return f"got {got}", "" if _says_no_more(outcome) else outcome_text(outcome)


def _says_no_more(outcome: Outcome) -> bool:
    """Whether all that is wrong is that it got something else than was expected."""
    if outcome.reason is not None or len(outcome.attributes) != 1:
        return False
    only = outcome.attributes[0]
    return (_plain(only.before), _plain(only.after)) == (outcome.now, outcome.step.expected)


def action_label(actions: Sequence[str]) -> str:
    """The label of a step's actions."""
    return "actions" if len(actions) > 1 else "action"


def diff_titles(name: str) -> tuple[str, str]:
    """What the two sides of a diff are called."""
    return f"{name}, as it is", f"{name}, as declared"


def lines_above(number: int) -> str:
    """`(10 more lines above)`"""
    return f"({count(number, 'more line')} above)"


# --- groups of hosts, rollouts, endings -----------------------------------------------------------------------------


def group_title(hosts: Sequence[str], changes: int) -> tuple[str, str]:
    """Hosts of which the same is to be said, and what: `gpu[01:12]`, `12 hosts: the same 3 changes`."""
    if len(hosts) == 1:
        return visible(hosts[0]), ""
    same = f"the same {count(changes, 'change')}" if changes else "the same"
    return names(hosts), f"{count(len(hosts), 'host')}: {same}"


def headline(value: Plan | Report) -> str:
    """`Rollout: 30 hosts in batches of 1, 2, 12, 15; stops at the first failure`"""
    sizes = ", ".join(str(len(batch.hosts)) for batch in value.batches)
    said, most = f"Rollout: {count(len(value.hosts), 'host')} in batches of {sizes}", value.max_failures
    if most is None:
        return said
    return f"{said}; stops " + (f"when more than {count(most, 'host')} failed" if most else "at the first failure")


def batch_counts(tally: Mapping[str, int]) -> tuple[tuple[int, str], ...]:
    """How many hosts of a batch came to what."""
    return tuple((tally[state], state) for state in HOST_ORDER if tally[state]) or ((0, "hosts"),)


def batch_text(counts: Sequence[tuple[int, str]], digits: int = 0) -> str:
    """`10 converged, 1 failed`; the first number filled to so many digits."""
    first, *more = counts
    return ", ".join([f"{first[0]:>{digits}} {first[1]}", *(f"{number} {state}" for number, state in more)])


def done_text(outcomes: Iterable[Outcome]) -> str:
    """What was done on a host that converged."""
    return ", ".join(done_counts(outcomes)) or "nothing to do"


def as_html(command: str) -> str:
    """The command that shows the same without a limit."""
    return f"{command} --format html"


def too_long(lost: Mapping[str, int]) -> str:
    """How much of what was left out of a comment; empty where nothing was."""
    what = [count(number, noun) for noun, number in lost.items() if number]
    return f"Left out, to stay within the length of a comment: {listed(what)}." if what else ""


def step_done(host: str, name: str, took: float, ok: bool) -> str:
    """A line on a step that ended."""
    return f"{host}: {name} {'done in' if ok else 'failed after'} {seconds(took)}"


def host_done(host: str, ok: bool, changed: int, took: float) -> str:
    """A line on a host that ended."""
    return f"{host}: {'converged' if ok else 'failed'}, {changed} changed, {seconds(took)}"


def lost_title(value: Plan | Report) -> str:
    """What stands above the things that a rollback does not put back."""
    return "Cannot be put back:" if isinstance(value, Plan) else "Not put back:"


def resume(run: str, program: str) -> str:
    """The command that runs again what a run did not bring to its end."""
    return f"Resume with: {program} retry {visible(run)}"


def what_now(report: Report, program: str = PROGRAM) -> tuple[str, ...]:
    """Why a run ended early, and what to run next. `program`: the command's name."""
    found = ["Stopped on request"] if report.stopped is Stop.REQUESTED else []
    stuck = any(status(host) != "converged" for host in report.hosts)
    if stuck and report.run and len(report.hosts) > 1:
        found.append(resume(report.run, program))
    return tuple(found)
