"""Where Jinja2 runs: what a template may do, and how much. Imported for the first template that takes it.

Every turn of a loop, every call and filter is a step of a rendering's `Work`, and what each of them makes is weighed.
What one step could make too much of (`'x' * 10**9`) is estimated before it is made. So no template takes long, fills
the memory, or holds a value that doubles with each step.
"""

from __future__ import annotations

import functools
import itertools
import re
import string
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Template, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, _PassArg, pass_context
from jinja2.visitor import NodeTransformer

from engine import bounds
from engine.codes import Code
from engine.declare.templates.names import RenderError

WORK = "\0work"
"""Key of the work in a context; no template can spell it."""
_TURN, _WHOLE, _JOINED = "\0turn", "\0whole", "\0joined"
"""Filters that stand where the compiler puts them: at a turn of a loop, around a list or map, for `~`."""


class PlannedActions:
    """What one rendering has done. Each method raises Fault where a bound is reached."""

    def __init__(self) -> None:
        self.steps = 0
        self.made = 0
        self.weights = bounds.Weights()
        self.deadline = time.monotonic() + bounds.RENDERING

    def step(self) -> None:
        """One more turn, call or filter."""
        self.steps += 1
        if self.steps > bounds.STEPS:
            raise _too_much(f"takes more than {bounds.STEPS} steps (turns of loops, calls, filters)")
        if time.monotonic() > self.deadline:
            raise _too_much(f"takes longer than {bounds.RENDERING:g} s")

    def expect(self, size: float) -> None:
        """Something of that many characters or items is about to be made."""
        if size > bounds.TEXT:
            raise _too_much(f"makes a value of more than {bounds.TEXT} characters or items")

    def take(self, value: Any) -> Any:
        """The value, made by a step; what an iterator gives is taken one by one."""
        if isinstance(value, Iterator):
            return self._each(value)
        if isinstance(value, int) and value.bit_length() > bounds.BITS:
            raise _too_much(f"makes a number of more than {bounds.BITS} bits")
        self.charge(self.weights.of(value))
        return value

    def charge(self, size: int) -> None:
        """So many characters and items have been made."""
        self.expect(size)
        self.made += size
        if self.made > bounds.MADE:
            raise _too_much(f"makes more than {bounds.MADE} characters and items on the way")

    def _each(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield self.take(item)


def _too_much(what: str) -> RenderError:
    return RenderError(
        f"the template {what}", ("simplify it; docs/language.md lists the limits",), code=Code.TEMPLATE_LIMIT
    )


def work(context: Context) -> PlannedActions:
    """The work of the rendering that a context belongs to."""
    found: PlannedActions = context.parent[WORK]
    return found


def output(template: Template, variables: dict[str, Any]) -> str:
    """What a template gives, taken piece by piece, so that too much of it is noticed before it is there."""
    pieces, size = [], 0
    for piece in template.generate(variables):
        pieces.append(piece)
        size += len(piece)
        variables[WORK].expect(size)
    return "".join(pieces)


class Space(Namespace):
    """`namespace()`: what stands in it is not shown, for it may hold others that do."""

    def __repr__(self) -> str:
        return "<namespace>"


class Bounded(ImmutableSandboxedEnvironment):
    """The sandbox, counting."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals["namespace"] = Space
        self.filters |= {_TURN: _turn, _WHOLE: _whole, _JOINED: _joined}

    def bound_filters(self) -> None:
        """Let every filter there is by now count."""
        for name, filter_ in self.filters.items():
            if not name.startswith("\0"):
                self.filters[name] = _counted(name, filter_)

    def tokens(self, text: str) -> list[tuple[int, str, str]]:
        """The tokens of a template. Raises Fault where there are so many that it would take long to compile."""
        found = list(itertools.islice(self.lex(text), bounds.PARTS + 1))
        if len(found) > bounds.PARTS:
            raise _too_much(f"has more than {bounds.PARTS} words and signs in its expressions and blocks")
        return found

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        return super()._generate(_Counting().visit(source), *arguments, **options)

    def call(self, context: Context, called: Any, /, *arguments: Any, **options: Any) -> Any:
        """Call what a template calls."""
        done = work(context)
        done.step()
        # What the sandbox hands out for `format` wraps it.
        method = getattr(called, "__wrapped__", called)
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str | bytes | int | float):
            if name == "join" and arguments:
                arguments = (list(done.take(iter(arguments[0]))), *arguments[1:])
            _estimate(done, name, owner, (*arguments, *options.values()))
        return done.take(super().call(context, called, *arguments, **options))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left * right` and the like."""
        done = work(context)
        done.step()
        if operator == "*":
            done.expect(_product(done, left, right))
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * max(right, 0) > bounds.BITS:
                raise _too_much(f"makes a number of more than {bounds.BITS} bits")
        elif operator == "%" and isinstance(left, str | bytes):
            done.expect(_percent(done, left, right))
        elif operator == "+" and not isinstance(left, int | float):
            done.expect(done.weights.of(left) + done.weights.of(right))
        return done.take(super().call_binop(context, operator, left, right))


class _Counting(NodeTransformer):
    """Puts the counting filters into a template's syntax tree."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        text = sum(len(data.data) for part in node.body for data in _data(part))
        turn = nodes.ExprStmt(_filter(_TURN, nodes.Const(None), nodes.Const(text)))
        turn.set_lineno(node.lineno)
        node.body.insert(0, turn)
        if node.test is not None:
            node.test = _filter(_TURN, node.test, nodes.Const(0))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter(_JOINED, nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _filter(_WHOLE, node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _filter(_WHOLE, node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _filter(_WHOLE, node) if node.ctx == "load" else node


def _filter(name: str, node: Any, *arguments: nodes.Expr) -> nodes.Filter:
    made = nodes.Filter(node, name, list(arguments), [], None, None)
    made.set_lineno(node.lineno or 1)
    return made


def _data(node: nodes.Node) -> Iterator[nodes.TemplateData]:
    """The text that stands in a part of a template as it is."""
    if isinstance(node, nodes.TemplateData):
        yield node
    yield from node.find_all(nodes.TemplateData)


@pass_context
def _turn(context: Context, value: Any, text: int) -> Any:
    work(context).step()
    work(context).charge(text)
    return value


@pass_context
def _whole(context: Context, value: Any) -> Any:
    return work(context).take(value)


@pass_context
def _joined(context: Context, parts: list[Any]) -> str:
    done = work(context)
    done.expect(sum(map(done.weights.of, parts)))
    return str(done.take("".join(map(str, parts))))


def _counted(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that counts as a step; what it makes is weighed."""
    wanted = _PassArg.from_obj(filter_)

    @pass_context
    @functools.wraps(filter_)
    def counted(context: Context, value: Any, *arguments: Any, **options: Any) -> Any:
        done = work(context)
        done.step()
        if name == "join":
            value = list(done.take(iter(value)))
        _estimate(done, name, value, (*arguments, *options.values()))
        first = {
            _PassArg.context: (context,),
            _PassArg.eval_context: (context.eval_ctx,),
            _PassArg.environment: (context.environment,),
        }
        return done.take(filter_(*(first[wanted] if wanted else ()), value, *arguments, **options))

    return counted


# --- what one step may make, before it is made


def _estimate(done: PlannedActions, name: str, value: Any, given: tuple[Any, ...]) -> None:
    """Raises Fault where a filter, or a method of text or a number, would make too much of what it is given."""
    rule = _GROWING.get(name)
    if rule is not None:
        done.expect(rule(done, value, given))


def _number(given: tuple[Any, ...], default: int = 0) -> int:
    return max((abs(part) for part in given if isinstance(part, int)), default=default)


def _longest(given: Iterable[Any]) -> int:
    return max((len(part) for part in given if isinstance(part, str | bytes)), default=0)


def _product(done: PlannedActions, left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length()
    times, value = (left, right) if isinstance(left, int) else (right, left)
    size: int = done.weights.of(value) * max(times, 1) if isinstance(times, int) else 1
    return size


def _percent(done: PlannedActions, text: Any, given: Any) -> int:
    """The size of what `text % given` makes."""
    values = given if isinstance(given, tuple) else (given,)
    plain = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    widths = [part for found in _PERCENT.finditer(plain) for part in found.groups() if part]
    width = sum(_number(values) if part == "*" else int(part[:12]) for part in widths)
    longest: int = max(map(done.weights.of, values), default=0)
    return len(plain) + width + plain.count("%") * longest


def _braces(done: PlannedActions, text: Any, given: tuple[Any, ...]) -> int:
    """The size of what `text.format(...)` makes."""
    size = len(text)
    for _, field, spec, _ in string.Formatter().parse(str(text)):
        if field is not None:
            widths = [_number(given)] if "{" in (spec or "") else []
            widths += [int(part[:12]) for part in re.findall(r"\d+", spec or "")]
            size += sum(widths) + max(map(done.weights.of, given), default=0)
    return size


def _replaced(done: PlannedActions, value: Any, given: tuple[Any, ...]) -> int:
    if len(given) < 2:
        return 0
    text, old, new = str(value), str(given[0]), str(given[1])
    return len(text) + (text.count(old) if old else len(text) + 1) * len(new)


def _joining(done: PlannedActions, items: Any, between: Any) -> int:
    """The size of items put together; both an item and what stands between them may be long."""
    return done.weights.of(items) + (len(items) if isinstance(items, list) else 1) * _longest([between])


def _join(done: PlannedActions, value: Any, given: tuple[Any, ...]) -> int:
    """`items | join(between)` and `between.join(items)`."""
    other = given[0] if given else ""
    return _joining(done, other, value) if isinstance(value, str | bytes) else _joining(done, value, other)


def _translated(done: PlannedActions, value: Any, given: tuple[Any, ...]) -> int:
    table: dict[Any, Any] = given[0] if given and isinstance(given[0], dict) else {}
    return len(str(value)) * max(_longest(table.values()), 1)


_PERCENT = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\d+|\*)?(?:\.(\d+|\*))?")
_WIDTHS = ("center", "ljust", "rjust", "zfill", "batch", "slice", "round", "to_bytes")
_GROWING: Mapping[str, Callable[[PlannedActions, Any, tuple[Any, ...]], int]] = {
    **dict.fromkeys(_WIDTHS, lambda done, value, given: _number(given)),
    "expandtabs": lambda done, value, given: done.weights.of(value) * _number(given, 8),
    "indent": lambda done, value, given: (str(value).count("\n") + 1) * max(_number(given, 4), _longest(given)),
    "tojson": lambda done, value, given: done.weights.of(value) * (1 + _number(given)),
    "wordwrap": lambda done, value, given: done.weights.of(value) * (1 + _longest(given)),
    "replace": _replaced,
    "join": _join,
    "translate": _translated,
    "format": lambda done, value, given: _percent(done, value, given) + _braces(done, value, given),
    "format_map": lambda done, value, given: _braces(done, value, tuple(given[0].values()) if given else ()),
}
"""Filter or method → the size of what it makes of its value and what else it is given."""
