"""Templates that take Jinja2: expressions, filters, blocks. Imported when the first one is rendered.

Jinja2 works on plain values, so a secret is revealed to it, and the render is marked as having seen one: whatever
comes out of a marked render is a Secret, and what its errors say is withheld. No part of a secret can so get into
anything else, whatever filters do to it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined
from jinja2.environment import Template, TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from jinja2.utils import _PassArg, missing, pass_context

from engine.bounds import DEPTH
from engine.codes import Code
from engine.declare.host_facts import HostNames
from engine.declare.templates.filters import INSTEAD, OF_ANYTHING, OF_PLAIN_DATA, combine
from engine.declare.templates.names import MISSING, Lazy, Names, RenderError, SecretNames, undefined
from engine.declare.templates.sandbox import WORK, Bounded, PlannedActions, output, work
from engine.declare.yaml.scalars import NoText, as_text, bare
from engine.errors import EngineError
from engine.model import Secret

_RENDER = "\0render"
"""Key of the render in its context; no template can spell it."""
_CR = "\x1d"
"""Stands for a carriage return on the way through Jinja2, which would make a newline of it."""
_ENDRAW = re.compile(rf"(\{{%[-+]?\s*endraw\s*%\}}){_CR}(?=\n)")
"""The end of raw text and a CRLF; Jinja2 tells nobody about this block."""


class _Render:
    """One rendering: what it can refer to, and whether it has seen a secret."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.secrets: list[Secret] = []
        self.work = PlannedActions()

    def context(self) -> dict[str, Any]:
        return {_RENDER: self, WORK: self.work}

    def open(self, value: Any) -> Any:
        """A value as Jinja2 gets it; a map that holds a secret is opened key by key."""
        if isinstance(value, Secret):
            self.secrets.append(value)
            return value.reveal()
        if isinstance(value, Mapping):
            return _View(value, self) if _may_hold_secret(value) else value
        if isinstance(value, list | tuple):
            return [self.open(item) for item in value] if _may_hold_secret(value) else value
        return value


class _View(Mapping[str, Any]):
    """A map in which a secret stands: it is revealed, and the render marked, when that key is used."""

    def __init__(self, data: Mapping[str, Any], render: _Render) -> None:
        self.data = data
        self.render = render

    def __getitem__(self, key: str) -> Any:
        return self.render.open(self.data[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        raise NoText("a map cannot be part of text")


class _Missing(Exception):
    def __init__(self, name: Any, owner: Any) -> None:
        super().__init__()
        self.name = name
        self.owner = owner


class _Undefined(StrictUndefined):
    """A name that is not defined; using it is an error that knows the name and where it was looked for."""

    def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = None) -> None:
        super().__init__(hint, obj, name)
        self._undefined_exception: Any = self._fault(obj, name, exc)

    @staticmethod
    def _fault(owner: Any, name: Any, error: Any) -> Callable[[str], Exception]:
        if isinstance(error, type):
            return lambda message: SecurityError(message) if error is SecurityError else _Missing(name, owner)
        return lambda message: error or _Missing(name, owner)


class _Context(Context):
    """Looks names up when a template asks for them, so that only what is used is rendered."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        render: _Render = self.parent[_RENDER]
        try:
            value = render.names.lookup(key)
        except RenderError as fault:
            if not fault.undefined:
                raise
            return _Undefined(name=key, exc=fault)
        if value is not MISSING:
            return render.open(value)
        return self.parent.get(key, missing)


class _Environment(Bounded):
    context_class = _Context

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`map.key` is the key before it is a method, so that a key may be called `items`."""
        if isinstance(obj, Mapping) and attribute in obj:
            return self.getitem(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What is there, or a name that is not defined; so is a fact that the host does not report."""
        try:
            return super().getitem(obj, argument)
        except RenderError as fault:
            if not fault.undefined:
                raise
            return _Undefined(name=argument, exc=fault)


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    if isinstance(value, Undefined):
        return str(value)
    text = as_text(list(value) if isinstance(value, Iterator) else value)
    work(context).charge(len(text))
    return text


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(_closed(value, reveal=True), ensure_ascii=False, indent=indent)


def _of_plain_data(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that gets plain data, what is secret in it revealed."""
    wanted = _PassArg.from_obj(filter_) is not None

    @pass_context
    @functools.wraps(filter_)
    def filtered(context: Context, *given: Any, **options: Any) -> Any:
        plain = [_closed(value, reveal=True) for value in given]
        named = {name: _closed(value, reveal=True) for name, value in options.items()}
        return filter_(*((context,) if wanted else ()), *plain, **named)

    return filtered


@pass_context
def _combine(context: Context, *terms: Any, recursive: bool = False, list_merge: str = "replace") -> Any:
    """Maps in one. Secrets in them stay where they are: the other keys of the outcome are none."""
    render: _Render = context.parent[_RENDER]
    made = combine(*map(_unopened, terms), recursive=recursive, list_merge=list_merge)
    return render.open(work(context).take(made))


def _unopened(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_unopened(item) for item in value]
    if isinstance(value, Undefined):
        str(value)
    return value.data if isinstance(value, _View) else value


class _TrimmedCrlf(Extension):
    """`trim_blocks` for lines that end in CRLF: Jinja2 itself takes nothing but a newline off."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        trimmed = False
        for token in stream:
            if trimmed and token.type == "data" and token.value.startswith(f"{_CR}\n"):
                token = Token(token.lineno, token.type, token.value[2:])
            trimmed = token.type == "block_end" and token.value == "%}"
            yield token


@functools.cache
def _environment(*, file: bool = False) -> _Environment:
    """Where templates run. `file`: those of files, in which a line that ends in a block ends with it."""
    environment = _Environment(
        extensions=[_TrimmedCrlf] if file else [],
        trim_blocks=file,
        undefined=_Undefined,
        finalize=_finalize,
        keep_trailing_newline=True,
        comment_start_string="\0#",
        comment_end_string="#\0",
    )
    # A plan that changes by itself would be a lie.
    del environment.filters["random"]
    for name in ("lipsum", "cycler", "joiner"):
        del environment.globals[name]
    environment.filters["tojson"] = _to_json
    environment.filters |= {name: _of_plain_data(filter_) for name, filter_ in OF_PLAIN_DATA.items()}
    environment.filters |= {**OF_ANYTHING, "combine": _combine}
    environment.bound_filters()
    return environment


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> Template | TemplateExpression:
    environment = _environment()
    tokens = environment.tokens(text)
    kinds = [kind for _, kind, _ in tokens]
    if kinds[0] == "variable_begin" and kinds[-1] == "variable_end" and kinds.count("variable_end") == 1:
        inner = text[len(tokens[0][2]) : len(text) - len(tokens[-1][2])]
        return environment.compile_expression(inner, undefined_to_none=False)
    return environment.from_string(text)


@functools.lru_cache(maxsize=256)
def _file(text: str, filename: str) -> Template:
    environment = _environment(file=True)
    text = _ENDRAW.sub(r"\1", text)
    environment.tokens(text)
    code = environment.compile(text, filename=filename)
    return Template.from_code(environment, code, environment.make_globals(None))


def render(text: str, names: Names) -> Any:
    """See `template.render`."""
    this = _Render(names)
    with _Faults(this, text, "") as faults:
        compiled = _compiled(text.replace("\r", _CR))
        if isinstance(compiled, Template):
            return _sealed(_restored(output(compiled, this.context()), text), this, text)
        faults.filename = ""  # an expression's code has lines of its own
        value = compiled(this.context())
        if isinstance(value, Undefined):
            str(value)
        closed = _closed(value)
        this.work.expect(this.work.weights.of(closed))
        return _sealed(closed, this, text)


def render_text(text: str, names: Names, filename: str) -> str | Secret:
    """See `template.render_text`."""
    this = _Render(names)
    with _Faults(this, text, filename):
        rendered = output(_file(text.replace("\r", _CR), filename), this.context())
        result: str | Secret = _sealed(_restored(rendered, text), this, text)
        return result


def _restored(result: str, text: str) -> str:
    return result.replace(_CR, "\r") if "\r" in text else result


def _closed(value: Any, *, reveal: bool = False) -> Any:
    """What an expression gave, as plain data; a map with a secret in it is itself again (or its content)."""
    if isinstance(value, _View) and not reveal:
        if isinstance(value.data, SecretNames):
            raise RenderError("`secrets` is not a value", ("name one of them: `secrets.NAME`",))
        return value.data
    if isinstance(value, Mapping):
        return {bare(key) if reveal else as_text(key): _closed(value[key], reveal=reveal) for key in value}
    if isinstance(value, list | tuple | range | Iterator):
        return [_closed(item, reveal=reveal) for item in value]
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float | Secret):
        return bare(value) if reveal else value
    raise RenderError("the expression returns a function or an object, not a value")


def _sealed(value: Any, render: _Render, text: str) -> Any:
    """The outcome of rendering `text`: secret in every part once the render has seen a secret."""
    if not render.secrets or isinstance(value, Secret):
        return value
    if isinstance(value, Mapping):
        if any(key not in text for key in value):
            raise RenderError(
                "a map built with a secret may only have keys that are written in the template",
                code=Code.SECRET_EXPOSED,
            )
        return {key: _sealed(item, render, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed(item, render, text) for item in value]
    return Secret(as_text(value), render.secrets[0].name)


def _may_hold_secret(value: Any) -> bool:
    if isinstance(value, HostNames):
        return False  # to look would be to refer to every fact
    if isinstance(value, Lazy):
        return True  # to look would be to make all that is in it
    if isinstance(value, Mapping):
        return isinstance(value, SecretNames) or any(_may_hold_secret(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_may_hold_secret(item) for item in value)
    return isinstance(value, Secret)


class _Faults:
    """Whatever goes wrong while rendering → a Fault that tells no secret."""

    def __init__(self, render: _Render, text: str, filename: str) -> None:
        self.render = render
        self.text = text
        self.filename = filename or "<template>"

    def __enter__(self) -> _Faults:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, EngineError):
            return
        if isinstance(error, RenderError):
            if not error.where:
                error.line = error.line or self.line(error)
            return
        raise self.fault(error) from None

    def fault(self, error: Exception) -> RenderError:
        line = getattr(error, "lineno", None) or self.line(error)
        while isinstance(error, _Missing) and isinstance(error.name, Undefined):
            # `list[name]`, where it is the name that is not defined.
            error = error.name._undefined_exception("")
        if isinstance(error, RenderError):
            return error
        if isinstance(error, TemplateSyntaxError):
            return RenderError(f"the template is invalid: {_sentence(error)}", self.filters(str(error)), line=line)
        if isinstance(error, _Missing) and (not self.render.secrets or str(error.name) in self.text):
            owner = MISSING if error.owner is missing else error.owner
            if isinstance(owner, _View):
                owner = owner.data
            elif self.render.secrets and owner is not MISSING:
                owner = {}  # its keys may be secret
            fault = undefined(str(error.name), self.render.names, owner, self.path(str(error.name)))
            fault.line = line
            return fault
        if isinstance(error, RecursionError):
            what = "the template is nested too deeply, or one of its macros never stops calling itself"
            return RenderError(
                what,
                (f"parts of a template may be nested about {DEPTH} levels deep",),
                line=line,
                code=Code.TEMPLATE_LIMIT,
            )
        if isinstance(error, NoText):
            return RenderError(str(error), ("`| join(', ')` and `| tojson` turn it into text",), line=line)
        if self.render.secrets:
            hint = "the message is hidden, because it may contain the secret"
            return RenderError("the template cannot be rendered with this secret", (hint,), line=line)
        if isinstance(error, SecurityError):
            return RenderError(f"not allowed in a template: {_sentence(error)}", line=line)
        if isinstance(error, TemplateError):
            return RenderError(f"the template cannot be rendered: {_sentence(error)}", line=line)
        return RenderError(f"the template cannot be rendered: {_sentence(error) or type(error).__name__}", line=line)

    def path(self, name: str) -> str:
        """Where a template looks for a key, if that is only in one place: `map` in `map.key` and `map['key']`."""
        if len(self.text) > 10_000:
            return ""
        found = set(re.findall(r"([A-Za-z_][\w.]*)(?:\.|\[['\"])" + re.escape(name) + r"\b", self.text))
        return found.pop() if len(found) == 1 else ""

    def filters(self, message: str) -> tuple[str, ...]:
        from engine.declare.schema.validate import near

        for what, known in (("filter", _environment().filters), ("test", _environment().tests)):
            if message.startswith(f"No {what} named "):
                name = message.split("'")[1]
                short = name.removeprefix("ansible.builtin.")
                if short != name and short in known:
                    return (f"write it without `ansible.builtin.`: `{short}`",)
                if what == "filter" and short in INSTEAD:
                    return (INSTEAD[short],)
                return near(short, [each for each in known if not each.startswith("\0")])
        return ()

    def line(self, error: Exception) -> int:
        """The line of the template that was being rendered; Jinja2 puts it into the traceback."""
        trace, line = error.__traceback__, 0
        while trace:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def _sentence(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).strip().rstrip(".")
