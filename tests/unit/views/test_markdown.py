"""Markdown for a forge's comment: what came from a host is shown, and does nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from engine.model import (
    Attribute,
    Command,
    HostPlan,
    HostReport,
    Outcome,
    Plan,
    Reason,
    Report,
    ResourceRef,
    Step,
    Stop,
)
from engine.views import render
from engine.views.markdown import code, fence, prose
from tests.unit.views import samples

HOSTILE = (
    "<script>alert(1)</script>",
    "</code></summary></details><img src=x onerror=alert(1)>",
    "```\n```` | `` ` ",
    "| a | b |",
    "[link](https://evil.example) ![img](https://evil.example/x.png)",
    "https://evil.example www.evil.example me@evil.example",
    "@everyone #1 owner/repo#12 GH-3 !4 ABC-12 6910925abc",
    "**bold** _under_ ~~gone~~ :tada: $x$",
    "&lt;b&gt; &#60;",
    "# heading\n- item\n> quote",
    "\x1b[31m\u202e\u2066",
    "a\\|b \\",
)


class Page(HTMLParser):
    """The elements and text a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.loose = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not {"code", "pre"} & set(self.open):
            self.loose += data


ALLOWED = {
    "h3",
    "h4",
    "p",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "pre",
    "details",
    "summary",
    "strong",
}


def page(markdown: str) -> Page:
    """As a forge renders it: CommonMark, tables, HTML allowed, struck through and bare links recognised."""
    found = Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))
    assert set(found.tags) <= ALLOWED
    assert found.open == []
    return found


def hostile(text: str) -> Report:
    step = Step(
        text,
        text,
        "change",
        attributes=(Attribute(text, text, text + "x"),),
        texts={text: (text, text + "\nmore\n")},
        reason=Reason.of(text),
        actions=(text,),
    )
    outcomes = (
        Outcome(step, "changed"),
        Outcome(
            step,
            "failed",
            reason=Reason.of(text),
            cause=ResourceRef(text, "refused", reason=Reason.of(text)),
            fix=Command(text, (text,), (text,)),
            output=text,
        ),
        Outcome(samples.check("c", text, text), "passed", show={text: text}),
    )
    return Report(
        text, (HostReport(text, outcomes), HostReport("lost", error=text)), 1.0, stopped=Stop.REQUESTED, run=text
    )


def test_a_plan_as_a_comment() -> None:
    lines = render(samples.plan(), "markdown").splitlines()
    assert lines[:10] == [
        "<!-- engine plan: qwen -->",
        "",
        "### Plan: 2 to change, 1 to restart, 3 checks after apply, 1 unchanged",
        "",
        "qwen · 1 host, 1 trip, 0.4 s",
        "",
        "#### `gpu1`",
        "",
        "| | resource | | | |",
        "| :-: | :-- | :-- | :-- | --: |",
    ]
    assert "| ~ | `login-password` | line 1 | `secret:a1e04c` → `secret:7c93bd` |  |" in lines


def test_a_diff_can_be_opened() -> None:
    step = samples.password(texts={"content": ("a\n", "b\n")})
    shown = render(Plan("s", (HostPlan("h", (step,)),)), "markdown")
    assert shown.endswith(
        "<details><summary><code>login&#45;password&#58; content</code> +1 −1</summary>\n\n"
        "```diff\n@@ -1 +1 @@\n-a\n+b\n```\n\n</details>\n"
    )


def test_the_output_of_a_failing_action_can_be_opened() -> None:
    outcome = Outcome(samples.node(), "failed", reason=Reason.of("status 1"), output="first\nsecond\n")
    shown = render(Report("s", (HostReport("h", (outcome,)),)), "markdown")
    assert "```text\nfirst\nsecond\n```" in shown
    assert "| | | because | status 1 `[OT2001]` | |" in shown


def test_a_rollout() -> None:
    shown = render(samples.rollout(), "markdown")
    assert "| 3/4 | `gpu[04:15]` | 10 converged, 1 failed, 1 unreachable | 34.1 s |" in shown
    assert page(shown).tags.count("table") == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str) -> None:
    markdown = render(hostile(text), "markdown", command=text)
    found = page(markdown)
    assert all(line.isprintable() for line in markdown.splitlines())
    assert not re.search(r"[@#][\w]|://|www\.|GH-\d|[A-Z]-\d|\b[0-9a-f]{7}|:\w+:", found.loose.replace("login-", ""))
    for word in text.split():
        shown = word.encode("unicode_escape").decode() if not word.isprintable() else word
        assert shown in found.text or shown.replace("\\\\", "\\") in found.text


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="`|<>&@#*_[]()!~:/\\-+ \n\t\rab1www.\x1b\u202e", max_size=30))
def test_no_text_breaks_out(text: str) -> None:
    page(render(hostile(text or "x"), "markdown", command=text))


def test_a_fence_is_longer_than_any_run_of_back_ticks() -> None:
    assert fence("a") == "```"
    assert fence("``` and `````") == "``````"


def test_prose_and_code() -> None:
    assert prose("because login-node will change") == "because login-node will change"
    assert prose("ask @me, see #12.") == "ask `@me`, see `#12`."
    assert prose("set on_dirty: stash") == "set on&#95;dirty: stash"
    assert code("a|b") == "<code>a&#124;b</code>"
    assert code("") == ""


def large(hosts: int, resources: int) -> Plan:
    def steps(host: int) -> tuple[Step, ...]:
        return tuple(
            samples.node(
                name=f"node/{number}",
                attributes=(Attribute("revision", f"{host:040x}", f"{number + 999:040x}"),),
                texts={"content": ("é\n" * 20, "è\n" * 20)},
            )
            for number in range(resources)
        )

    return Plan("big", tuple(HostPlan(f"h{host}", steps(host)) for host in range(hosts)))


@pytest.mark.parametrize("limit", [65_536, 10_000, 2_000])
@pytest.mark.parametrize("ascii_", [False, True])
def test_it_stays_within_the_limit_in_whole_items(limit: int, ascii_: bool) -> None:
    shown = render(large(60, 30), "markdown", limit=limit, ascii=ascii_, command="plan states/big.yaml")
    assert limit * 0.8 < len(shown.encode()) <= limit
    page(shown)
    lost = re.search(r"\*\*Left out, to stay within the length of a comment: (.*)\.\*\*", shown)
    assert lost
    assert "`plan states/big.yaml --format html`" in shown
    counts = {noun.rstrip("s"): int(number) for number, noun in re.findall(r"(\d+) (\w+)", lost[1])}
    tables = shown.count("\n#### ")
    rows = len(re.findall(r"^\| ~ \|", shown, re.MULTILINE))
    assert counts.get("host", 0) == 60 - tables
    assert counts.get("resource", 0) == tables * 30 - rows
    assert counts.get("diff", 0) == tables * 30 - shown.count("<details>")


def test_nothing_is_said_of_what_was_left_out_where_nothing_was() -> None:
    assert "Left out" not in render(samples.plan(), "markdown")
