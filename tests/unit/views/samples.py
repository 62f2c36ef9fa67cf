"""Plans and reports as the engine makes them, for the tests of the views."""

from __future__ import annotations

from dataclasses import replace

from engine.model import (
    CURRENT,
    Attribute,
    Batch,
    Command,
    HostPlan,
    HostReport,
    Outcome,
    Plan,
    Reason,
    Report,
    ResourceRef,
    ResultStatus,
    Step,
    Tense,
    Watched,
    Why,
)

OLD, NEW = "3f2c91a" + "0" * 33, "6910925" + "0" * 33
STALE, RIGHT = "secret:a1e04c", "secret:7c93bd"
CAUSE = ResourceRef("login-password", "change", attributes=(Attribute("line 1", STALE, RIGHT),))
FIX = Command("apply", ("states/qwen.yaml",), ("gpu1",))


def watched(tense: Tense) -> tuple[Watched, ...]:
    return Watched("login-node", tense), Watched("login-password", tense)


def node(**fields: object) -> Step:
    step = Step(
        "login-node",
        "git-clone",
        "change",
        attributes=(Attribute("revision", OLD, NEW),),
        prior={"revision": OLD, "remote": "https://example.org/node.git"},
        actions=("check out 6910925",),
        position="states/qwen.yaml:12:3",
    )
    return replace(step, **fields)  # type: ignore[arg-type]


def password(**fields: object) -> Step:
    step = Step(
        "login-password",
        "file-sync",
        "change",
        attributes=(Attribute("line 1", STALE, RIGHT),),
        prior={"line 1": STALE, "mode": "0600"},
        needs=("login-node",),
        actions=("write line 1",),
    )
    return replace(step, **fields)  # type: ignore[arg-type]


def requirements(**fields: object) -> Step:
    step = Step("login-requirements", "pip-install", "converged", needs=("login-password",))
    return replace(step, **fields)  # type: ignore[arg-type]


def service(**fields: object) -> Step:
    step = Step(
        "comfyui",
        "compose-restart",
        "change",
        verb="restart",
        attributes=(
            Attribute("login-node", "will change", CURRENT),
            Attribute("login-password", "will change", CURRENT),
        ),
        prior={"state": "running", "login-node": CURRENT, "login-password": CURRENT},
        because=watched(Tense.WILL_CHANGE),
        needs=("login-requirements",),
        actions=("restart comfyui-qwen", "wait until it is healthy"),
    )
    return replace(step, **fields)  # type: ignore[arg-type]


def check(name: str, expected: str, now: str = "401", **fields: object) -> Step:
    differs = (Attribute("status", now, expected),) if now != expected else ()
    step = Step(
        name,
        "http-assert",
        "check",
        attributes=differs,
        check=True,
        expected=expected,
        now=now,
        cause=CAUSE if differs else None,
        needs=("comfyui",),
    )
    return replace(step, **fields)  # type: ignore[arg-type]


def steps() -> tuple[Step, ...]:
    """The main job, before it was ever applied."""
    return (
        node(),
        password(),
        requirements(),
        service(),
        check("refuses-strangers", "401"),
        check("refuses-empty-token", "401"),
        check("accepts-token", "200"),
    )


def plan() -> Plan:
    return Plan("qwen", (HostPlan("gpu1", steps(), trips=1, seconds=0.4),), 0.4)


SHOW = {"ComfyUI": "0.3.64", "RAM": "62.7 GiB", "GPU": "NVIDIA RTX 3090"}


def outcomes() -> tuple[Outcome, ...]:
    a, b, c, d, e, f, g = steps()
    return (
        Outcome(a, "changed", seconds=1.2),
        Outcome(b, "changed", seconds=0.1),
        Outcome(c, "unchanged"),
        Outcome(d, "changed", because=watched(Tense.CHANGED), seconds=11.3),
        Outcome(e, "passed", seconds=8.6, now="401"),
        Outcome(f, "passed", seconds=0.1, now="401"),
        Outcome(g, "passed", seconds=0.1, now="200", show=SHOW),
    )


def report() -> Report:
    return Report("qwen", (HostReport("gpu1", outcomes(), trips=2, seconds=21.8),), 21.8)


def failed_check() -> Report:
    left: ResultStatus = "left"
    kept = tuple(Outcome(replace(step, outlook="skipped", pending=True), left, due=True) for step in steps()[:2])
    broken = Outcome(
        check("accepts-token", "200", outlook="failing"),
        "failed",
        attributes=(Attribute("status", "401", "200"),),
        cause=CAUSE,
        fix=FIX,
        now="401",
        seconds=0.1,
    )
    return Report("qwen", (HostReport("gpu1", (*kept, broken), trips=1, seconds=0.4),), 0.4)


def rollout() -> Report:
    """30 hosts in four batches, of which the third did not pass."""
    names = [f"gpu{number:02}" for number in range(1, 31)]
    good = tuple(outcome for outcome in outcomes() if outcome.verdict != "unchanged")
    hosts = {name: HostReport(name, good, trips=2, seconds=20.0) for name in names[:15]}
    broken = Outcome(
        node(), "failed", reason=Reason.of("no space left on /home; the old checkout is untouched"), due=True
    )
    hosts["gpu07"] = HostReport(
        "gpu07", (broken, Outcome(password(), "skipped", reason=Reason(Why.NEEDS_FAILED, ("login-node",))))
    )
    hosts["gpu11"] = HostReport("gpu11", error="no answer from gpu11.lan:22 in 10 s", unreachable=True)
    for name in names[15:]:
        hosts[name] = HostReport(name, started=False)
    batches = (
        Batch(("gpu01",), 21.8),
        Batch(("gpu02", "gpu03"), 22.4),
        Batch(tuple(names[3:15]), 34.1),
        Batch(tuple(names[15:])),
    )
    every = tuple(hosts[name] for name in names)
    return Report("qwen", every, 78.3, None, "20260302-1405-a3f1", batches, 0)
