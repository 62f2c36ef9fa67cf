"""What plan, report and JUnit say on a real host: the words of others, real values, and errors while it is time."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose_lab import Lab, labs
from tests.integration.project import Project, Ran
from tests.integration.test_compose_restart import older
from tests.web import answer, web


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


def folded(ran: Ran) -> str:
    return "\n".join(" ".join(line.split()) for line in ran.out.splitlines())


def sync(path: Path, **params: Any) -> dict[str, Any]:
    needs = params.pop("needs", None)
    return {"file-sync": {"path": str(path), **params}, **({} if needs is None else {"needs": needs})}


# --- checks ------------------------------------------------------------------------------------------------------

TOKEN = "canary-d2f1-token"
REFUSED = (
    '{"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", '
    '"details": "", "extra_info": {}}, "node_errors": {"1": {"errors": [{"type": "value_not_in_list", '
    '"details": "ckpt_name: \'qwen.safetensors\' not in []"}]}}, "you_sent": "' + TOKEN + '\x1b[31m"}'
)


def everywhere(project: Project) -> list[str]:
    """The plan, the report and the report as JUnit of a failing check, redacted and without control characters."""
    said = [
        folded(project.run("plan")),
        folded(project.run("apply", "-y")),
        project.run("apply", "-y", "--format", "junit").out.replace("&gt;", ">").replace("&quot;", '"'),
    ]
    for text in said:
        assert TOKEN not in text
        assert "\x1b" not in text
    return said


def test_which_value_of_the_answer_is_wrong(project: Project) -> None:
    with web() as served:
        served.says(answer(200, '{"system": {"version": "1"}, "queue": [3]}'))
        expected = {"system.version": "2", "queue": {"length": 0}}
        project.state({"queue": {"http-assert": {"url": served.url, "json": expected}}})
        for text in everywhere(project):
            assert "200, but json system.version is 1, not 2; json queue is [3], not length 0" in text
            assert "now 200\n" not in text


def test_an_unexpected_status_comes_with_its_first_line(project: Project) -> None:
    project.write("token", TOKEN)
    with web() as served:
        served.says(answer(400, REFUSED))
        check = {"http-assert": {"url": served.url, "bearer": "{{ secrets.token }}"}}
        project.state({"prompt": check}, secrets={"token": {"file": "token"}})
        for text in everywhere(project):
            assert "400" in text
            assert re.search(r"answer:? .*ckpt_name: 'qwen.safetensors' not in \[\]", text), text


def test_behind_a_pending_change_the_wrong_value_is_named_too(project: Project, host: Path) -> None:
    with web() as served:
        served.says(answer(200, '{"a": 1}'))
        check = {"http-assert": {"url": served.url, "json": {"a": 2}}}
        project.state({"first": sync(host / "first", content="x"), "check": check})
        said = folded(project.run("plan"))
        assert "? check 200 now 200, but json a is 1, not 2, because first is missing; checked after apply" in said


# --- repositories ------------------------------------------------------------------------------------------------


def clone(host: Path, repo: str, **more: Any) -> dict[str, Any]:
    return {"git-clone": {"repo": repo, "path": str(host / "checkout"), "revision": "main"}, **more}


def test_the_words_of_git_are_told_and_what_nothing_cures_fails_the_plan(project: Project, host: Path) -> None:
    project.state({"first": sync(host / "first", content="x"), "web": clone(host, f"{host}/web.git")})
    for verb, words in (("plan", ()), ("apply", ("-y",))):
        ran = project.run(verb, *words)
        assert ran.code == 1, ran.out
        told = f"cannot reach repository {host}/web.git: '{host}/web.git' does not appear to be a git repository"
        assert told in folded(ran)
        assert "see above" not in ran.out


@pytest.mark.parametrize("cured", [True, False])
def test_a_pending_change_that_may_cure_it_is_waited_for(project: Project, host: Path, cured: bool) -> None:
    origin = host.parent / "origin"
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    git = ["git", "-C", str(origin), "-c", "user.name=a", "-c", "user.email=a@b"]
    origin.mkdir()
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True, env=env)
    (origin / "file").write_text("x")
    subprocess.run([*git, "add", "file"], check=True, env=env)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True, env=env)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, env=env, capture_output=True, text=True).stdout
    made = {"git-clone": {"repo": str(origin), "path": str(host / "web"), "revision": commit.strip()}}
    second = clone(host, f"{host}/web" if cured else f"{host}/other")
    second["git-clone"]["revision"] = "HEAD"
    project.state({"first": made, "second": second})
    planned = project.run("plan")
    assert planned.code == (0 if cured else 1)
    assert "cannot reach repository" in planned.out
    assert (project.run("apply", "-y").code == 0) is cured


def test_a_repository_that_is_a_secret_is_not_told_with_the_words_of_git(project: Project, host: Path) -> None:
    project.write("url", f"http://somebody:pass@127.0.0.1:1/{TOKEN}.git")
    project.state({"web": clone(host, "{{ secrets.url }}")}, secrets={"url": {"file": "url"}})
    ran = project.run("plan")
    assert ran.code == 1
    assert "cannot reach repository the repository: unable to access 'the repository/'" in folded(ran)
    assert TOKEN not in ran.out + ran.err


# --- files -------------------------------------------------------------------------------------------------------


def test_values_of_a_env_file_that_are_no_secrets_are_shown_under_their_own_names(
    project: Project, host: Path
) -> None:
    project.write("token", TOKEN)
    (host / ".env").write_text("API_PORT='80'\nSTALE='old'\n")
    (host / ".env").chmod(0o644)
    keys = {"API_TOKEN": "{{ secrets.token }}", "API_PORT": "8080", "LOG_LEVEL": "debug"}
    project.state({"env": sync(host / ".env", dotenv=keys)}, secrets={"token": {"file": "token"}})
    for verb, words in (("plan", ()), ("apply", ("-y",))):
        said = folded(project.run(verb, *words))
        assert "key API_PORT 80 → 8080" in said
        assert re.search(r"key LOG_LEVEL (absent → )?debug", said)
        assert re.search(r"key API_TOKEN (absent → )?secret:[0-9a-f]{6}", said)
        assert "sha256" not in said
        assert TOKEN not in said


def test_of_a_env_file_that_not_everybody_may_read_only_the_declared_value_is_shown(
    project: Project, host: Path
) -> None:
    (host / ".env").write_text("PASSWORD='hidden'\n")
    (host / ".env").chmod(0o600)
    project.state({"env": sync(host / ".env", dotenv={"PASSWORD": "open"})})
    said = folded(project.run("plan"))
    assert re.search(r"key PASSWORD sha256:[0-9a-f]{12} → open", said)
    assert "hidden" not in project.run("plan", "--format", "json").out


@pytest.mark.skipif(os.getuid() != 0, reason="gives files away")
@pytest.mark.parametrize("form", ["content", "first_line", "dotenv", "mode", "directory", "source"])
@pytest.mark.parametrize("whose", ["owner", "group"])
def test_an_owner_that_does_not_exist_is_an_error_of_the_plan(
    project: Project, host: Path, form: str, whose: str
) -> None:
    project.write("tree/file", "x")
    (host / "it").mkdir() if form in ("mode", "source", "directory") else (host / "it").write_text("x")
    params: dict[str, Any] = {form: "x"}
    params |= {"dotenv": {"dotenv": {"A": "1"}}, "mode": {"mode": "0700"}, "source": {"source": "tree"}}.get(form, {})
    params = {"state": "directory"} if form == "directory" else params
    resources = {"first": sync(host / "first", content="x"), "it": sync(host / "it", **params, **{whose: "nosuch"})}
    project.state(resources)
    ran = project.run("plan")
    assert ran.code == 1
    what = "user" if whose == "owner" else "group"
    assert f"✗ it error there is no {what} nosuch on this host, so {host}/it cannot be given to it" in folded(ran)
    project.state({**resources, "it": sync(host / "it", **params, **{whose: "daemon"})})
    assert project.run("apply", "-y").code == 0


# --- services ----------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    (tmp_path / "lab").mkdir()
    yield from labs("docker compose", tmp_path / "lab", monkeypatch)


@pytest.mark.docker
def test_a_file_put_back_needs_no_restart_and_the_plan_foretells_none(lab: Lab, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    # Only an entry that is proven, as by a line of its log, vouches for a content that was away in between.
    ready = {"log": "listening", "timeout": 20}
    service = {"project_dir": str(lab.dir), "service": "web", "client": lab.client, "ready": ready}
    lab.write(command=["/bin/sh", "-c", "echo listening; exec sleep 1000"])
    project.state(
        {
            "settings": sync(lab.path / "settings", content="one"),
            "others": sync(lab.path / "others", content="one"),
            "web": {"compose-restart": {**service, "restart_on": ["settings", "others"]}},
        }
    )
    assert project.run("apply", "-y").code == 0
    started = lab.started()
    (lab.path / "settings").write_text("drifted")
    planned = project.run("plan")
    assert "? web restart settings will change; checked after apply" in folded(planned)
    done = project.run("apply", "-y", "--format", "json")
    assert done.verdicts() == {"settings": "changed", "others": "unchanged", "web": "unchanged"}
    assert lab.started() == started
    # Where another content comes, the restart is sure, and the report names what changed alone.
    older(lab)
    text = (project.root / "state.yaml").read_text()
    (project.root / "state.yaml").write_text(text.replace('"one"', '"two"', 1))
    assert "~ web restart because settings will change" in folded(project.run("plan"))
    assert "~ web restarted because settings changed" in folded(project.run("apply", "-y"))
    assert lab.started() != started
