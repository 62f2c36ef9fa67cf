"""The HTML page in a real browser: clicked, typed into, and given content that wants to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import views as large
from engine.model import Attribute, Command, HostPlan, HostReport, Outcome, Plan, Reason, Report, ResourceRef, Stop
from engine.views import render
from tests.integration.browser import Browser, available, browsing
from tests.unit.views import samples

pytestmark = pytest.mark.skipif(not available(), reason="needs: apt-get install chromium chromium-driver")

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>```\x1b[31m\u202e"
SHOWN = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")


# What has too little contrast with its background: less than 4.5 to 1 for text, 3 to 1 for marks.
UNREADABLE = """
const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  if (!e.checkVisibility() || e.closest('option, .sign')) continue;
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const least = e.matches('.tile, .arrow') ? 3 : 4.5;
  if (ratio < least) bad.push([e.className, e.textContent.slice(0, 20), ratio.toFixed(2)]);
}
return bad;
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


class Page:
    """A value's page in the browser. After each test the console must be empty: no error, no refused content."""

    def __init__(self, browser: Browser, directory: Path) -> None:
        self.browser, self.file = browser, directory / "page.html"

    def show(self, value: Plan | Report, **options: Any) -> Browser:
        self.file.write_text(render(value, "html", **options), "utf-8")
        self.browser.open(self.file)
        return self.browser


@pytest.fixture
def page(started: Browser, tmp_path: Path) -> Iterator[Page]:
    started.resize(1280, 800)
    started.prefer("light")
    yield Page(started, tmp_path)
    assert started.complaints() == []


def texts(browser: Browser, css: str) -> list[str]:
    found: list[str] = browser.run(
        "const shown = [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility());"
        "return shown.map(e => e.textContent)",
        css,
    )
    return found


def focused(browser: Browser) -> str:
    return str(browser.run("return document.activeElement.getAttribute('aria-label') || document.activeElement.id"))


def several(number: int = 5) -> Plan:
    """Hosts of which the second was never applied to and the last cannot be reached."""
    hosts = [replace(samples.plan().hosts[0], host=f"gpu{at}") for at in range(1, number + 1)]
    new = samples.node(prior=None, attributes=(Attribute("revision", None, samples.NEW),))
    hosts[1] = replace(hosts[1], steps=(new, *hosts[1].steps[1:]))
    lost = HostPlan("web1", error="no answer from web1.lan:22 in 10 s\n  Is it up?", unreachable=True)
    return Plan("qwen", (*hosts, lost), 0.9)


def test_one_host_is_a_list_of_resources(page: Page) -> None:
    browser = page.show(samples.plan())
    assert browser.text("h1") == "qwen"
    assert texts(browser, ".chip") == ["~2to change", "~1to restart", "?3checked after apply", "✓1unchanged"]
    assert texts(browser, ".row .name > span:first-child") == [step.name for step in samples.steps()]
    assert texts(browser, ".row .what")[0] == "revision3f2c91a → 6910925"


def test_click_for_the_detail_with_its_diff(page: Page) -> None:
    steps = list(samples.steps())
    steps[1] = samples.password(texts={"content": ("a\tb\nold\n", "a\tb\nnew \n")}, position="states/qwen.yaml:20:3")
    browser = page.show(Plan("qwen", (HostPlan("gpu1", tuple(steps), trips=1),)))
    assert texts(browser, "#panel") == []
    browser.click('.cell[data-resource="1"]')
    assert browser.text("#panel h2") == "login-password"
    assert texts(browser, "#panel .value.old, #panel .value.new") == ["secret:a1e04c", "secret:7c93bd"]
    assert texts(browser, "#panel .diff .line") == ["@@ -1,2 +1,2 @@", " a→   b", "-old", "+new·"]
    assert texts(browser, "#panel .amount") == ["+1 −1"]
    assert texts(browser, "#panel .link") == ["~login-node", "✓login-requirements"]
    assert "Declared in states/qwen.yaml:20:3" in browser.text("#panel")
    browser.click("#panel .link")
    assert browser.text("#panel h2") == "login-node"
    browser.click("#panel .top button")
    assert texts(browser, "#panel") == []


def test_the_matrix_of_hosts_and_resources(page: Page) -> None:
    browser = page.show(several())
    assert texts(browser, ".row .name > span:first-child") == ["gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "web1"]
    assert texts(browser, ".head .column") == [step.name for step in samples.steps()]
    assert len(texts(browser, ".cell .tile")) == 35
    assert browser.text(".trouble") == "unreachable: no answer from web1.lan:22 in 10 s"
    browser.click('.cell[data-host="1"][data-resource="0"]')
    assert browser.text("#panel .sub") == "gpu2 · git-clone · to create"
    browser.click(".trouble")
    assert browser.text("#panel pre") == "unreachable: no answer from web1.lan:22 in 10 s\nIs it up?"
    browser.click('.name[data-host="0"]')
    assert len(texts(browser, "#panel .steps li")) == 7


def test_alike_hosts_can_be_folded(page: Page) -> None:
    browser = page.show(several(15))
    names = ".row .name > span:first-child"
    assert texts(browser, names) == ["gpu1, gpu[3:15]", "gpu2", "web1"]
    browser.click("#fold")
    assert len(texts(browser, names)) == 16


def test_filters_by_host_kind_and_status(page: Page) -> None:
    browser = page.show(several())
    names, columns = ".row:not(.head) .name > span:first-child", ".head .column"
    browser.type("#host", "gpu[")
    assert browser.text("#matrix") == "Nothing here fits what is asked for."
    browser.press("Escape")
    browser.type("#host", "*u2")
    assert texts(browser, names) == ["gpu2"]
    browser.press("Escape")
    assert len(texts(browser, names)) == 6
    browser.run(
        "const k = document.getElementById('kind'); k.value = 'http-assert'; k.dispatchEvent(new Event('change'))"
    )
    assert texts(browser, columns) == ["refuses-strangers", "refuses-empty-token", "accepts-token"]
    assert browser.text("#shown") == "6 of 6 hosts, 3 of 7 resources"
    browser.run("const k = document.getElementById('kind'); k.value = ''; k.dispatchEvent(new Event('change'))")
    browser.click('.chip[data-word="to create"]')
    assert (texts(browser, names), texts(browser, columns)) == (["gpu2"], ["login-node"])
    browser.click('.chip[data-word="unreachable"]')
    assert texts(browser, names) == ["gpu2", "web1"]
    browser.click('.chip[data-word="to create"]')
    assert texts(browser, names) == ["web1"]
    browser.click('.chip[data-word="unreachable"]')
    assert len(texts(browser, names)) == 6


def test_the_whole_page_can_be_used_with_the_keyboard(page: Page) -> None:
    browser = page.show(several())
    browser.press("/")
    assert focused(browser) == "host"
    browser.run("document.querySelector('#matrix [tabindex=\"0\"]').focus()")
    browser.press("Right", "Right", "Down")
    assert focused(browser) == "gpu2, login-password: to change"
    assert browser.run("return document.querySelectorAll('#matrix [tabindex=\"0\"]').length") == 1
    browser.press("Enter")
    assert browser.text("#panel h2") == "login-password"
    browser.press("Escape")
    assert texts(browser, "#panel") == []
    assert focused(browser) == "gpu2, login-password: to change"
    browser.press("Down", "Down", "Down", "Down")
    assert browser.run("return document.activeElement.className") == "trouble"
    browser.press("g")
    assert len(texts(browser, ".node")) == 7
    browser.run("document.querySelector('.node').focus()")
    browser.press("Enter")
    assert browser.text("#panel h2") == "login-node"
    browser.press("Escape", "m")
    assert len(texts(browser, ".cell .tile")) == 35


def test_the_graph_of_what_needs_what(page: Page) -> None:
    browser = page.show(several())
    browser.click("#tab-graph")
    edges = browser.run("return [...document.querySelectorAll('.edge')].map(e => [+e.dataset.from, +e.dataset.to])")
    assert sorted(edges) == [[0, 1], [1, 2], [2, 3], [3, 4], [3, 5], [3, 6]]
    boxes = browser.run(
        "return [...document.querySelectorAll('.node .box')].map(b => [+b.getAttribute('x'), +b.getAttribute('y')])"
    )
    assert len({tuple(box) for box in boxes}) == 7
    assert all(boxes[to][1] > boxes[start][1] for start, to in edges)
    assert len({y for _, y in boxes[4:]}) == 1
    browser.click('.node[data-resource="3"]')
    assert browser.text("#panel h2") == "comfyui"
    assert browser.run("return document.querySelector('.node.chosen').dataset.resource") == "3"


def test_a_need_that_follows_from_others_is_not_drawn_and_a_cycle_does_no_harm(page: Page) -> None:
    a, b, c = (samples.node(name=name) for name in "abc")
    steps = (replace(a, needs=("c",)), replace(b, needs=("a",)), replace(c, needs=("a", "b")))
    browser = page.show(Plan("s", (HostPlan("h", steps),)))
    browser.click("#tab-graph")
    assert len(texts(browser, ".node")) == 3
    browser = page.show(Plan("s", (HostPlan("h", (a, *steps[1:])),)))
    browser.click("#tab-graph")
    edges = browser.run("return [...document.querySelectorAll('.edge')].map(e => e.dataset.from + e.dataset.to)")
    assert sorted(edges) == ["01", "12"]


def test_dark_and_light(page: Page) -> None:
    browser = page.show(samples.plan())
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(paper)
    browser.prefer("dark")
    browser.open(page.file)
    dark = browser.run(paper)
    assert light != dark
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    browser.click("#theme")
    assert browser.run(paper) == light
    browser.open(page.file)
    assert browser.run(paper) == light
    browser.click("#theme")
    browser.run("localStorage.clear()")


def test_hostile_content_is_shown_and_not_run(page: Page) -> None:
    step = samples.node(
        name=HOSTILE,
        kind=HOSTILE,
        attributes=(Attribute(HOSTILE, HOSTILE, "x"),),
        texts={HOSTILE: (HOSTILE, "x")},
        reason=Reason.of(HOSTILE),
        actions=(HOSTILE,),
        position=HOSTILE,
        prior={HOSTILE: HOSTILE},
    )
    cause = ResourceRef(HOSTILE, "refused", reason=Reason.of(HOSTILE))
    fix = Command(HOSTILE, (HOSTILE,))
    reason = Reason.of(HOSTILE)
    outcome = Outcome(step, "failed", reason=reason, cause=cause, fix=fix, output=f"{HOSTILE}\n{HOSTILE}")
    hosts = (HostReport(HOSTILE, (outcome,)), *(HostReport(f"h{n}", error=HOSTILE) for n in range(4)))
    browser = page.show(Report(HOSTILE, hosts, 1.0, stopped=Stop.REQUESTED, run=HOSTILE), command=HOSTILE)
    browser.click(".cell")
    shown = browser.run("return document.getElementById('panel').textContent")
    assert shown.count(SHOWN) >= 8
    assert texts(browser, "#panel .diff .line")[1] == f"-{SHOWN}"
    browser.click("#tab-graph")
    browser.click(".node")
    browser.click("#tab-matrix")
    browser.click("button.trouble")
    assert SHOWN in browser.text("#panel pre")
    assert browser.run("return [typeof window.hacked, document.images.length, document.scripts.length]") == [
        "undefined",
        0,
        2,
    ]
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


def test_a_link_opens_the_same_detail(page: Page) -> None:
    browser = page.show(several())
    browser.click('.cell[data-host="1"][data-resource="3"]')
    address = str(browser.run("return location.hash"))
    assert address == "#gpu2/comfyui"
    browser.open(page.file)
    browser.run("location.hash = arguments[0]", address)
    assert browser.run(
        "return new Promise(done => setTimeout(() => done(document.querySelector('#panel .sub').textContent), 50))"
    ) == ("gpu2 · compose-restart · to restart")


@pytest.mark.parametrize("width", [360, 420, 800])
def test_on_a_narrow_screen_nothing_sticks_out(page: Page, width: int) -> None:
    for value in (samples.plan(), several(), samples.rollout(), samples.failed_check()):
        page.browser.resize(width, 800)
        browser = page.show(value)
        assert browser.run("return document.documentElement.scrollWidth") <= width
        browser.click(".cell .tile")
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run("return document.getElementById('panel').getBoundingClientRect().right") <= width


def test_200_hosts_of_50_resources_stay_quick(page: Page) -> None:
    browser = page.show(large.plan(200, 50, True))
    assert browser.run("return document.querySelectorAll('.cell .tile').length") == 10_000
    loaded = browser.run("return performance.getEntriesByType('navigation')[0].domComplete")
    assert loaded < 4000
    timed = (
        "const start = performance.now(), field = document.getElementById('host');"
        "if (arguments[0] === 'host') { field.value = 'node1'; field.dispatchEvent(new Event('input')); }"
        "else document.querySelector(arguments[0]).click();"
        " document.body.offsetHeight; return performance.now() - start;"
    )
    for what in ("host", '.chip[data-word="failing"]', "#tab-graph", ".node", "#tab-matrix", ".cell"):
        if what == ".node":
            browser.click(what)
        else:
            assert browser.run(timed, what) < 1500, what
    assert browser.text("#panel h2")


@pytest.mark.parametrize("value", [samples.plan(), several(), several(20), samples.rollout(), samples.failed_check()])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_to_be_read_stands_out_from_what_is_behind_it(page: Page, value: Plan | Report, scheme: str) -> None:
    page.browser.prefer(scheme)
    browser = page.show(value)
    browser.click(".cell .tile")
    assert browser.run(UNREADABLE) == []
