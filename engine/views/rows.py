"""What is to be said of one step or outcome: rows of a label and a value. Every view shows these same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.model import CURRENT, Attribute, Command, Outcome, Step
from engine.views import wording
from engine.views.escape import lines, visible
from engine.views.status import verb
from engine.views.wording import label, shown, value

_OUTPUT = 20

Role: TypeAlias = Literal["", "because", "fix", "output", "action"]


@dataclass(frozen=True)
class Row:
    """A label, and either a sentence or a value before and after. All of it is visible text.

    `after` None with a `before`: only one value is to be shown. `sentence` may be wrapped, values may not. `role`:
    what it is for, where views show that in another way; `fix`: the command that `sentence` spells.
    """

    label: str
    sentence: str = ""
    before: str | None = None
    after: str | None = None
    role: Role = ""
    fix: Command | None = None


def step_rows(step: Step, verbosity: int = 0) -> list[Row]:
    """What a plan says of a step; at least one row."""
    match step.outlook:
        case "change":
            found = _change(step, step.verb, wording.because_row(step.because)) + _answer(step.show) + _after(step)
        case "check":
            first = label(step.attributes[0].name) if step.attributes and step.verb == "change" else step.verb
            found = [Row(visible(step.expected) if step.check else first, wording.later_text(step))]
            found += [*([] if step.check else _answer(step.show)), *_after(step)]
        case "failing":
            found = [Row(visible(step.expected), wording.now_text(step)), *_answer(step.show)]
            found += _because(wording.reason_text(step.reason), wording.cause_text(step.cause))
        case "converged" if step.check:
            found = [Row(visible(step.expected), shown(step.show))]
        case "converged":
            found = [Row("unchanged", shown(step.show))]
        case "skipped":
            found = [Row(wording.LEFT_OUT, wording.left_out(step))]
        case "blocked" if step.gates and not step.check:
            found = [Row("blocked", wording.blocked_text(step)), *_change(step, step.verb)]
        case outlook:
            found = _sentences(outlook, wording.blocked_text(step))
    return found + _actions(step, verbosity)


def outcome_rows(outcome: Outcome, verbosity: int = 0) -> list[Row]:
    """What a report says of an outcome; at least one row."""
    step = outcome.step
    match outcome.verdict:
        case "changed":
            found = _change(step, wording.past(step.verb), wording.because_row(outcome.because))
            found += [Row("", shown(outcome.show))] if outcome.show else []
        case "passed":
            found = [Row(visible(step.expected), shown(outcome.show))]
        case "unchanged":
            found = [Row("unchanged", shown(outcome.show))]
        case "failed" if step.check:
            first, reason = wording.failed_check(outcome)
            found = [Row(visible(step.expected), first), *_answer(outcome.show)]
            found += _because(reason, wording.cause_text(outcome.cause))
        case "failed":
            found = _change(step, step.verb)[:1]
            found += _because(wording.outcome_text(outcome), wording.cause_text(outcome.cause))
        case "unproven":
            found = [Row(visible(step.expected), wording.unproven_text(outcome))]
        case "left":
            found = [Row(wording.LEFT_OUT, wording.left_out(outcome))]
        case verdict:
            found = _sentences(verdict, wording.outcome_text(outcome))
    return found + _fix(outcome.fix) + _output(outcome.output) + _actions(step, verbosity)


def _change(step: Step, word: str, because: str = "") -> list[Row]:
    if step.outlook == "error":
        return [Row(wording.NOT_SEEN)]
    done = word != step.verb
    kind = verb(step)
    if kind == "remove" and step.verb == "change":
        held = ", ".join(f"{label(a.name)} {value(a.before)}" for a in step.attributes)
        return [Row("removed" if done else "remove", before=held)]
    rows = [_attribute(attribute, kind) for attribute in step.attributes if not _watch(attribute)]
    if step.verb == "change":
        return rows or [Row("created" if done and kind == "create" else kind if not done else wording.past(kind))]
    if because:
        return [Row(visible(word), because), *(rows if kind != "create" else [])]
    if len(rows) == 1:
        only = rows[0]
        before = f"{only.label} {only.before}" if only.before is not None else only.label
        return [Row(visible(word), before=before, after=only.after)]
    return [Row(visible(word)), *rows]


def _watch(attribute: Attribute) -> bool:
    """Why a service is restarted, which is told in words."""
    return attribute.after == CURRENT


def _attribute(attribute: Attribute, kind: str) -> Row:
    before, after = attribute.before, attribute.after
    if kind == "create" and before is None:
        return Row(label(attribute.name), before=value(after))
    short = value(before), value(after)
    if short[0] == short[1]:  # digests that begin alike, or values of another type
        short = visible(str(before)), visible(str(after))
    return Row(label(attribute.name), before=short[0], after=short[1])


def _after(step: Step) -> list[Row]:
    """The checks that an apply asks before it begins a step."""
    return [Row("after", wording.gates_text(step.gates))] if step.gates else []


def _answer(show: Mapping[str, str]) -> list[Row]:
    return [Row(visible(name), visible(text)) for name, text in show.items()]


def _because(*texts: str) -> list[Row]:
    found = [line for text in dict.fromkeys(filter(None, texts)) for line in lines(text)]
    return [Row("" if at else "because", line.strip(), role="because") for at, line in enumerate(found)]


def _sentences(first: str, text: str) -> list[Row]:
    said = lines(text) if text else [""]
    return [Row(first, said[0].strip()), *(Row("", line.strip()) for line in said[1:])]


def _fix(fix: Command | None) -> list[Row]:
    return [Row("fix", visible(wording.command_line(fix)), role="fix", fix=fix)] if fix is not None else []


def _output(output: str) -> list[Row]:
    if not output.strip():
        return []
    said = lines(output)
    more = len(said) - _OUTPUT
    said = [wording.lines_above(more), *said[-_OUTPUT:]] if more > 0 else said
    return [Row("" if at else "output", line, role="output") for at, line in enumerate(said)]


def _actions(step: Step, verbosity: int) -> list[Row]:
    if verbosity < 1:
        return []
    first = wording.action_label(step.actions)
    return [Row("" if at else first, visible(title), role="action") for at, title in enumerate(step.actions)]
