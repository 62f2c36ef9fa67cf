"""A secret that is a common word: it is hidden in what a host says, and destroys nothing of what the engine says,
keeps or goes by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration import careless_kinds
from tests.integration.project import Project, Ran

NEUTRAL = "Zq9-nothing-is-called-like-This_7"
WORDS = ["postgres", "resource", "started", "host", '": "', "ok", "1", "failed"]


def project_with(tmp_path: Path, secret: str) -> Project:
    """Two hosts with a stale file each; on the second, a directory is in the way of the last file."""
    project = Project(tmp_path)
    hosts = {}
    for name in ("web-postgres", "b"):
        place = tmp_path / "hosts" / name
        (place / "last").mkdir(parents=True)
        (place / "settings").write_text("colour = blue\n")
        hosts[name] = {"ansible_connection": "local", "place": str(place)}
    (tmp_path / "hosts/b/last/file").mkdir()
    (tmp_path / "hosts/b/last/file/kept").touch()
    project.inventory(hosts)
    project.write("token", secret)
    project.state(
        {
            "settings": {"file-sync": {"path": "{{ place }}/settings", "content": "colour = red\n", "mode": "0640"}},
            "credential": {"file-sync": {"path": "{{ place }}/credential", "first_line": "{{ secrets.token }}"}},
            "last": {"file-sync": {"path": "{{ place }}/last/file", "content": "last\n"}},
        },
        vars={"place": ""},
        secrets={"token": {"file": "token"}},
        rollout={"max_failures": 9},
    )
    return project


def steady(text: str, top: Path) -> str:
    """Output without what differs from run to run."""
    text = text.replace(str(top), "TOP")
    text = re.sub(r"\d{8}-\d{4}-[0-9a-f]+", "RUN", re.sub(r"secret:[0-9a-f]{6,16}", "secret:X", text))
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "THEN", re.sub(r"pid \d+", "pid N", text))
    return re.sub(r" +\d+\.\d+ s| +\d+ ms", " T s", text)


def told(project: Project, top: Path) -> tuple[list[str], list[Ran]]:
    """All that is said of a run that fails, of its record, its retry, and its rollback."""
    ran = [project.run("apply", "-y")]
    (run,) = project.runs()
    ran += [project.run("engine", "history", state=""), project.run("engine", "show", run, state="")]
    (top / "hosts/b/last/file/kept").unlink()
    (top / "hosts/b/last/file").rmdir()
    ran += [project.run("engine", "retry", run, "-y", state="")]
    second = project.runs()[-1]
    ran += [project.run("engine", "retry", second, state=""), project.run("engine", "history", state="")]
    ran += [project.run("engine", "rollback", run, "-y", state="")]
    return [steady(each.out, top) for each in ran], ran


@pytest.fixture(scope="module")
def neutral(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[Ran]]:
    top = tmp_path_factory.mktemp("neutral")
    return told(project_with(top, NEUTRAL), top)


@pytest.mark.parametrize("word", WORDS)
def test_all_that_is_said_and_kept_is_as_with_any_other_secret(
    tmp_path: Path, neutral: tuple[list[str], list[Ran]], word: str
) -> None:
    project = project_with(tmp_path, word)
    texts, ran = told(project, tmp_path)
    assert texts == neutral[0]
    assert [each.code for each in ran] == [1, 0, 0, 0, 0, 0, 0] == [each.code for each in neutral[1]]
    assert "Failed: " in texts[0]
    assert "1 not converged" in texts[1]
    assert "Nothing to retry: every host" in texts[4]
    first, second, third = project.runs()
    events = project.events(first)
    assert [e["event"] for e in events if e["event"] in ("started", "host", "finished")] == [
        "started", "host", "host", "finished",
    ]  # fmt: skip
    assert events[0]["hosts"] == ["web-postgres", "b"]
    assert project.events(second)[0]["hosts"] == ["b"]
    assert {e["verdict"] for e in project.events(third) if e["event"] == "resource"} == {"changed"}
    assert (tmp_path / "hosts/web-postgres/settings").read_text() == "colour = blue\n"


def test_a_secret_in_a_name_is_one_warning(tmp_path: Path) -> None:
    project = project_with(tmp_path, "postgres")
    for verb, *words in (("plan",), ("apply", "-y")):
        err = project.run(verb, *words).err
        assert err.count("token is also part of the name of a host or resource") == 1, err
        assert "postgres" not in err.replace("web-postgres", "")
    project.write("token", NEUTRAL)
    assert "part of the name" not in project.run("plan").err


@pytest.mark.parametrize("word", ["postgres", "giving", "1234"])
def test_what_a_host_says_is_redacted_all_the_same(tmp_path: Path, word: str) -> None:
    """Its output, its reason, values that it reports; not the words around them."""
    kinds = careless_kinds.install(tmp_path / "kinds")
    project = Project(tmp_path)
    project.write("token", word)
    project.state(
        {
            "loud": {"shout": {"value": "{{ secrets.token }}"}},
            "there": {"file-sync": {"path": f"{tmp_path}/giving", "mode": "0644"}, "needs": []},
        },
        secrets={"token": {"file": "token"}},
    )
    (tmp_path / "giving").touch(mode=0o644)
    env = {"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"}
    ran = project.run("apply", "-y", "--format", "json", env=env)
    loud, _ = ran.data["hosts"][0]["outcomes"]
    assert loud["words"].startswith("cannot log in with <secret>: ")
    assert "raw <secret>" in loud["output"]
    assert word not in loud["output"]
    assert loud["step"]["prior"]["said"] == "<secret>"
    record = [event for event in project.events() if event["event"] == "resource"]
    assert [event["name"] for event in record] == ["loud", "there"]
    assert word not in record[0]["reason"] + json.dumps(record[0]["prior"])
    for words in ((), ("--format", "markdown"), ("--format", "html"), ("--format", "junit")):
        assert "with <secret>" in project.run("apply", "-y", *words, env=env).out.replace("&lt;", "<").replace(
            "&gt;", ">"
        ).replace("\\u003c", "<").replace("\\u003e", ">").replace("`", "")


def test_what_is_rendered_from_a_secret_is_one(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("token", "postgres")
    resource = {"git-clone": {"repo": "http://me:{{ secrets.token }}@127.0.0.1:9/repo.git", "path": f"{tmp_path}/c"}}
    project.state({"clone": resource}, secrets={"token": {"file": "token"}})
    for words in ((), ("--format", "json"), ("-v",)):
        ran = project.run("plan", *words)
        assert ran.code == 1
        assert "postgres" not in ran.out + ran.err
    # Where it would be shown, it is refused.
    project.state(
        {"file": {"file-sync": {"path": f"{tmp_path}/{{{{ secrets.token }}}}/x", "content": "x"}}},
        secrets={"token": {"file": "token"}},
    )
    ran = project.run("plan")
    assert ran.code == 3
    assert "cannot hold a secret" in ran.err
    assert "postgres" not in ran.err


def test_a_variable_of_the_command_line_that_is_a_common_word_can_be_retried(tmp_path: Path) -> None:
    project = project_with(tmp_path, "blue")
    spec: dict[str, Any] = json.loads((project.root / "state.yaml").read_text())
    spec["vars"]["colour"] = "red"
    spec["resources"]["settings"]["file-sync"]["content"] = "colour = {{ colour }}\n"
    project.write("state.yaml", json.dumps(spec))
    assert project.run("apply", "-y", "-e", "colour=blue").code == 1
    assert project.run("engine", "retry", project.runs()[0], "-y", state="").code == 1
    project.write("token", NEUTRAL)
    assert project.run("apply", "-y", "-e", f"colour={NEUTRAL}").code == 1
    assert NEUTRAL not in (project.root / f".engine/runs/{project.runs()[-1]}.jsonl").read_text()
    ran = project.run("engine", "retry", project.runs()[-1], "-y", state="")
    assert ran.code == 3
    assert "the run got a secret with -e" in ran.err


@pytest.mark.parametrize("damage", ["started", "host", "all hosts"])
def test_a_damaged_record_never_says_that_all_is_well(tmp_path: Path, damage: str) -> None:
    """Such as version 0.1.0 left, where a secret was a word of the record."""
    project = project_with(tmp_path, NEUTRAL)
    assert project.run("apply", "-y").code == 1
    (run,) = project.runs()
    path = project.root / f".engine/runs/{run}.jsonl"
    text = path.read_text()
    if damage == "host":
        text = text.replace('"host"', '"<secret>"')
    elif damage == "all hosts":
        text = text.replace('"verdict": "refused"', '"verdict": "<secret>"')
    else:
        text = text.replace('"started"', '"<secret>"')
    assert text != path.read_text()
    path.write_text(text)
    history = project.run("engine", "history", state="")
    assert history.code == 0, history.err
    assert not history.out.rstrip().endswith(" converged") or "not converged" in history.out
    assert project.run("engine", "show", run, state="").code == 0
    retried = project.run("engine", "retry", run, "-y", state="")
    assert "every host" not in retried.out
    assert "internal error" not in retried.err
    assert retried.code in (1, 3)
