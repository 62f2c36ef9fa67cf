"""Cases as data: what a kind makes of parameters and facts, without a host. `engine.kit.testing` hands this on.

A folder holds YAML files; each is a list of cases with these keys:
  name      what the case shows
  params    as in a state file
  error     a part of what is said of wrong parameters; then nothing else is looked at
  facts     what the probe reported
  refused   a part of the refusal that `actual`, `desired` or `actions` answers with
  before    the state found, whole; null: absent
  after     the state declared, whole; null: absent
  differs   the attributes that differ, in order
  actions   a list, whole: `title`, and parts of `vars`, `args` whole, `upload` as {directory, files}
  texts     as `Resource.texts` answers
  probe     of the probe's script: parts of `vars`, `args` whole

Tags of values: `!secret TEXT` a secret, `!seen TEXT` one that is known by its digest, `!digest TEXT` SHA-256, `!short
TEXT` the same as states show it, `!upstream REASON` what only a change upstream makes known, `!source TEXT` a file of
the controller, `!source {NAME: TEXT}` a directory: there a name that ends in `*` is executable, and a text that is a
number stands for so many bytes that are not at hand.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from engine.errors import InvalidParameter, Refused
from engine.kit.kind import Kind
from engine.model import Change, HostPath, Resource, Script, Secret, Source, SourceFile, Unknown

KEYS = {"name", "params", "error", "facts", "refused", "before", "after", "differs", "actions", "texts", "probe"}
_ROOT = Path("/src")
_R = TypeVar("_R", bound=Resource)


def cases(kind: type[Resource], folder: Path | None = None) -> Callable[[dict[str, Any]], None]:
    """The cases of a kind as one test, for pytest to collect: give it a name that begins with `test_`.

    `folder`: where they are; left out, `cases` beside the module of the kind. Raises ValueError for a folder without
    cases, and where something in it is none.
    """
    place = folder or Path(sys.modules[kind.__module__].__file__ or "").parent / "cases"
    found = list(_read(place))
    if not found:
        raise ValueError(f"{place} holds no cases")

    def test(case: dict[str, Any]) -> None:
        check(kind, case)

    marked: Callable[[dict[str, Any]], None] = pytest.mark.parametrize("case", found)(test)
    return marked


def check(kind: type[Resource], case: Mapping[str, Any]) -> None:
    """Try one case. Fails the test that runs, with what was found."""
    if "error" in case:
        _refused("error", case["error"], lambda: make(kind, case["params"]))
        return
    resource = make(kind, case["params"])
    if "probe" in case:
        _check_script("probe", resource.probe(), case["probe"])
    if "facts" not in case:
        return
    facts = {name: str(value) for name, value in case["facts"].items()}
    if "refused" in case:
        _refused("refused", case["refused"], lambda: list(resource.actions(_change(resource, facts))))
        return
    change = _change(resource, facts)
    found: Mapping[str, Callable[[], object]] = {
        "before": lambda: None if change.before is None else dict(change.before),
        "after": lambda: None if change.after is None else dict(change.after),
        "differs": lambda: list(change.differing()),
        "texts": lambda: {name: list(pair) for name, pair in resource.texts(facts).items()},
    }
    for key in found.keys() & case.keys():
        _same(key, found[key](), case[key])
    if "actions" in case:
        _check_actions(resource, change, case["actions"])


def make(kind: type[_R], params: Mapping[str, Any]) -> _R:
    """A resource from parameters as a state file has them: lists and paths on the host as the kind receives them."""
    names = {name: field.field for name, field in kind.fields().items()} if issubclass(kind, Kind) else {}

    def received(name: str, value: Any) -> Any:
        if kind.params.get(name, {}).get("host_path") and isinstance(value, str):
            return HostPath(value)
        return tuple(value) if isinstance(value, list) else value

    make_it: Callable[..., _R] = kind
    return make_it(**{names.get(name, name): received(name, value) for name, value in params.items()})


def _read(place: Path) -> Iterator[Any]:
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if path.suffix != ".yaml":
            raise ValueError(f"{path} is read by nobody: cases are files `*.yaml`, without folders")
        for case in yaml.load(path.read_text(encoding="utf-8"), _Loader):
            if unknown := case.keys() - KEYS:
                raise ValueError(f"{path}: a case has no key {', '.join(sorted(unknown))}")
            if not case.keys() & {"error", "facts", "probe"}:
                raise ValueError(f"{path}: the case `{case['name']}` checks nothing")
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def _check_actions(resource: Resource, change: Change, wanted: list[Mapping[str, Any]]) -> None:
    actions = list(resource.actions(change))
    _same("titles of actions", [action.title for action in actions], [each["title"] for each in wanted])
    for action, each in zip(actions, wanted, strict=True):
        _check_script(action.title, action.script, {key: each[key] for key in each if key not in ("title", "upload")})
        upload = action.upload
        found = upload and {"directory": str(upload.directory), "files": [name for name, _ in upload.files]}
        _same(f"{action.title}: upload", found, each.get("upload"))


def _check_script(what: str, script: Script, wanted: Mapping[str, Any]) -> None:
    found = {"vars": {name: script.vars.get(name, "not given") for name in wanted.get("vars", {})}}
    _same(what, {**found, "args": list(script.args)}, {"vars": {}, "args": list(script.args), **wanted})


def _change(resource: Resource, facts: Mapping[str, str]) -> Change:
    return Change(resource.actual(facts), resource.desired(facts), facts)


def _refused(what: str, wanted: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except (InvalidParameter, Refused) as error:
        said = " ".join(str(error).split())
        if wanted not in said:
            pytest.fail(f"{what}: found {said!r}\n  expected in it {wanted!r}")
    else:
        pytest.fail(f"{what}: nothing was refused")


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        pytest.fail(f"{what}: found {found!r}\n  expected {wanted!r}")


class _Loader(yaml.SafeLoader):
    """YAML with the tags that cases use."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _source(loader: yaml.SafeLoader, node: yaml.Node) -> Source:
    if isinstance(node, yaml.MappingNode):
        files = loader.construct_mapping(node, deep=True)
        return Source(_ROOT, True, tuple(_file(str(name), text) for name, text in sorted(files.items())))
    return Source(_ROOT, False, (_file("", yaml.safe_load(node.value)),))


def _file(name: str, content: str | int) -> SourceFile:
    mode = 0o755 if name.endswith("*") else 0o644
    name = name.rstrip("*")
    if isinstance(content, int):
        return SourceFile(name, _ROOT / name, content, mode, _digest(str(content)))
    data = content.encode() if not name else None
    return SourceFile(name, _ROOT / name, len(content), mode, _digest(content), data)


_TAGS: Mapping[str, Callable[[str], Any]] = {
    "!secret": Secret,
    "!seen": lambda text: Secret.seen(_digest(text)),
    "!digest": _digest,
    "!short": lambda text: f"sha256:{_digest(text)[:12]}",
    "!upstream": lambda reason: Unknown(reason, upstream=True),
}
_Loader.add_multi_constructor("!", lambda loader, tag, node: _TAGS[f"!{tag}"](loader.construct_scalar(node)))
_Loader.add_constructor("!source", _source)
