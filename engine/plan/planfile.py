"""Saved plans: a plan as a JSON document that is compared, never executed. Pure.

The document holds what was found and what is to change, as fingerprints where secrets are involved; no secret, no
script. It carries a MAC under the project's key, so that an edited one is refused; the text must be exactly what
`dumps` writes, so that not a byte can change unnoticed. Two plans of the same thing differ in `made` only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from engine.bounds import check_json
from engine.codes import Code
from engine.errors import PlanRefused
from engine.model import Drift, Drifted, HostPlan, Plan, ResourceRef, Step

FORMAT = "engine-plan"
VERSION = 2

Mac = Callable[[bytes], str]


def document(plan: Plan, about: Mapping[str, Any], made: str, key_id: str, mac: Mac) -> dict[str, Any]:
    """The document of a plan. `about` is what it was made from: `engine` (version), `sources` (path → SHA-256),
    `states`, `inventory`, `variables` (name → keyed digest), `limit`, `only`, `skip`, `no_guards`, `restart`,
    `become`. `made` is a UTC time."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "key": key_id,
        **about,
        "state": plan.state,
        "batches": [list(batch.hosts) for batch in plan.batches],
        "max_failures": plan.max_failures,
        "hosts": [_host(host) for host in plan.hosts],
    }
    seal = mac(_canonical(body))
    return {**body, "mac": seal, "made": {"at": made, "mac": mac(f"{made} {seal}".encode())}}


def dumps(document: Mapping[str, Any]) -> str:
    """The text of the file: stable key order, one trailing newline."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def loads(text: str, file: str) -> dict[str, Any]:
    """Parse and check the shape. Raises PlanRefused with what is wrong; `check_seal` comes after it."""
    try:
        found = json.loads(text)
        check_json(found)
    except (ValueError, RecursionError) as error:
        raise PlanRefused(
            f"{file}: is not a saved plan: {error}\n  Make one with: plan STATE --out {file}", code=Code.NOT_A_PLAN
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise PlanRefused(
            f"{file}: is not a saved plan\n  Make one with: plan STATE --out {file}", code=Code.NOT_A_PLAN
        )
    if found.get("version") != VERSION:
        raise PlanRefused(
            f"{file}: is a plan of version {found.get('version')!r}, and this engine reads version {VERSION}\n"
            f"  Plan again with the engine that is to apply it: plan STATE --out {file}",
            code=Code.PLAN_VERSION,
        )
    return found


def check_seal(
    found: Mapping[str, Any], text: str, file: str, key_id: str, same: Callable[[bytes, str], bool]
) -> None:
    """Raises PlanRefused where the document was sealed with another key or is not what was sealed.

    `same` compares the MAC of bytes with a given one in constant time.
    """
    if found.get("key") != key_id:
        raise PlanRefused(
            f"{file}: was made with key {str(found.get('key'))[:16]!r}, and the key here is {key_id!r}\n"
            "  The machines that plan and apply must share one key: copy .engine/key of the project that made the\n"
            "  plan, or set ENGINE_KEY to the same value on both.",
            code=Code.PLAN_KEY,
        )
    body = {name: value for name, value in found.items() if name not in ("mac", "made")}
    if not (_sealed(body, found.get("mac"), found.get("made"), same) and dumps(found) == text):
        raise PlanRefused(
            f"{file}: was changed after it was made; nothing of it is applied\n"
            f"  Plan again with: plan STATE --out {file}",
            code=Code.PLAN_EDITED,
        )


def _sealed(body: Mapping[str, Any], seal: object, made: object, same: Callable[[bytes, str], bool]) -> bool:
    if not isinstance(seal, str) or not isinstance(made, dict):
        return False
    at = f"{made.get('at')} {seal}".encode(errors="replace")
    return same(_canonical(body), seal) and same(at, str(made.get("mac")))


def drift(reviewed: Mapping[str, Any], host: HostPlan) -> Iterator[Drift]:
    """What differs between a host as reviewed (an entry of `hosts`) and as planned now. Answers of checks are not
    compared; what they ask is covered by the sources' digests."""
    if reviewed["error"] or host.error:
        yield Drift(Drifted.UNOBSERVED_THEN if reviewed["error"] else Drifted.UNOBSERVED_NOW)
        return
    facts = reviewed["facts"]
    for fact in dict.fromkeys([*facts, *host.facts]):
        if facts.get(fact) != host.facts.get(fact):
            yield Drift(Drifted.FACT, "", fact, facts.get(fact), host.facts.get(fact))
    before = {step["name"]: step for step in reviewed["steps"]}
    after = {step.name: _comparable(step) for step in host.steps}
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after or name not in before:
            yield Drift(Drifted.UNDECLARED if name in before else Drifted.DECLARED, name)
        elif not before[name]["check"]:
            yield from _step_drift(before[name], after[name])
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield Drift(Drifted.ORDER)


def _step_drift(before: Mapping[str, Any], after: Step) -> Iterator[Drift]:
    name, told = after.name, False
    prior, now = before["prior"] or {}, after.prior or {}
    if after.outlook in ("refused", "error") and after.outlook != before["status"]:
        # Nothing is known of what was found, so to compare it would say that it is absent.
        yield Drift(Drifted.STEP, name, "status", before["status"], after.outlook, after.reason)
        return
    if (before["prior"] is None) != (after.prior is None):
        yield Drift(Drifted.EXISTENCE, name, "", before["prior"] is not None, after.prior is not None)
        return
    for attribute in dict.fromkeys([*prior, *now]):
        if prior.get(attribute) != now.get(attribute):
            told = True
            yield Drift(Drifted.FOUND, name, attribute, prior.get(attribute), now.get(attribute))
    wanted = {a["name"]: a["after"] for a in before["attributes"]}
    wants = {a.name: a.after for a in after.attributes}
    for attribute in dict.fromkeys([*wanted, *wants]):
        if wanted.get(attribute) != wants.get(attribute) and prior.get(attribute) == now.get(attribute):
            told = True
            yield Drift(Drifted.GOAL, name, attribute, wanted.get(attribute), wants.get(attribute))
    # That a check fails now is no drift: it is asked again before what it gates, which was not to be begun without.
    gated = after.outlook == "blocked" and after.gates and before["status"] in ("change", "check")
    was, is_now = _fields(before), _fields(_saved(after))
    for what in ("kind", "verb", "needs") if gated else ("kind", "status", "verb", "needs"):
        if not told and was[what] != is_now[what]:
            told = True
            yield Drift(Drifted.STEP, name, what, was[what], is_now[what])


def _fields(step: Mapping[str, Any]) -> dict[str, str]:
    return {**{what: step[what] for what in ("kind", "status", "verb")}, "needs": ", ".join(step["needs"])}


def _host(host: HostPlan) -> dict[str, Any]:
    return {
        "host": host.host,
        "error": host.error,
        "facts": dict(host.facts),
        "steps": [_step(step) for step in host.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    data = _saved(_comparable(step))
    del data["position"]
    return data


def _saved(item: Step | ResourceRef) -> dict[str, Any]:
    """A step, or the cause of one, as a file has it: its `outlook` is its status there, as in every format."""
    data = asdict(item)
    data["status"] = data.pop("outlook")
    if isinstance(item, Step) and item.cause is not None:
        data["cause"] = _saved(item.cause)
    return data


def _comparable(step: Step) -> Step:
    """A step as it is saved: answers of checks change by themselves, so they are shown in a plan, but neither saved
    nor compared."""
    if not step.check:
        return step
    return replace(
        step, outlook="check", prior=None, attributes=(), now="", show={}, cause=None, reason=None, texts={}, gates=()
    )


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
