"""Text is what people read: the examples of the documentation, character by character."""

from __future__ import annotations

from engine.model import Plan, Report
from engine.views import render
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
gpu07     ✗ login-node: no space left on /home; the old checkout is untouched
gpu11     ✗ unreachable: no answer from gpu11.lan:22 in 10 s

Stopped: 13 converged, 1 failed, 1 unreachable, 15 not started.   78.3 s
Go on with: engine retry 20260302-1405-a3f1
"""


def text(value: Plan | Report, **options: object) -> str:
    return render(value, "text", **options)  # type: ignore[arg-type]


def test_the_documented_plan() -> None:
    assert text(samples.plan()) == PLAN


def test_the_documented_apply() -> None:
    assert text(samples.report()) == APPLY


def test_the_documented_failure() -> None:
    assert text(samples.failed_check()) == FAILED


def test_the_documented_rollout() -> None:
    assert text(samples.rollout()) == ROLLOUT
