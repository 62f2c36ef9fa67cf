"""Text is what people read: the examples of the documentation, character by character."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import (
    Attribute,
    Command,
    HostPlan,
    HostReport,
    Lost,
    Outcome,
    Plain,
    Plan,
    Reason,
    Report,
    ResourceRef,
    Step,
    Stop,
    Why,
)
from engine.views import render
from engine.views.escape import cells
from tests.unit.views import samples

PLAN = """\
gpu1
  ~ login-node            revision   3f2c91a → 6910925
  ~ login-password        line 1     secret:a1e04c → secret:7c93bd
  ~ comfyui               restart    because login-node and login-password will change
  ? refuses-strangers     401        now 401; checked after apply
  ? refuses-empty-token   401        now 401; checked after apply
  ? accepts-token         200        now 401, because login-password differs; checked after apply

Plan: 2 to change, 1 to restart, 3 checks after apply, 1 unchanged.   1 host, 1 trip, 0.4 s
"""

APPLY = """\
gpu1
  ~ login-node            revision   3f2c91a → 6910925                                         1.2 s
  ~ login-password        line 1     secret:a1e04c → secret:7c93bd                             0.1 s
  ~ comfyui               restarted  because login-node and login-password changed            11.3 s
  ✓ refuses-strangers     401                                                                  8.6 s
  ✓ refuses-empty-token   401                                                                  0.1 s
  ✓ accepts-token         200        ComfyUI 0.3.64, RAM 62.7 GiB, GPU NVIDIA RTX 3090         0.1 s

Converged: 2 changed, 1 restarted, 3 checks passed, 1 unchanged.   1 host, 2 trips, 21.8 s
"""

FAILED = """\
gpu1
  ✗ accepts-token         200        got 401
                          because    login-password differs: line 1 is secret:a1e04c, not secret:7c93bd
                          fix        apply states/qwen.yaml --limit gpu1

Failed: 1 check.   1 host, 1 trip, 0.4 s
"""

ROLLOUT = """\
Rollout: 30 hosts in batches of 1, 2, 12, 15; stops at the first failure
  1/4  gpu01           1 converged                                                            21.8 s
  2/4  gpu[02:03]      2 converged                                                            22.4 s
  3/4  gpu[04:15]     10 converged, 1 failed, 1 unreachable                                   34.1 s
  4/4  gpu[16:30]     15 not started

13 hosts  ✓ 2 changed, 1 restarted, 3 checks passed
gpu07     ✗ login-node: no space left on /home; the old checkout is untouched [OT2001]
gpu11     ✗ unreachable: no answer from gpu11.lan:22 in 10 s

Stopped: 13 converged, 1 failed, 1 unreachable, 15 not started.   78.3 s
Resume with: onetrip retry 20260302-1405-a3f1
"""


def text(value: Plan | Report, **options: object) -> str:
    return render(value, "text", **options)  # type: ignore[arg-type]


def test_the_documented_plan() -> None:
    assert text(samples.plan()) == PLAN


@pytest.mark.parametrize("width", [50, 60, 80])
def test_a_rollout_fits_the_terminal_and_names_every_host_that_failed(width: int) -> None:
    report = samples.rollout()
    long = [f"{host.host}.rack-{at % 3}.example.org" for at, host in enumerate(report.hosts)]
    renamed = dict(zip((host.host for host in report.hosts), long, strict=True))
    hosts = tuple(
        replace(host, host=renamed[host.host], error="", unreachable=False, outcomes=broken)
        for host in report.hosts
        for broken in [(Outcome(samples.node(), "failed", reason=Reason.of("no space left on /home; " * 4)),)]
    )
    batches = tuple(replace(batch, hosts=tuple(renamed[name] for name in batch.hosts)) for batch in report.batches)
    shown = text(replace(report, hosts=hosts, batches=batches), width=width).splitlines()
    assert max(map(cells, shown)) <= width
    assert "".join(shown).count("gpu") == 15 + len(batches)
    assert sum(bool(re.search(r"\d failed", line)) for line in shown) == 4


def test_the_documented_apply() -> None:
    assert text(samples.report()) == APPLY


def test_the_documented_failure() -> None:
    assert text(samples.failed_check()) == FAILED


def test_the_documented_rollout() -> None:
    assert text(samples.rollout()) == ROLLOUT


def host(*steps: Step, **fields: object) -> Plan:
    return Plan("s", (HostPlan("gpu1", steps, trips=1, **fields),), 0.4)  # type: ignore[arg-type]


def test_identical_hosts_are_told_once() -> None:
    one = samples.plan().hosts[0]
    plan = Plan("qwen", tuple(replace(one, host=f"gpu{number}", seconds=number) for number in range(1, 13)), 0.6)
    shown = text(plan).splitlines()
    assert shown[0] == "gpu[1:12]   12 hosts: the same 3 changes"
    assert shown[1:7] == PLAN.splitlines()[1:7]
    assert len(shown) == 9
    assert shown[-1].startswith("Plan: 24 to change, 12 to restart, 36 checks after apply, 12 unchanged.")


def test_hosts_that_differ_are_not_folded() -> None:
    other = samples.node(attributes=(Attribute("revision", "f" * 40, samples.NEW),))
    plan = Plan("s", (HostPlan("a", (samples.node(),)), HostPlan("b", (other,))), 1.0)
    assert text(plan).count("login-node") == 2


def test_a_fix_for_folded_hosts_is_for_all_of_them() -> None:
    failed = samples.failed_check().hosts[0]
    outcome = failed.outcomes[-1]
    hosts = tuple(
        replace(failed, host=name, outcomes=(replace(outcome, fix=Command("apply", ("s.yaml",), (name,))),))
        for name in ("gpu1", "gpu2")
    )
    shown = text(Report("s", hosts, 1.0))
    assert "fix        apply s.yaml --limit gpu1,gpu2\n" in shown
    assert shown.count("fix") == 1


def test_quiet_shows_failures_and_the_summary_only() -> None:
    assert text(samples.plan(), verbosity=-1).splitlines() == PLAN.splitlines()[-1:]
    assert text(samples.failed_check(), verbosity=-1) == FAILED
    rollout = text(samples.rollout(), verbosity=-1)
    assert "13 hosts" not in rollout
    assert "gpu07     ✗" in rollout


def test_verbose_shows_what_is_unchanged_and_the_actions() -> None:
    shown = text(samples.plan(), verbosity=1)
    assert "  ✓ login-requirements    unchanged\n" in shown
    assert "                          actions    restart comfyui-qwen\n" in shown
    assert "                                     wait until it is healthy\n" in shown
    assert "action     check out 6910925" in shown


def test_verbose_tells_of_the_failed_hosts_of_a_rollout_in_full() -> None:
    assert "\n  ✗ login-node" not in text(samples.rollout())
    assert "\n  ✗ login-node" in text(samples.rollout(), verbosity=1)


def test_new_and_removed_things() -> None:
    new = samples.node(prior=None, attributes=(Attribute("revision", None, samples.NEW), Attribute("depth", None, 1)))
    old = Step(
        "old.conf",
        "file-sync",
        "change",
        prior={"mode": "0644", "owner": "root", "group": None},
        attributes=(Attribute("mode", "0644", None), Attribute("owner", "root", None)),
    )
    assert text(host(new, old)).splitlines()[1:4] == [
        "  + login-node            revision   6910925",
        "                          depth      1",
        "  - old.conf              remove     mode 0644, owner root",
    ]


def test_values_that_begin_alike_are_shown_in_full() -> None:
    a, b = "ab" * 20, "ab" * 19 + "cd"
    shown = text(host(samples.node(attributes=(Attribute("revision", a, b),))))
    assert f"{a} → {b}" in shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, "x", "absent → x"),
        ("x", None, "x → absent"),
        (True, False, "yes → no"),
        (1, 2, "1 → 2"),
        ("", "x", '"" → x'),
        (" x", "x", '" x" → x'),
        ("a\nb", "a", "a\\nb → a"),
        ("sha256:" + "ab" * 32, "sha256:" + "cd" * 32, "abababa → cdcdcdc"),
        ("1", 1, "1 → 1"),
    ],
)
def test_values(before: Plain, after: Plain, shown: str) -> None:
    step = samples.node(attributes=(Attribute("it", before, after),), prior={"it": before, "other": "x"})
    assert text(host(step)).splitlines()[1] == f"  ~ login-node            it         {shown}"


def test_refusals_errors_and_what_they_block() -> None:
    refused = samples.node(
        outlook="refused", reason=Reason.of("2 files are changed\n  a, b; left as they are\n  Commit them.")
    )
    error = samples.password(outlook="error", reason=Reason.of("git is not installed"))
    blocked = samples.service(
        outlook="blocked", reason=Reason(Why.NEEDS, ("login-node",)), cause=ResourceRef("login-node", "refused")
    )
    assert text(host(refused, error, blocked)).splitlines()[1:6] == [
        "  ! login-node            refused    2 files are changed [OT1803]",
        "                                     a, b; left as they are",
        "                                     Commit them.",
        "  ✗ login-password        error      git is not installed [OT1804]",
        "  · comfyui               blocked    needs login-node",
    ]


def test_a_failed_action_tells_why_and_what_it_printed() -> None:
    output = "".join(f"line {number}\x1b[1m\n" for number in range(1, 31))
    outcome = Outcome(samples.node(), "failed", reason=Reason.of("git ended with status 128"), output=output)
    shown = text(Report("s", (HostReport("gpu1", (outcome,), trips=2),), 3.0)).splitlines()
    assert shown[1:5] == [
        "  ✗ login-node            revision   3f2c91a → 6910925",
        "                          because    git ended with status 128 [OT2001]",
        "                          output     (10 more lines above)",
        "                                     line 11\\x1b[1m",
    ]
    assert shown[23] == "                                     line 30\\x1b[1m"


def test_an_unreachable_host() -> None:
    key = "host key is not known; nothing was sent\n  Check it\n  then add it"
    lost = HostPlan("web1", error=key, unreachable=True)
    assert text(Plan("s", (lost,), 1.0)).splitlines() == [
        "web1",
        "  ✗ unreachable: host key is not known; nothing was sent",
        "    Check it",
        "    then add it",
        "",
        "Plan failed: 1 host unreachable.   1 host, 1.0 s",
    ]


def test_a_stopped_run_says_so() -> None:
    report = replace(samples.report(), stopped=Stop.REQUESTED)
    assert text(report).splitlines()[-1] == "Stopped on request"


def test_a_verification_without_a_value_known() -> None:
    step = samples.requirements(
        outlook="check", attributes=(Attribute("requirements", "known after apply", "satisfied"),)
    )
    assert text(host(step)).splitlines()[1] == "  ? login-requirements    requirements  checked after apply"


def test_diffs_stand_below_their_resource() -> None:
    step = samples.password(texts={"content": ("a\nb\n", "a\nc\n")})
    assert "---" not in text(host(step))
    assert text(host(step), diff=True).splitlines()[2:10] == [
        "",
        "      --- content, as it is",
        "      +++ content, as declared",
        "      @@ -1,2 +1,2 @@",
        "       a",
        "      -b",
        "      +c",
        "",
    ]


def test_nothing_is_cut_or_wrapped_without_a_terminal() -> None:
    long = "x" * 5000
    shown = text(host(samples.node(attributes=(Attribute("revision", long, "y"),), outlook="change")))
    assert f"{long} → y" in shown
    reason = "word " * 500 + "end"
    assert reason in text(host(samples.node(outlook="error", reason=Reason.of(reason))))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
def test_on_a_terminal_lines_fit(width: int) -> None:
    long = "/srv/" + "deep/" * 60 + "file"
    name = "node/" + "very-long-name-" * 3
    plan = host(
        *samples.steps(),
        samples.node(name=name, attributes=(Attribute("remote", long, long + "x"), Attribute("depth", None, long))),
        samples.node(
            name="r", outlook="refused", reason=Reason.of(f"cannot touch {long} since it is {'much ' * 30}in the way")
        ),
    )
    shown = text(plan, width=width).splitlines()
    assert max(len(line) for line in shown if name not in line) <= width
    joined = "".join(shown)
    assert "…" in joined
    assert joined.count("much") == 30


def test_a_command_to_copy_stays_in_one_piece() -> None:
    hosts = tuple(f"gpu{number}" for number in range(30))
    fix = f"apply states/qwen.yaml --limit {','.join(hosts)}"
    outcome = replace(
        samples.failed_check().hosts[0].outcomes[-1], fix=Command("apply", ("states/qwen.yaml",), hosts)
    )
    shown = text(Report("s", (HostReport("gpu0", (outcome,)),), 1.0), width=60)
    assert any(line.endswith(fix) for line in shown.splitlines())


def test_colour_changes_nothing_but_colour() -> None:
    for value in (samples.plan(), samples.report(), samples.failed_check(), samples.rollout()):
        coloured = text(value, color=True)
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text(value)


@pytest.mark.parametrize("value", [samples.plan(), samples.report(), samples.failed_check(), samples.rollout()])
def test_ascii_keeps_the_columns(value: Plan | Report) -> None:
    shown = text(value, ascii=True)
    assert shown.isascii()
    durations = [line for line in shown.splitlines() if re.search(r"  [0-9.]+ s$", line) and line.startswith("  ")]
    assert len({len(line) for line in durations}) <= 1


def test_ascii_marks() -> None:
    shown = text(samples.report(), ascii=True)
    assert "  = accepts-token" in shown
    assert "3f2c91a -> 6910925" in shown
    assert "  x accepts-token" in text(samples.failed_check(), ascii=True)


@given(st.text(), st.text(), st.text())
def test_no_text_of_a_host_can_steer_the_terminal(name: str, value: str, reason: str) -> None:
    step = samples.node(name=name or "x", attributes=(Attribute(value, value, reason),), actions=(reason,))
    bad = samples.node(outlook="error", reason=Reason.of(reason))
    plan = Plan("s", (HostPlan(value or "h", (step, bad), trips=1), HostPlan("i", error=reason or "e")), 1.0)
    for width in (None, 50):
        assert all(line.isprintable() for line in text(plan, width=width, verbosity=1).split("\n"))


def test_rich_is_not_imported_for_text() -> None:
    script = (
        "import sys\n"
        "from tests.unit.views import samples\n"
        "from engine.views import render\n"
        "render(samples.plan(), 'text', color=True, width=80)\n"
        "print([name for name in ('rich', 'jinja2', 'click', 'jsonschema') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_a_rollback_does_not_put_back_is_folded_over_hosts() -> None:
    why = "packages that were installed stay; versions that were replaced do not come back"
    lost = (
        *(Lost(f"gpu{n:02}", "packages", Reason.of(why)) for n in range(1, 31)),
        Lost("gpu07", "dir", Reason.of("it is no file")),
    )
    hosts = tuple(HostReport(f"gpu{n:02}", trips=1) for n in range(1, 31))
    text = render(Report("qwen", hosts, lost=lost), "text")
    assert f"Not put back:\n  ! gpu[01:30]/packages: {why}\n  ! gpu07/dir: it is no file\n\n" in text
    assert "Put back in part: 31 not put back." in text
    plan = render(Plan("qwen", tuple(HostPlan(host.host, trips=1) for host in hosts), lost=lost), "text", width=60)
    assert "Cannot be put back:\n  ! gpu[01:30]/packages: " in plan
    assert "Nothing to change: 31 cannot be put back." in plan
    assert all(cells(line) <= 60 for line in plan.splitlines())
