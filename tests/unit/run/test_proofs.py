"""Which checks show that a service has read its files, and when that is noted."""

from __future__ import annotations

from dataclasses import replace

from engine.kinds.compose_restart import ComposeRestart
from engine.kinds.http_assert import HttpAssert
from engine.model import DeclaredResource, Host, HostDeclaration, HostPath, Script, Watch
from engine.run.sections import awaited, proofs, proving

SETTINGS = Watch("settings", Script(""))


def service(name: str, *needs: str, watched: bool = True) -> DeclaredResource:
    watches = (SETTINGS,) if watched else ()
    return DeclaredResource(
        name, ComposeRestart(project_dir=HostPath("/srv"), service=name, restart_on=watches), needs, become="carol"
    )


def check(name: str, *needs: str, **keys: object) -> DeclaredResource:
    return DeclaredResource(name, HttpAssert(url="http://localhost", status=401, **keys), needs)  # type: ignore[arg-type]


def noted(*resources: DeclaredResource, started: str = "web", asked: str = "refuses accepts") -> dict[str, list[str]]:
    """Section → the sections it needs."""
    declared = HostDeclaration(Host("h"), resources)
    found = list(proofs(declared, proving(declared, started.split(), asked.split())))
    assert all(section.become == "carol" and section.phase == "apply" for section in found)
    return {section.name: list(section.needs) for section in found}


def test_all_checks_behind_it_must_hold() -> None:
    both = noted(service("web"), check("refuses", "web"), check("accepts", "refuses"))
    assert both == {"prove:web:0": ["probe:refuses", "probe:accepts"]}
    assert noted(service("web"), check("refuses", "web"), check("accepts", "refuses"), asked="accepts") == {}
    assert noted(service("web"), check("refuses", "web"), started="db") == {}
    assert noted(service("web")) == {}


def test_only_what_the_host_judges_counts() -> None:
    json = check("accepts", "web", json={"ok": True})
    assert noted(service("web"), check("refuses", "web"), json) == {"prove:web:0": ["probe:refuses"]}
    assert noted(service("web"), json) == {}
    assert noted(service("web"), check("refuses", "web", from_="controller")) == {}


def test_a_check_tells_of_the_nearest_service_alone() -> None:
    chain = (service("db"), service("web", "db"), check("refuses", "web"))
    assert noted(*chain, started="db web") == {"prove:web:0": ["probe:refuses"]}
    # One that watches nothing has nothing to be proven, and still stands in between.
    chain = (service("db"), service("web", "db", watched=False), check("refuses", "web"))
    assert noted(*chain, started="db web") == {}


def test_a_check_that_proves_nothing() -> None:
    early = check("refuses", "web", proves=False)
    assert noted(service("web"), early) == {}
    assert noted(service("web"), early, check("accepts", "refuses")) == {"prove:web:0": ["probe:accepts"]}


def test_what_tells_a_check_that_its_service_has_ended() -> None:
    chain = (service("db"), service("web", "db"), check("refuses", "web"), check("here", "web", from_="controller"))
    found = awaited(HostDeclaration(Host("h"), chain))
    assert set(found) == {"refuses"}
    assert (found["refuses"]["awaited_count"], found["refuses"]["awaited_0_user"]) == (1, "carol")
    # Nobody is become for it whom the check is not, and what is not to run is not waited for.
    other = replace(check("refuses", "web"), become="bob")
    assert awaited(HostDeclaration(Host("h"), (service("web"), other))) == {}
    stopped = replace(service("web"), resource=service("web").resource.replace(state="stopped"))  # type: ignore[attr-defined]
    assert awaited(HostDeclaration(Host("h"), (stopped, check("refuses", "web")))) == {}
