"""What is to be said of one step or outcome: rows of a label and a value. Every view shows these same words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.model import CURRENT, Attribute, Outcome, Plain, Step
from engine.views.escape import lines, visible
from engine.views.fold import count
from engine.views.summary import past, verb

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{40,64}$")
_OUTPUT = 20


@dataclass(frozen=True)
class Row:
    """A label, and either a sentence or a value before and after. All of it is visible text.

    `after` None with a `before`: only one value is to be shown. `sentence` may be wrapped, values may not.
    """

    label: str
    sentence: str = ""
    before: str | None = None
    after: str | None = None


def step_rows(step: Step, verbosity: int = 0) -> list[Row]:
    """What a plan says of a step; at least one row."""
    match step.outlook:
        case "change":
            found = _change(step, step.verb, step.reason) + _after(step)
        case "check":
            found = [_later(step), *_after(step)]
        case "failing":
            found = [Row(visible(step.expected), _now(step)), *_answer(step.show), *_because(step.cause, step.reason)]
        case "converged" if step.check:
            found = [Row(visible(step.expected), shown(step.show))]
        case "converged":
            found = [Row("unchanged", shown(step.show))]
        case "skipped":
            found = [Row("left out", f"{step.verb} still due" if step.pending else visible(step.reason))]
        case "blocked" if step.gates:
            found = [Row("blocked", f"by {_listed(step.gates)}")]
            found += [] if step.check else _change(step, step.verb, "")
        case outlook:
            found = _sentences(outlook, step.reason or _first(step.cause))
    return found + _actions(step, verbosity)


def outcome_rows(outcome: Outcome, fix: str = "", verbosity: int = 0) -> list[Row]:
    """What a report says of an outcome; at least one row. `fix` is what to run, if anything helps."""
    step = outcome.step
    match outcome.verdict:
        case "changed":
            found = _change(step, past(step.verb), outcome.reason)
            found += [Row("", shown(outcome.show))] if outcome.show else []
        case "passed":
            found = [Row(visible(step.expected), shown(outcome.show))]
        case "unchanged":
            found = [Row("unchanged", shown(outcome.show))]
        case "failed" if step.check:
            found = _failed_check(outcome)
        case "failed":
            found = _change(step, step.verb, "")[:1] + _because(outcome.cause, outcome.reason)
        case "unproven":
            found = [Row(visible(step.expected), _joined("not proven", outcome.reason))]
        case "left":
            found = [Row("left out", f"{step.verb} still due" if outcome.due else visible(outcome.reason))]
        case verdict:
            found = _sentences(verdict, outcome.reason or _first(outcome.cause))
    found += [Row("fix", visible(fix))] if fix else []
    return found + _output(outcome.output) + _actions(step, verbosity)


def value(plain: Plain, quiet: str = "absent") -> str:
    """A value as it is shown: commits and digests by their first 7 characters, blanks at the ends quoted."""
    if plain is None:
        return quiet
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    text = visible(str(plain))
    if _DIGEST.match(text):
        return text.removeprefix("sha256:")[:7]
    return f'"{text}"' if text != text.strip() or not text else text


def label(name: str) -> str:
    """An attribute's name as it is shown: as it is, for it may be the name of a key or a file."""
    return visible(name)


def shown(show: Mapping[str, str]) -> str:
    """`ComfyUI 0.3.64, RAM 62.7 GiB`"""
    return ", ".join(visible(f"{name} {text}") for name, text in show.items())


def _change(step: Step, word: str, reason: str) -> list[Row]:
    if step.outlook == "error":
        return [Row("not seen")]
    done = word != step.verb
    kind = verb(step)
    if kind == "remove" and step.verb == "change":
        held = ", ".join(f"{label(a.name)} {value(a.before)}" for a in step.attributes)
        return [Row("removed" if done else "remove", before=held)]
    rows = [_attribute(attribute, kind) for attribute in step.attributes if not _watch(attribute)]
    if step.verb == "change":
        return rows or [Row("created" if done and kind == "create" else kind if not done else past(kind))]
    if reason:
        return [Row(visible(word), _joined("because", reason)), *(rows if kind != "create" else [])]
    if len(rows) == 1:
        only = rows[0]
        before = f"{only.label} {only.before}" if only.before is not None else only.label
        return [Row(visible(word), before=before, after=only.after)]
    return [Row(visible(word)), *rows]


def _watch(attribute: Attribute) -> bool:
    """Why a service is restarted: its reason says so in words."""
    return attribute.after == CURRENT


def _attribute(attribute: Attribute, kind: str) -> Row:
    before, after = attribute.before, attribute.after
    if kind == "create" and before is None:
        return Row(label(attribute.name), before=value(after))
    short = value(before), value(after)
    if short[0] == short[1]:  # digests that begin alike, or values of another type
        short = visible(str(before)), visible(str(after))
    return Row(label(attribute.name), before=short[0], after=short[1])


def _later(step: Step) -> Row:
    if not step.check:
        first = label(step.attributes[0].name) if step.attributes and step.verb == "change" else step.verb
        why = f"{visible(_line(step.reason))}; " if step.reason else ""
        return Row(first, f"{why}checked after apply")
    if not step.now:
        return Row(visible(step.expected), "checked after apply")
    why = f", because {_first(step.cause)}" if step.cause and step.attributes else ""
    return Row(visible(step.expected), f"{_now(step)}{why}; checked after apply")


def _after(step: Step) -> list[Row]:
    """The checks that an apply asks before it begins a step."""
    if not step.gates:
        return []
    return [Row("after", f"{_listed(step.gates)} {'has' if len(step.gates) == 1 else 'have'} passed")]


def _listed(names: Sequence[str]) -> str:
    *some, last = map(visible, names)
    return f"{', '.join(some)} and {last}" if some else last


def _now(step: Step) -> str:
    """What came; where that is as expected, but something else in the answer is not, what that is."""
    now = visible(_line(step.now))
    now = now if now.startswith("now ") or not now else f"now {now}"
    wrong = [f"{label(a.name)} is {value(a.before)}, not {value(a.after)}" for a in step.attributes]
    return f"{now}, but {'; '.join(wrong)}" if wrong and step.now == step.expected else now


def _answer(show: Mapping[str, str]) -> list[Row]:
    return [Row(visible(name), visible(text)) for name, text in show.items()]


def _failed_check(outcome: Outcome) -> list[Row]:
    got = visible(_line(outcome.now))
    said = visible(_line(outcome.reason))
    plain = outcome.step.attributes or outcome.now
    first, reason = f"got {got}" if got and plain else said, outcome.reason
    if outcome.now == outcome.step.expected and said and got:
        first, reason = f"got {got}, but {said}", ""
    elif first == said or _says(outcome, got):
        reason = ""
    return [Row(visible(outcome.step.expected), first), *_answer(outcome.show), *_because(outcome.cause, reason)]


def _says(outcome: Outcome, got: str) -> bool:
    """Whether the reason says no more than what was got and what was expected."""
    reason = visible(outcome.reason)
    return reason.endswith(f" is {got}, not {visible(outcome.step.expected)}") and ";" not in reason


def _because(cause: str, reason: str) -> list[Row]:
    found = [text for text in (reason, cause) if text]
    rows = [row for text in dict.fromkeys(found) for row in _sentences("because", text)]
    return rows[:1] + [Row("" if row.label == "because" else row.label, row.sentence) for row in rows[1:]]


def _sentences(first: str, text: str) -> list[Row]:
    said = lines(text) if text else [""]
    return [Row(first, said[0].strip()), *(Row("", line.strip()) for line in said[1:])]


def _output(output: str) -> list[Row]:
    if not output.strip():
        return []
    said = lines(output)
    more = len(said) - _OUTPUT
    rows = [Row("", f"({count(more, 'more line')} above)")] if more > 0 else []
    rows += [Row("", line) for line in said[-_OUTPUT:]]
    return [Row("output", rows[0].sentence), *rows[1:]]


def _actions(step: Step, verbosity: int) -> list[Row]:
    if verbosity < 1 or not step.actions:
        return []
    said = [visible(title) for title in step.actions]
    return [Row("actions" if len(said) > 1 else "action", said[0]), *(Row("", title) for title in said[1:])]


def _joined(word: str, sentence: str) -> str:
    said = visible(_line(sentence))
    if not said:
        return word
    link = " " if word == "because" else ": "
    return said if said.startswith(f"{word} ") else f"{word}{link}{said}"


def _first(sentence: str) -> str:
    """`login-password differs` of `login-password differs: line 1 is A, not B`."""
    return visible(_line(sentence)).partition(": ")[0]


def _line(text: str) -> str:
    return " ".join(text.split("\n")) if "\n" in text else text
