"""What a kind makes of parameters and facts, without a host. The cases are data: tests/cases/KIND/*.yaml.

Each file is a list of cases, with these keys:
  name      what the case shows
  params    as in a state file, converted as the schema says; `!secret TEXT` is a secret, `!source` a source
  error     a part of what is said of wrong parameters; then nothing else is looked at
  facts     what the probe reported
  refused   a part of the refusal that `actual`, `desired` or `actions` answers with
  before    the state found, whole; null: absent
  after     the state declared, whole; null: absent
  differs   the attributes that differ, in order
  actions   a list, whole: `title`, and parts of `vars`, `args` whole, `upload` as {directory, files}
  texts     as `Resource.texts` answers
  probe     of the probe's script: parts of `vars`, `args` whole
Further tags: `!digest TEXT` SHA-256, `!short TEXT` the same as states show it, `!seen TEXT` a secret known by digest,
`!upstream REASON` what only a change upstream makes known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.declare.registry import Kinds
from engine.errors import InvalidParameter, Refused
from engine.model import Action, Change, HostPath, Resource, Script, Secret, Source, SourceFile, Unknown

HERE = Path(__file__).parent
KEYS = {"name", "params", "error", "facts", "refused", "before", "after", "differs", "actions", "texts", "probe"}


class Loader(yaml.SafeLoader):
    """YAML with the tags that cases use."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _source(loader: yaml.SafeLoader, node: yaml.Node) -> Source:
    """`!source {NAME: TEXT}` a tree, `!source TEXT` a file; a name that ends in `*` is executable, a text that is a
    number stands for so many bytes that are not at hand."""
    if isinstance(node, yaml.MappingNode):
        files = loader.construct_mapping(node, deep=True)
        return Source(Path("/src"), True, tuple(_file(name, text) for name, text in sorted(files.items())))
    assert isinstance(node, yaml.ScalarNode)
    return Source(Path("/src"), False, (_file("", yaml.safe_load(node.value)),))


def _file(name: str, content: str | int) -> SourceFile:
    mode = 0o755 if name.endswith("*") else 0o644
    name = name.rstrip("*")
    if isinstance(content, int):
        return SourceFile(name, Path("/src", name), content, mode, _digest(str(content)))
    data = content.encode() if not name else None
    return SourceFile(name, Path("/src", name), len(content), mode, _digest(content), data)


for tag, build in {
    "!secret": Secret,
    "!digest": _digest,
    "!short": lambda text: f"sha256:{_digest(text)[:12]}",
    "!seen": lambda text: Secret.seen(_digest(text)),
}.items():
    Loader.add_constructor(tag, lambda loader, node, build=build: build(loader.construct_scalar(node)))
Loader.add_constructor("!upstream", lambda loader, node: Unknown(loader.construct_scalar(node), True))
Loader.add_constructor("!source", _source)


def _cases() -> Iterator[Any]:
    for path in sorted(HERE.glob("*/*.yaml")):
        for case in yaml.load(path.read_text(), Loader):
            assert set(case) <= KEYS, f"{path}: {set(case) - KEYS}"
            yield pytest.param(path.parent.name, case, id=f"{path.parent.name}/{path.stem}: {case['name']}")


def _resource(kind: str, params: Mapping[str, Any]) -> Resource:
    cls = Kinds()[kind]
    assert set(params) <= set(cls.params)
    return cls(**{name: _converted(cls.params[name], value) for name, value in params.items()})


def _converted(schema: Mapping[str, Any], value: Any) -> Any:
    if schema.get("host_path"):
        return HostPath(value)
    return tuple(value) if isinstance(value, list) else value


def _change(resource: Resource, facts: Mapping[str, str]) -> Change:
    return Change(resource.actual(facts), resource.desired(facts), facts)


def _refusal(what: Callable[[], object]) -> str:
    try:
        what()
    except (InvalidParameter, Refused) as error:
        return " ".join(str(error).split())
    pytest.fail("nothing was refused")


@pytest.mark.parametrize(("kind", "case"), list(_cases()))
def test_case(kind: str, case: dict[str, Any]) -> None:
    if "error" in case:
        assert case["error"] in _refusal(lambda: _resource(kind, case["params"]))
        return
    resource = _resource(kind, case["params"])
    if "probe" in case:
        _check_script(resource.probe(), case["probe"])
    if "facts" not in case:
        assert "probe" in case, "the case checks nothing"
        return
    facts = {name: str(value) for name, value in case["facts"].items()}
    if "refused" in case:
        assert case["refused"] in _refusal(lambda: list(resource.actions(_change(resource, facts))))
        return
    change = _change(resource, facts)
    for name, found in {"before": change.before, "after": change.after}.items():
        if name in case:
            assert (None if found is None else dict(found)) == case[name], name
    if "differs" in case:
        assert list(change.differing()) == case["differs"]
    if "texts" in case:
        assert {name: list(pair) for name, pair in resource.texts(facts).items()} == case["texts"]
    if "actions" in case:
        actions = list(resource.actions(change))
        assert [action.title for action in actions] == [wanted["title"] for wanted in case["actions"]]
        for action, wanted in zip(actions, case["actions"], strict=True):
            _check_action(action, wanted)


def _check_action(action: Action, wanted: Mapping[str, Any]) -> None:
    assert set(wanted) <= {"title", "vars", "args", "upload"}
    _check_script(action.script, {key: wanted[key] for key in ("vars", "args") if key in wanted})
    upload = action.upload
    found = upload and {"directory": str(upload.directory), "files": [name for name, _ in upload.files]}
    assert found == wanted.get("upload")


def _check_script(script: Script, wanted: Mapping[str, Any]) -> None:
    assert set(wanted) <= {"vars", "args"}
    found = {name: script.vars.get(name, "not given") for name in wanted.get("vars", {})}
    assert found == wanted.get("vars", {})
    if "args" in wanted:
        assert list(script.args) == wanted["args"]


def test_no_case_is_out_of_the_runners_sight() -> None:
    for path in HERE.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert path.suffix == ".yaml", f"{path} is read by nobody"
            assert path.parent.parent == HERE, f"{path} is read by nobody"
            assert path.parent.name in Kinds(), f"{path}: there is no such kind"
