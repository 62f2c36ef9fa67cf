"""The page as a file; what it does is tested in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from engine.model import Attribute, HostPlan, Plan, Reason, Report
from engine.views import render
from tests.unit.views import samples

HOSTILE = "</script><!--<script>alert(1)</script>\u2028\u202e\x1b[31m@DATA@@SCRIPT@&"


def data(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    told: dict[str, Any] = json.loads(found)
    return told


@pytest.mark.parametrize("value", [samples.plan(), samples.report(), samples.failed_check(), samples.rollout()])
def test_one_file_that_needs_no_other(value: Plan | Report) -> None:
    page = render(value, "html")
    assert page.isascii()
    assert re.findall(r"\b(?:src|href)\s*=\s*[\"']?(?!#)[^\"' >]+", page) == []
    assert "@import" not in page
    assert "url(" not in page.replace("url(#arrow)", "")


def test_only_its_own_style_and_script_are_allowed() -> None:
    page = render(samples.plan(), "html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy.split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src 'sha256-{digests[0]}'",
        f"script-src 'sha256-{digests[1]}'",
    ]


def test_hostile_text_cannot_leave_its_place() -> None:
    step = samples.node(
        name=HOSTILE, kind=HOSTILE, reason=Reason.of(HOSTILE), texts={HOSTILE: (HOSTILE, "x")}, position=HOSTILE,
        attributes=(Attribute(HOSTILE, HOSTILE, None),), prior={HOSTILE: HOSTILE}, actions=(HOSTILE,),
    )  # fmt: skip
    plan = Plan(HOSTILE, (HostPlan(HOSTILE, (step,)), HostPlan("b", error=HOSTILE)))
    page = render(plan, "html", command=HOSTILE)
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<!--" not in page
    told = data(page)
    shown = "</script><!--<script>alert(1)</script>\\u2028\\u202e\\x1b[31m@DATA@@SCRIPT@&"
    assert told["hosts"][0]["name"] == told["resources"][0]["name"] == told["state"] == shown

    def texts(item: Any) -> list[str]:
        if isinstance(item, str):
            return [item]
        items = [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list) else []
        return [text for part in items for text in texts(part)]

    assert all(text.isprintable() for text in texts(told))


def test_alike_hosts_are_stored_once() -> None:
    one = samples.plan().hosts[0]
    told = data(render(Plan("s", tuple(replace(one, host=f"gpu{number}") for number in range(1, 21))), "html"))
    assert len(told["hosts"]) == 20
    assert len(told["details"]) == 6
    assert told["groups"] == [{"name": "gpu[1:20]", "hosts": list(range(20))}]


def test_resources_keep_their_order_over_hosts_that_have_other_ones() -> None:
    node, password, requirements, service, *_ = samples.steps()
    hosts = (HostPlan("a", (node, service)), HostPlan("b", (node, password, service)), HostPlan("c", (requirements,)))
    told = data(render(Plan("s", hosts), "html"))
    assert [resource["name"] for resource in told["resources"]] == [
        "login-requirements",
        "login-node",
        "login-password",
        "comfyui",
    ]
    assert [host["cells"] for host in told["hosts"]] == [[-1, 0, -1, 1], [-1, 0, 2, 1], [3, -1, -1, -1]]


def test_the_summary_is_there_without_scripts() -> None:
    page = render(samples.plan(), "html")
    assert '<p class="lead">Plan: 2 to change, 1 to restart, 3 checks after apply, 1 unchanged.' in page
