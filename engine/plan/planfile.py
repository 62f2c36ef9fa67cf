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
from engine.errors import PlanRefused
from engine.model import HostPlan, Plan, Step

FORMAT = "engine-plan"
VERSION = 1

Mac = Callable[[bytes], str]


def document(plan: Plan, about: Mapping[str, Any], made: str, key_id: str, mac: Mac) -> dict[str, Any]:
    """The document of a plan. `about` is what it was made from: `engine` (version), `sources` (path → SHA-256),
    `states`, `inventory`, `variables` (name → keyed digest), `limit`, `only`, `skip`, `become`.
    `made` is a UTC time."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "key": key_id,
        **about,
        "state": plan.state,
        "batches": [list(batch.hosts) for batch in plan.batches],
        "rule": plan.rule,
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
        raise PlanRefused(f"{file}: is no saved plan: {error}\n  Make one with: plan STATE --out {file}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise PlanRefused(f"{file}: is no saved plan\n  Make one with: plan STATE --out {file}")
    if found.get("version") != VERSION:
        raise PlanRefused(
            f"{file}: is a plan of version {found.get('version')!r}, and this engine reads version {VERSION}\n"
            "  Plan again with the engine that is to apply it."
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
            "  plan, or set ENGINE_KEY to the same value on both."
        )
    body = {name: value for name, value in found.items() if name not in ("mac", "made")}
    if not (_sealed(body, found.get("mac"), found.get("made"), same) and dumps(found) == text):
        raise PlanRefused(
            f"{file}: was changed after it was made; nothing of it is applied\n"
            f"  Plan again with: plan STATE --out {file}"
        )


def _sealed(body: Mapping[str, Any], seal: object, made: object, same: Callable[[bytes, str], bool]) -> bool:
    if not isinstance(seal, str) or not isinstance(made, dict):
        return False
    at = f"{made.get('at')} {seal}".encode(errors="replace")
    return same(_canonical(body), seal) and same(at, str(made.get("mac")))


def drift(reviewed: Mapping[str, Any], host: HostPlan) -> Iterator[str]:
    """What differs between a host as reviewed (an entry of `hosts`) and as planned now: one sentence each, naming
    address and attribute. Answers of checks are not compared; what they ask is covered by the sources' digests."""
    found = _host(host)
    if reviewed["error"] or found["error"]:
        yield f"{host.host}: could not be observed {'when the plan was made' if reviewed['error'] else 'now'}"
        return
    for fact in dict.fromkeys([*reviewed["facts"], *found["facts"]]):
        was, now = reviewed["facts"].get(fact), found["facts"].get(fact)
        if was != now:
            yield f"{host.host}: host.{fact} was {_fact(was)} when reviewed, is {_fact(now)} now"
    before = {step["name"]: step for step in reviewed["steps"]}
    after = {step["name"]: step for step in found["steps"]}
    for name in [*before, *(name for name in after if name not in before)]:
        address = f"{host.host}/{name}"
        if name not in after or name not in before:
            yield f"{address}: is {'no longer declared' if name in before else 'declared now, and was not'}"
        elif not before[name]["check"]:
            yield from _step_drift(address, before[name], after[name])
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield f"{host.host}: the order of its resources changed"


def _step_drift(address: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    told = False
    prior, now = before["prior"] or {}, after["prior"] or {}
    if after["outlook"] in ("refused", "error") and after["outlook"] != before["outlook"]:
        # Nothing is known of what was found, so to compare it would say that it is absent.
        why = f": {after['reason']}" if after["reason"] else ""
        yield f"{address}: outlook was {before['outlook']} when reviewed, is {after['outlook']} now{why}"
        return
    if (before["prior"] is None) != (after["prior"] is None):
        yield f"{address}: was {_existence(before)} when reviewed, is {_existence(after)} now"
        return
    for attribute in dict.fromkeys([*prior, *now]):
        if prior.get(attribute) != now.get(attribute):
            told = True
            was, is_now = _said(prior.get(attribute)), _said(now.get(attribute))
            yield f"{address}: {attribute} was {was} when reviewed, is {is_now} now"
    wanted = {a["name"]: a["after"] for a in before["attributes"]}
    wants = {a["name"]: a["after"] for a in after["attributes"]}
    for attribute in dict.fromkeys([*wanted, *wants]):
        if wanted.get(attribute) != wants.get(attribute) and prior.get(attribute) == now.get(attribute):
            told = True
            yield (
                f"{address}: {attribute} was to become {_said(wanted.get(attribute))} when reviewed, "
                f"would become {_said(wants.get(attribute))} now"
            )
    # That a check fails now is no drift: it is asked again before what it gates, which was not to be begun without.
    gated = after["outlook"] == "blocked" and after["gates"] and before["outlook"] in ("change", "check")
    for what in ("kind", "verb", "needs") if gated else ("kind", "outlook", "verb", "needs"):
        if not told and before[what] != after[what]:
            told = True
            yield f"{address}: {what} was {_said(before[what])} when reviewed, is {_said(after[what])} now"


def _fact(value: str | None) -> str:
    return "not referred to" if value is None else value


def _existence(step: Mapping[str, Any]) -> str:
    return "absent" if step["prior"] is None else "present"


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "nothing"
    return "absent" if value is None else str(value)


def _host(host: HostPlan) -> dict[str, Any]:
    return {
        "host": host.host,
        "error": host.error,
        "facts": dict(host.facts),
        "steps": [_step(step) for step in host.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    if step.check:
        # Answers change by themselves: they are shown in a plan, but neither saved nor compared.
        step = replace(
            step, outlook="check", prior=None, attributes=(), now="", show={}, cause="", reason="", texts={}, gates=()
        )
    data = asdict(step)
    data["needs"], data["gates"], data["actions"] = list(step.needs), list(step.gates), list(step.actions)
    data["attributes"] = [asdict(attribute) for attribute in step.attributes]
    data["texts"] = {name: list(texts) for name, texts in step.texts.items()}
    del data["position"]
    return data


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
