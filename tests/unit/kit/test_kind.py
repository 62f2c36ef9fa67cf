"""What the kit makes of annotated fields, and what a kind does without a word of its own."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pytest

from engine.kit import (
    Change,
    Check,
    HostPath,
    InvalidParameter,
    Kind,
    Mode,
    Refused,
    Reversible,
    Secret,
    Source,
    Template,
    Unknown,
    Watch,
)
from engine.kit.fields import Schema, schema_of


class WebThing(Reversible):
    """Something is there.

    it:
      web-thing: { path: /x }
    """

    path: Annotated[HostPath, "Where it is."]
    size: Annotated[int, "How large.", {"minimum": 1}] = 3
    on: Annotated[bool, "Whether it runs."] = False
    token: Annotated[Secret | str | None, "What it sends."] = None
    from_: Annotated[str, "Where it comes from."] = ""
    names: Annotated[tuple[str, ...], "Its names."] = ()
    state: Annotated[Literal["present", "absent"], "absent: it is not there."] = "present"

    limit: ClassVar[int] = 7
    attributes = ("size", "on", "token")
    probe_sh = "fact size 3"
    apply_sh = "true"


def test_what_is_stated_once_is_known_everywhere() -> None:
    assert WebThing.kind == "web-thing"
    assert WebThing.summary == "Something is there."
    assert WebThing.example == "it:\n  web-thing: { path: /x }\n"
    assert WebThing.params == {
        "path": {"type": "string", "host_path": True, "description": "Where it is.", "required": True},
        "size": {"type": "integer", "description": "How large.", "minimum": 1, "default": 3},
        "on": {"type": "boolean", "description": "Whether it runs.", "default": False},
        "token": {"type": "string", "secret": True, "description": "What it sends."},
        "from": {"type": "string", "description": "Where it comes from."},
        "names": {"type": "array", "items": {"type": "string"}, "description": "Its names."},
        "state": {"enum": ["present", "absent"], "description": "absent: it is not there.", "default": "present"},
    }


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (float, {"type": "number"}),
        (HostPath, {"type": "string", "host_path": True}),
        (Secret, {"type": "string", "secret": True}),
        (str | Secret, {"type": "string", "secret": True}),
        (str | int | None, {"type": ["string", "integer"]}),
        (
            bool | Annotated[int, Schema(minimum=0)],
            {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0}]},
        ),
        (Mode, {"type": "string", "mode": True}),
        (Template | None, {"type": "string", "secret": True, "source": "template"}),
        (Source | None, {"type": "string", "source": "content"}),
        (tuple[Watch, ...], {"type": "array", "watches": True}),
        (Mapping[str, str | Secret], {"type": "object", "additionalProperties": {"type": "string", "secret": True}}),
        (Any, {}),
    ],
)
def test_types(hint: Any, schema: Mapping[str, Any]) -> None:
    assert schema_of(hint) == schema


def test_a_type_that_no_parameter_has_is_named() -> None:
    class Odd(Kind):
        """Odd."""

        where: Annotated[complex, "?"] = 1j

    with pytest.raises(TypeError, match=r"Odd\.where: <class 'complex'> is not a type of a parameter"):
        _ = Odd.params


def test_a_name_that_scripts_have_is_refused() -> None:
    class Odd(Kind):
        """Odd."""

        timeout: Annotated[int, "?"] = 1

    with pytest.raises(TypeError, match=r"Odd\.timeout"):
        _ = Odd.params


def test_variables_of_a_script() -> None:
    token = Secret("t")
    thing = WebThing(path=HostPath("~/x"), token=token, from_="here", names=("a",))
    assert thing.probe().text == "fact size 3"
    assert thing.probe().vars == {
        "path": "~/x", "size": 3, "on": False, "token": token, "from": "here", "state": "present",
    }  # fmt: skip
    assert isinstance(thing.probe().vars["path"], HostPath)
    assert WebThing(path=HostPath("/x")).probe().vars["token"] == ""


def test_state() -> None:
    thing = WebThing(path=HostPath("/x"))
    assert thing.actual({}) is None
    # Of what is not declared nothing is compared.
    assert thing.actual({"size": "5", "on": "yes", "token": "ab", "more": "1"}) == {"size": 5, "on": True}
    assert thing.desired({}) == {"size": 3, "on": False}
    secret = WebThing(path=HostPath("/x"), token=Secret("t"))
    assert secret.actual({"size": "3", "on": "", "token": Secret("t").digest}) == secret.desired({})
    assert WebThing(path=HostPath("/x"), state="absent").desired({}) is None
    with pytest.raises(Refused, match="in the way"):
        thing.actual({"refused": "it is in the way"})
    with pytest.raises(ValueError, match="reported `many` for size"):
        thing.actual({"size": "many"})


def test_a_directory_that_is_missing_may_come_with_something_else() -> None:
    thing = WebThing(path=HostPath("/d/x"))
    assert thing.actual({"lacks": "/d"}) is None
    wanted = thing.desired({"lacks": "/d"})
    assert wanted is not None
    assert [value for value in wanted.values() if isinstance(value, Unknown) and value.upstream]
    assert WebThing(path=HostPath("/d/x"), state="absent").desired({"lacks": "/d"}) is None


def test_actions() -> None:
    thing = WebThing(path=HostPath("/x"))
    (action,) = thing.actions(Change(None, thing.desired({}), {}))
    assert (action.title, action.script.text) == ("make web-thing /x", "true")
    (action,) = thing.actions(Change({"size": 1, "on": True}, None, {}))
    assert action.title == "remove web-thing /x"


def test_what_is_given() -> None:
    with pytest.raises(TypeError, match="web-thing: parameter path is missing"):
        WebThing()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="web-thing: no parameter from"):
        WebThing(path=HostPath("/x"), **{"from": "y"})  # type: ignore[arg-type]
    thing = WebThing(path=HostPath("/x"), size=4)
    assert thing == thing.replace() == pickle.loads(pickle.dumps(thing))  # noqa: S301
    assert thing.replace(size=3) == WebThing(path=HostPath("/x"))
    assert repr(thing.replace(token=Secret("hidden"))).count("hidden") == 0
    with pytest.raises(AttributeError):
        thing.size = 5  # type: ignore[misc]


def test_a_kind_inherits() -> None:
    class Larger(WebThing):
        """Something large is there."""

        colour: Annotated[str, "Which."] = "red"

    assert Larger.kind == "larger"
    assert [*Larger.params] == [*WebThing.params, "colour"]
    assert WebThing.kind == "web-thing"


def test_parameters_that_do_not_go_together() -> None:
    class Strict(WebThing):
        """Something is there."""

        def check_parameters(self) -> None:
            if self.size > 3:
                raise InvalidParameter("size", "three at most")

    with pytest.raises(InvalidParameter, match="size: three at most") as raised:
        Strict(path=HostPath("/x"), size=4)
    assert (raised.value.parameter, raised.value.message) == ("size", "three at most")


def test_without_a_script() -> None:
    class Bare(Kind):
        """Bare."""

    with pytest.raises(TypeError, match=r"Bare has neither `probe_sh` nor a file probe\.sh"):
        Bare().probe()


def test_a_check_does_nothing() -> None:
    class Door(Check):
        """A door is shut."""

        probe_sh = "true"

    assert Door.check
    assert not list(Door().actions(Change({}, {}, {})))


def test_what_was_found_is_put_back() -> None:
    thing = WebThing(path=HostPath("/x"))
    assert thing.restored(None, ("size", "on"), HostPath("/k")) == thing.replace(state="absent")
    assert thing.restored({"size": 9, "on": True}, ("size",), HostPath("/k")) == thing.replace(size=9)
    # What a plan does not hold cannot be put back.
    secret = thing.replace(token=Secret("t"))
    assert secret.restored({"token": "secret:abc"}, ("token",), HostPath("/k")) is None
