"""The order of resources: after what they need, else as in the file; circles are told whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Position
from engine.plan.graph import Node, order


def nodes(**needs: str) -> list[Node]:
    return [
        Node(name, tuple(words.split()), position=Position("f", line, 1))
        for line, (name, words) in enumerate(needs.items(), 1)
    ]


def test_the_order_of_the_file_where_nothing_else_is_needed() -> None:
    assert order(nodes(c="", a="", b="")) == (("c", "a", "b"), ())


def test_what_waits_comes_as_soon_as_it_can() -> None:
    assert order(nodes(a="d", b="", c="", d="", e=""))[0] == ("b", "c", "d", "a", "e")


def test_a_circle_is_told_whole_with_positions_from_its_first_resource() -> None:
    ordered, problems = order(nodes(x="", b="c x", c="d", d="b", after="d", y="x"))
    assert ordered == ("x", "y")
    assert [str(problem) for problem in problems] == [
        "f:2:1: circular needs: b → c → d → b\n  f:2:1: b needs c\n  f:3:1: c needs d\n  f:4:1: d needs b"
    ]


def test_each_circle_once() -> None:
    _, problems = order(nodes(a="b", b="a", c="d a", d="c", e="e"))
    assert [problem.message.split(": ")[1] for problem in problems] == ["a → b → a", "c → d → c", "e → e"]


def test_what_no_one_wrote_is_explained() -> None:
    _, problems = order([Node("a", ("b",)), Node("b", ("a",), frozenset({"a"}))])
    assert problems[0].hints == (
        "a needs b",
        "b needs a, because it comes after it in the file; `needs:` says otherwise",
    )


def test_a_chain_longer_than_the_stack() -> None:
    chain = [Node(str(number), (str(number - 1),) if number else ()) for number in range(20_000)]
    assert order(chain)[0] == tuple(str(number) for number in range(20_000))
    assert len(order([Node("0", ("19999",)), *chain[1:]])[1]) == 1


@st.composite
def graphs(draw: st.DrawFn) -> Sequence[Node]:
    count = draw(st.integers(0, 8))
    names = [str(number) for number in range(count)]
    return [Node(name, tuple(draw(st.lists(st.sampled_from(names), max_size=3)))) for name in names]


@given(graphs())
def test_every_graph(graph: Sequence[Node]) -> None:
    ordered, problems = order(graph)
    needs = {node.name: set(node.needs) for node in graph}
    assert len(set(ordered)) == len(ordered)
    for at, name in enumerate(ordered):
        assert needs[name] <= set(ordered[:at])
    left = set(needs) - set(ordered)
    assert bool(left) == bool(problems)
    for name in left:
        assert needs[name] & left
    for problem in problems:
        circle = problem.message.split(": ")[1].split(" → ")
        assert circle[0] == circle[-1]
        assert all(need in needs[name] for name, need in pairwise(circle))
    # Nothing moves that need not: of what could come next, it is always the first of the file.
    for at in range(len(ordered) - 1):
        if int(ordered[at]) > int(ordered[at + 1]):
            assert ordered[at] in needs[ordered[at + 1]] or not needs[ordered[at + 1]] <= set(ordered[:at])
