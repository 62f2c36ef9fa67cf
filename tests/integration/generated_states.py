"""Strategies: states of generated resources, and what stands at their paths before."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.integration.clone_cases import CHECKOUTS
from tests.integration.file_cases import ROOT, Start

NAMES = [
    "plain",
    "with space",
    "-dash",
    "quo'te\"s",
    "$HOME`id`",
    "line\nbreak",
    "ünï",
    "*[a]?",
    "back\\slash",
    ".dot",
]
TEXTS = ["", "one\n", "one\ntwo\n", "no end", "\n\none\n", "ü\t$HOME `id` 'q' \"d\" \\ %s\n", "long " * 9000, "nul\0"]
LINES = ["one", "two words", "$x`y`'\"\\", "ü", "$2b$12$" + "a" * 53]
MODES = ["0600", "0644", "0755", "0400"]
OWNERS = [None, "root", "nobody", "65534"] if ROOT else [None]
STRANGERS = ["stranger", "sub/stranger", "kept.bak", "own/directory/file"]
ENVS: list[dict[str, str]] = [{"A": "1"}, {"A": "1", "B": "two words"}, {"TOKEN": "$2b$12$abc"}]
ENV_FILES = [
    "A=1\n",
    "# a comment\nA=2\n\nB = x # why\n",
    "export A='1'\r\nC=3\r\n",
    "B=2",
    "A=1\nA=2\n",
    "A='never closed\nB=2\n",
    "TOKEN='$2b$12$abc'\nA=\"1\"\n",
]
REVISIONS = ["main", "next", "v1", "light", "old", "newest", "short old", "short newest", "HEAD", "nowhere"]
STARTS = ["absent", "empty", "plain", "file", "half", "no index", "broken", "other remote", "stashed", *CHECKOUTS]


def starts(texts: list[str], *more: str) -> st.SearchStrategy[Start]:
    """Half of the starts are a file; `more` are further kinds of start."""
    owner = st.sampled_from([0, 65534]) if ROOT else st.just(0)
    file = st.builds(Start, st.just("file"), st.sampled_from(texts), st.sampled_from([0o600, 0o644, 0o755]), owner)
    other = st.builds(
        Start,
        st.sampled_from(["absent", "absent", "directory", "link", "dangling", "other", *more]),
        st.sampled_from(texts),
        tree=st.integers(0, 1),
    )
    return st.one_of(file, other)


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[str, Any], Start]:
    """A tree, and most often one there already, that differs here and there."""
    params: dict[str, Any] = {"source": draw(st.integers(0, 2))}
    params |= {"delete": True} if draw(st.booleans()) else {}
    params |= {"exclude": ["*.bak", "deep"]} if draw(st.booleans()) else {}
    params |= {"mode": draw(st.sampled_from(MODES[:3]))} if draw(st.booleans()) else {}
    obstacles = st.sampled_from(["a/", "sub@", "sub/b@", *STRANGERS, *STRANGERS])
    extra = tuple(draw(st.lists(obstacles, max_size=2, unique=True)))
    what = draw(st.sampled_from(["tree", "tree", "tree", "absent", "directory", "file"]))
    return params, Start(what, "a file\n", tree=draw(st.integers(0, 2)), extra=extra)


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Any], Start]:
    """A file, part of one, a directory, or nothing; and what is there before."""
    params: dict[str, Any] = {}
    form = draw(st.sampled_from(["content", "content", "first_line", "dotenv", "mode", "directory", "absent"]))
    if form == "content":
        params["content"], start = draw(st.sampled_from(TEXTS)), draw(starts(TEXTS))
        params |= {"backup": draw(st.integers(1, 2))} if draw(st.booleans()) else {}
        params |= {"follow": True} if draw(st.booleans()) else {}
    elif form == "first_line":
        texts = [*TEXTS[:5], *(f"{line}\nuser" for line in LINES)]
        params["first_line"], start = draw(st.sampled_from(LINES)), draw(starts(texts))
    elif form == "dotenv":
        params["dotenv"], start = draw(st.sampled_from(ENVS)), draw(starts(ENV_FILES))
    elif form == "absent":
        params["state"], start = "absent", draw(starts(TEXTS[:2], "tree"))
        params |= {"delete": True} if draw(st.booleans()) else {}
        return params, start
    else:
        start = draw(starts(TEXTS[:2]))
        params |= {"state": "directory"} if form == "directory" else {}
    if form == "mode" or draw(st.booleans()):
        params["mode"] = draw(st.sampled_from(MODES if form != "directory" else MODES[2:3]))
    owner = draw(st.sampled_from(OWNERS))
    params |= {"owner": owner} if owner else {}
    return params, start


@st.composite
def clones(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A checkout, and what is there before."""
    params: dict[str, Any] = {}
    if draw(st.integers(0, 5)) == 0:
        params["state"] = "absent"
        params |= {"on_dirty": "discard"} if draw(st.booleans()) else {}
    else:
        revision = draw(st.sampled_from(REVISIONS))
        params |= {"revision": revision} if revision != "HEAD" else {}
        on_dirty = draw(st.sampled_from(["fail", "discard", "stash"]))
        params |= {"on_dirty": on_dirty} if on_dirty != "fail" else {}
        params |= {"shallow": draw(st.integers(1, 2))} if draw(st.booleans()) else {}
        params |= {"submodules": True} if draw(st.integers(0, 3)) == 0 else {}
    return params, draw(st.sampled_from([*STARTS, *CHECKOUTS]))


@st.composite
def states(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to five resources as plain data, so that a failing example can be read."""
    drawn = []
    for number in range(draw(st.integers(1, 5))):
        what = draw(st.sampled_from(["file", "file", "file", "tree", "clone", "clone"]))
        params, start = draw({"file": files(), "tree": trees(), "clone": clones()}[what])
        place = draw(st.sampled_from(["", "", "", "deep", "missing", "below a file", "nested", "nested"]))
        parents = what != "clone" and params.get("state") != "absent" and draw(st.booleans())
        drawn.append(
            {
                "what": what,
                "params": params | ({"parents": True} if parents else {}),
                "start": start,
                "name": f"{number} {draw(st.sampled_from(NAMES))}",
                "place": place,
                "secret": draw(st.booleans()),
                "apart": draw(st.integers(0, 3)) == 0,
            }
        )
    return drawn
