"""A kind that breaks is one resource's error, with its name and kind; the host goes on as its needs say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.errors import EngineError, InvalidParameter, Refused
from engine.model import (
    CURRENT,
    Action,
    Change,
    DeclaredResource,
    Facts,
    Host,
    HostDeclaration,
    HostPath,
    Outcome,
    Resource,
    Script,
    Secret,
    State,
    Watch,
)
from engine.plan.rollback import Changed, rolled_back
from engine.program.section import Lock
from engine.run.apply import apply
from engine.run.host import HostRun, Settings
from engine.transports import Options, connect
from engine.views.wording import reason_text
from tests.integration import careless_kinds
from tests.integration.project import Project
from tests.integration.test_runner import Note, silent
from tests.web import answer, web

SECRET = "xyzzy-plugh"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ENGINE_DEBUG", raising=False)


def too_deep(n: int = 0) -> int:
    return too_deep(n + 1)


def key_error() -> None:
    raise KeyError(SECRET)


BREAKS: dict[str, Callable[[], object]] = {
    "KeyError": key_error,
    "RecursionError": too_deep,
    "ValueError": lambda: int(SECRET),
    "AttributeError": lambda: None.reveal(),  # type: ignore[attr-defined]
    "UnicodeEncodeError": lambda: "\ud800".encode(),
}
HOOKS = ("probe", "actual", "desired", "actions", "verb", "texts", "show", "watches", "keep")


@dataclass(frozen=True)
class Broken(Note):
    """A note of which one hook breaks; `at` names it."""

    kind: ClassVar[str] = "broken"
    at: str = ""
    how: str = "KeyError"

    def _break(self, hook: str) -> None:
        if self.at == hook:
            BREAKS[self.how]()

    def probe(self) -> Script:
        self._break("probe")
        return super().probe()

    def actual(self, facts: Facts) -> State | None:
        self._break("actual")
        return super().actual(facts)

    def desired(self, facts: Facts) -> State | None:
        self._break("desired")
        return super().desired(facts)

    def actions(self, change: Change) -> Iterator[Action]:
        yield from super().actions(change)
        self._break("actions")

    def verb(self, change: Change) -> str:
        self._break("verb")
        return "change"

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        self._break("texts")
        return {}

    def show(self, facts: Facts) -> Mapping[str, str]:
        self._break("show")
        return {}

    def watches(self) -> tuple[Watch, ...]:
        self._break("watches")
        return ()

    def keep(self, change: Change) -> Script | None:
        self._break("keep")
        return None


def host_run(tmp_path: Path, resources: Mapping[str, Resource], needs: Mapping[str, tuple[str, ...]]) -> HostRun:
    declared = tuple(DeclaredResource(name, resource, needs.get(name, ())) for name, resource in resources.items())
    host = Host("here", vars={"ansible_connection": "local"})
    transport = connect(host, Options(tmp_path))
    settings = Settings(lambda secret: "secret:ffffff", lock=Lock("the test", 5.0), run="20260101-000000-abcd")
    return HostRun(HostDeclaration(host, declared), transport, transport, settings, silent)


def applied(tmp_path: Path, broken: Resource) -> dict[str, Outcome]:
    """Before it, it, behind it, and beside it."""
    resources = {
        "before": Note(str(tmp_path / "before"), "1"),
        "it": broken,
        "behind": Note(str(tmp_path / "behind"), "1"),
        "beside": Note(str(tmp_path / "beside"), "1"),
    }
    host = host_run(tmp_path, resources, {"it": ("before",), "behind": ("it",)})
    plan = host.plan()
    assert [step.name for step in plan.steps] == list(resources)
    found = {outcome.step.name: outcome for outcome in apply(host).outcomes}
    assert {name: found[name].verdict for name in ("before", "behind", "beside")} == {
        "before": "changed",
        "behind": "skipped",
        "beside": "changed",
    }
    assert (tmp_path / "beside").exists()
    assert not (tmp_path / "behind").exists()
    return found


@pytest.mark.parametrize(
    ("hook", "how"),
    [*((hook, list(BREAKS)[n % len(BREAKS)]) for n, hook in enumerate(HOOKS)), *(("actual", how) for how in BREAKS)],
)
def test_each_hook(tmp_path: Path, hook: str, how: str) -> None:
    it = applied(tmp_path, Broken(str(tmp_path / "it"), "1", at=hook, how=how))["it"]
    assert it.verdict == "failed"
    why = f"it: the kind broken failed with {how}, a bug in that kind; ENGINE_DEBUG=1 shows where"
    assert reason_text(it.reason) == why
    assert not (tmp_path / "it").exists()


@pytest.mark.parametrize("how", BREAKS)
def test_after_the_change(tmp_path: Path, how: str) -> None:
    """What was done is done, and it cannot be said whether it is as declared."""

    @dataclass(frozen=True)
    class Late(Broken):
        def actual(self, facts: Facts) -> State | None:
            if "text" in facts:
                BREAKS[self.how]()
            return None

    resources = {"it": Late(str(tmp_path / "it"), "1", how=how), "beside": Note(str(tmp_path / "beside"), "1")}
    found = {o.step.name: o for o in apply(host_run(tmp_path, resources, {})).outcomes}
    assert {name: outcome.verdict for name, outcome in found.items()} == {"it": "failed", "beside": "changed"}
    assert f"the kind broken failed with {how}" in reason_text(found["it"].reason)


ODD_SCRIPTS: dict[str, tuple[Script, str]] = {
    "NUL": (Script(":", {"value": "a\0b"}), "variable `value`: it contains a NUL byte"),
    "NUL in the text": (Script(": \0"), "it contains a NUL byte"),
    "name": (Script(":", {"PATH": "x"}), "`PATH` cannot be the name of a script's variable"),
    "lone surrogate": (Script(":", {"value": "\ud800"}), "cannot be sent"),
    "no script": (None, "AttributeError"),  # type: ignore[dict-item]
    "no text": (Script(5), "TypeError"),  # type: ignore[arg-type]
    "a secret that is not known": (Script(":", {"value": Secret.seen("0" * 64)}), "only the digest"),
    "a look": (Script(":", shared={"x": Script(":", {"value": "a\0b"})}), "it contains a NUL byte"),
}


@pytest.mark.parametrize(
    ("where", "name"),
    [*(("probe", name) for name in ODD_SCRIPTS), *(("action", name) for name in ODD_SCRIPTS if name != "a look")],
)
def test_a_script_that_cannot_be_sent(tmp_path: Path, where: str, name: str) -> None:
    script, said = ODD_SCRIPTS[name]

    @dataclass(frozen=True)
    class Odd(Note):
        kind: ClassVar[str] = "odd"

        def probe(self) -> Script:
            return script if where == "probe" else super().probe()

        def actions(self, change: Change) -> Iterator[Action]:
            yield Action("write it", script)

    it = applied(tmp_path, Odd(str(tmp_path / "it"), "1"))["it"]
    assert it.verdict == "failed"
    assert "its script cannot be sent" in reason_text(it.reason)
    assert said in reason_text(it.reason)


@pytest.mark.parametrize(
    "state",
    [{"text": object()}, {"text": ["1"]}, ["text"], 5, {"text": {"a": 1}}],
    ids=["object", "list", "no mapping", "number", "map"],
)
def test_what_is_no_state(tmp_path: Path, state: Any) -> None:
    @dataclass(frozen=True)
    class Stateless(Note):
        kind: ClassVar[str] = "stateless"

        def desired(self, facts: Facts) -> State | None:
            return state

    assert "the kind stateless failed with" in reason_text(
        applied(tmp_path, Stateless(str(tmp_path / "it"), "1"))["it"].reason
    )


def test_what_is_no_action(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Inactive(Note):
        kind: ClassVar[str] = "inactive"

        def actions(self, change: Change) -> Iterator[Action]:
            return iter(["write it"])  # type: ignore[list-item]

    assert "the kind inactive failed with" in reason_text(
        applied(tmp_path, Inactive(str(tmp_path / "it"), "1"))["it"].reason
    )


def test_a_mark_that_cannot_be_made_stops_what_it_is_for(tmp_path: Path) -> None:
    """A restart would be lost."""

    @dataclass(frozen=True)
    class Watcher(Note):
        kind: ClassVar[str] = "watcher"

        def watches(self) -> tuple[Watch, ...]:
            return (Watch("watched", Script(":")),)

        def actual(self, facts: Facts) -> State | None:
            return {"text": self.text, "watched": CURRENT}

        def desired(self, facts: Facts) -> State | None:
            return {"text": self.text, "watched": CURRENT}

        def mark(self) -> Script | None:
            raise KeyError(SECRET)

    resources = {
        "watched": Note(str(tmp_path / "watched"), "1"),
        "service": Watcher(str(tmp_path / "service"), "1"),
        "beside": Note(str(tmp_path / "beside"), "1"),
    }
    found = {o.step.name: o for o in apply(host_run(tmp_path, resources, {"service": ("watched",)})).outcomes}
    assert found["watched"].verdict == "failed"
    assert reason_text(found["watched"].reason).startswith("service: the kind watcher failed with KeyError")
    assert found["beside"].verdict == "changed"
    assert not (tmp_path / "watched").exists()


def test_a_refusal_is_one_wherever_it_comes_from(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Shy(Note):
        def actual(self, facts: Facts) -> State | None:
            raise Refused("it is somebody else's; it was left as it is")

    it = applied(tmp_path, Shy(str(tmp_path / "it"), "1"))["it"]
    assert (it.verdict, reason_text(it.reason)) == ("refused", "it is somebody else's; it was left as it is")


def test_debugging_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DEBUG", "1")
    with pytest.raises(KeyError):
        host_run(tmp_path, {"it": Broken(str(tmp_path / "it"), "1", at="actual")}, {}).plan()


def test_what_cannot_be_rolled_back_is_named() -> None:
    @dataclass(frozen=True)
    class Gone(Note):
        def restored(self, prior: object, changed: object, keep: object) -> Resource | None:
            raise KeyError(SECRET)

    host = HostDeclaration(Host("here"), (DeclaredResource("it", Gone("/x", "1")),))
    with pytest.raises(EngineError, match=r"^it: the kind note failed with KeyError"):
        rolled_back(host, {"it": Changed(None, ("text",))}, lambda name: HostPath("~/kept"))


def test_a_bad_parameter_has_a_name() -> None:
    error = InvalidParameter("headers.Accept", "no such thing")
    assert (error.parameter, error.message, str(error)) == (
        "headers.Accept",
        "no such thing",
        "headers.Accept: no such thing",
    )


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_as_it_is_told(tmp_path: Path, verb: str) -> None:
    kinds = careless_kinds.install(tmp_path / "kinds")
    env = {"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"}
    project = Project(tmp_path)
    resources = {
        "burst": {"burst": {"value": SECRET}, "needs": []},
        "beside": {"file-sync": {"path": str(tmp_path / "beside"), "content": "1"}, "needs": []},
    }
    project.state(resources)
    ran = project.run(verb, *(["-y"] if verb == "apply" else []), env=env)
    assert ran.code == 1
    assert "burst: the kind burst failed with RuntimeError" in ran.out
    assert "Traceback" not in ran.out + ran.err
    assert "internal error" not in ran.out + ran.err
    assert (tmp_path / "beside").exists() == (verb == "apply")


def test_one_that_cannot_be_made(tmp_path: Path) -> None:
    kinds = careless_kinds.install(tmp_path / "kinds")
    project = Project(tmp_path)
    project.state({"brittle": {"brittle": {"value": SECRET}}})
    ran = project.run("plan", env={"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"})
    assert ran.code == 3, ran.out + ran.err
    assert ran.err.startswith("state.yaml:1:"), ran.err
    assert "brittle: the kind brittle failed with ValueError, a bug in that kind" in ran.err
    assert SECRET not in ran.err


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000], ids=["open", "closed"])
def test_a_web_service_that_answers_lists_within_lists(tmp_path: Path, body: str) -> None:
    """It fails its own check, and no host."""
    project = Project(tmp_path)
    with web(answer(200, body)) as service:
        project.state(
            {
                "it": {"http-assert": {"url": service.url, "json": {"a": 1}}, "needs": [], "timeout": 5},
                "beside": {"file-sync": {"path": str(tmp_path / "beside"), "content": "1"}, "needs": []},
            }
        )
        ran = project.run("apply", "-y", "--format", "json")
    assert ran.code == 1, ran.out + ran.err
    assert ran.verdicts() == {"it": "failed", "beside": "changed"}
    assert "nested more than 100 levels deep" in ran.out
    assert "internal error" not in ran.out + ran.err
