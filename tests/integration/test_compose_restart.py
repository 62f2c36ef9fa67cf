"""compose-restart against a real Docker engine, with Compose 1 and Compose 2."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused
from engine.kinds.compose_restart import ComposeRestart
from engine.model import CURRENT, Change, HostPath, Script, Unknown, Watch
from tests.compose_lab import CLIENTS, Failed, Lab, labs, run_script, run_scripts
from tests.engine_images import docker

pytestmark = pytest.mark.docker

WATCH_FILE = """
if [ -e "$path" ]; then
  digest=$(sha256 <"$path")
  changed=$(stat -c %.9Z "$path")
else
  digest=absent changed=
fi
fact fingerprint "$digest"
fact ctime "$changed"
"""
OLD = WATCH_FILE.replace("fact ctime", "changed=1.0\nfact ctime")
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]


@pytest.fixture(params=CLIENTS)
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    yield from labs(request.param, tmp_path, monkeypatch)


@pytest.fixture(params=[pytest.param("docker-compose", marks=pytest.mark.full), "docker compose"])
def lab1(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """As `lab`, where Compose 1 is slow and seldom different: it takes part with --full."""
    yield from labs(request.param, tmp_path, monkeypatch)


@pytest.fixture
def lab2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    yield from labs("docker compose", tmp_path, monkeypatch)


def watch(lab: Lab, name: str = "settings") -> Watch:
    return Watch(name, Script(WATCH_FILE, {"path": str(lab.path / name)}))


def service(lab: Lab, *watches: str, **keys: Any) -> ComposeRestart:
    return ComposeRestart(
        project_dir=lab.dir,
        service="web",
        client=lab.client,
        restart_on=tuple(watch(lab, w) for w in watches),
        **keys,
    )


def put(lab: Lab, content: str, name: str = "settings") -> None:
    (lab.path / name).write_text(content)


def only_mark(ledger: Path) -> None:
    """Let a ledger know nothing but that content was about to change."""
    lines = ledger.read_text().splitlines()
    ledger.write_text("".join(f"{line}\n" for line in lines if line == lines[0] or line.startswith("mark ")))


def older(lab: Lab) -> None:
    """Let what was written so far be surely older than the next start."""
    time.sleep(2.2)


def differing(change: Change) -> dict[str, object]:
    assert change.before is not None
    return {name: change.before.get(name) for name in change.differing()}


def test_its_whole_life(lab1: Lab) -> None:
    put(lab1, "one")
    lab1.write(volumes=["./settings:/settings:ro"])
    web = service(lab1, "settings")
    assert lab1.apply(web) == ("create", True)
    first = lab1.started()
    assert lab1.apply(web) == ("", False)

    put(lab1, "two")
    change = lab1.observe(web)
    assert differing(change) == {"settings": "newer than its start"}
    assert web.verb(change) == "restart"
    assert lab1.apply(web) == ("restart", True)
    assert lab1.started().split()[0] == first.split()[0]
    assert docker("exec", lab1.containers()[0]["Id"], "cat", "/settings") == "two"
    assert lab1.apply(web) == ("", False)

    lab1.call("stop", "-t", "0")
    change = lab1.observe(web)
    assert differing(change) == {"service": "exited"}
    assert lab1.apply(web) == ("start", True)
    assert lab1.apply(web) == ("", False)

    lab1.write(volumes=["./settings:/settings:ro"], environment={"COLOUR": "blue"})
    change = lab1.observe(web)
    assert set(change.differing()) == {"config", "container"}
    assert (change.after or {})["container"] == "new"
    assert lab1.apply(web) == ("recreate", True)
    assert lab1.started().split()[0] != first.split()[0]
    assert lab1.apply(web) == ("", False)

    lab1.call("rm", "-s", "-f", "web")
    assert lab1.observe(web).before is None
    assert lab1.apply(web) == ("create", True)
    assert lab1.apply(web.replace(state="stopped")) == ("stop", True)
    assert lab1.apply(web.replace(state="stopped")) == ("", False)
    assert lab1.apply(web.replace(state="absent")) == ("remove", True)
    assert lab1.apply(web.replace(state="absent")) == ("", False)
    assert lab1.apply(web.replace(state="stopped")) == ("", False)
    assert lab1.containers() == []


@pytest.mark.parametrize("shell", [("bash",), ("bash", "--posix"), ("busybox", "sh")], ids=" ".join)
def test_under_other_shells(lab2: Lab, shell: tuple[str, ...]) -> None:
    put(lab2, "one", "a name with $ and 'quotes'")
    lab2.write()
    web = service(lab2, "a name with $ and 'quotes'", "absent")
    assert lab2.apply(web, shell) == ("create", True)
    assert lab2.apply(web, shell) == ("", False)
    run_script(web.mark() or Script(""), "apply", shell)
    put(lab2, "two", "a name with $ and 'quotes'")
    assert lab2.apply(web, shell) == ("restart", True)
    assert lab2.apply(web, shell) == ("", False)


def test_started_by_hand_and_never_seen_before(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write()
    older(lab2)
    lab2.call("up", "-d")
    web = service(lab2, "settings")
    assert lab2.apply(web) == ("", False)
    put(lab2, "two")
    assert differing(lab2.observe(web)) == {"settings": "newer than its start"}
    older(lab2)
    lab2.call("restart", "web")
    assert lab2.apply(web) == ("", False)
    assert not (lab2.path.parent / "home/.local").exists()


def test_a_run_killed_after_writing_is_made_good(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write()
    web = service(lab2, "settings")
    lab2.apply(web)
    mark = web.mark()
    assert mark is not None
    run_script(mark, "apply")
    put(lab2, "two")
    # What a clock that stands still between start and write would hide from times alone.
    ledger = lab2.path.parent / "home/.local/state/engine/ledger" / f"{lab2.name}.web"
    text = ledger.read_text()
    started = next(line for line in text.splitlines() if line.startswith("entry "))
    assert started.replace("entry", "mark") in text.splitlines()
    only_mark(ledger)
    assert differing(lab2.observe(web)) == {"settings": "newer than its start"}
    # Where even the times hide it, the mark is what counts.
    ledger_only = web.replace(restart_on=(replace(watch(lab2), script=Script(OLD, web.restart_on[0].script.vars)),))
    assert differing(lab2.observe(ledger_only)) == {"settings": "may have changed"}
    assert lab2.apply(web) == ("restart", True)
    assert "mark" not in ledger.read_text()
    assert lab2.apply(web) == ("", False)


def test_of_several_watches_only_the_one_that_changed_is_named(lab2: Lab) -> None:
    names = ("settings", "left", "right")
    for name in names:
        put(lab2, "one", name)
    lab2.write()
    older(lab2)
    web = service(lab2, *names)
    lab2.call("up", "-d")
    older(lab2)
    mark = web.mark()
    assert mark is not None
    run_script(mark, "apply")
    put(lab2, "two", "left")
    change = lab2.observe(web)
    assert differing(change) == {"left": "newer than its start"}
    assert lab2.apply(web) == ("restart", True)
    # Each of them counts where nothing is known but that one was about to change.
    run_script(mark, "apply")
    ledger = lab2.path.parent / "home/.local/state/engine/ledger" / f"{lab2.name}.web"
    only_mark(ledger)
    old = tuple(replace(each, script=Script(OLD, each.script.vars)) for each in web.restart_on)
    assert differing(lab2.observe(web.replace(restart_on=old))) == dict.fromkeys(names, "may have changed")


def test_docker_finishes_what_a_killed_client_began(lab1: Lab) -> None:
    put(lab1, "one")
    lab1.write(command=STUBBORN, stop_grace_period="3s")
    web = service(lab1, "settings")
    lab1.apply(web)
    first = lab1.started()
    put(lab1, "two")
    client = subprocess.Popen(
        [*lab1.client.split(), "restart", "web"],
        cwd=lab1.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(2)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    assert lab1.started() == first
    change = lab1.observe(web)
    assert web.verb(change) == "restart"
    lab1.act(web, change)
    assert not lab1.observe(web, "verify").differing()
    time.sleep(2.5)
    # A restart that Docker had still to do may come after ours; it read the same content.
    assert lab1.apply(web) == ("", False)


def test_content_written_during_the_restart_is_not_lost(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write(
        command=["/bin/sh", "-c", "trap 'touch /state/stopping' TERM; echo up; while :; do sleep 0.1; done"],
        volumes=["./state:/state"],
        stop_grace_period="2s",
    )
    stopping = lab2.path / "state/stopping"
    web = service(lab2, "settings")
    lab2.apply(web)
    put(lab2, "two")
    change = lab2.observe(web)
    waits = f"until [ -e '{stopping}' ]; do sleep 0.1; done"
    written = f"timeout 60 sh -c \"{waits}\"; sleep 1; echo three >'{lab2.path}/settings'"
    with subprocess.Popen(["sh", "-c", written]):
        lab2.act(web, change)
    assert differing(lab2.observe(web, "verify")) == {"settings": "newer than its start"}
    assert lab2.apply(web) == ("restart", True)
    assert lab2.apply(web) == ("", False)


def test_one_watch_more_and_one_renamed(lab2: Lab) -> None:
    put(lab2, "one")
    put(lab2, "old", "other")
    lab2.write()
    older(lab2)
    lab2.apply(service(lab2, "settings"))
    assert lab2.apply(service(lab2, "settings", "other")) == ("", False)
    renamed = replace(watch(lab2), name="renamed")
    assert lab2.apply(service(lab2).replace(restart_on=(renamed,))) == ("", False)
    put(lab2, "new", "other")
    assert differing(lab2.observe(service(lab2, "settings", "other"))) == {"other": "newer than its start"}
    assert lab2.apply(service(lab2, "settings", "other")) == ("restart", True)
    assert lab2.apply(service(lab2, "settings", "other")) == ("", False)


def test_a_failing_watch_is_an_error(lab2: Lab) -> None:
    lab2.write()
    broken = Watch("broken", Script("echo what went wrong >&2\nfalse\nfact fingerprint x\nfact ctime 1.0\n"))
    lab2.apply(service(lab2))
    with pytest.raises(Failed, match="what went wrong"):
        lab2.observe(service(lab2).replace(restart_on=(broken,)))


def test_values_from_env_files_count(lab1: Lab) -> None:
    (lab1.path / "web.env").write_text("COLOUR=blue\nTOKEN='$2b$12$abcdefghijkl'\n")
    lab1.write(env_file=["web.env"])
    web = service(lab1)
    assert lab1.apply(web) == ("create", True)
    assert lab1.apply(web) == ("", False)
    lab1.call("stop", "-t", "0")
    lab1.call("up", "-d")
    assert lab1.apply(web) == ("", False)
    (lab1.path / "web.env").write_text("COLOUR=red\n")
    assert lab1.apply(web) == ("recreate", True)
    assert lab1.apply(web) == ("", False)


def test_a_hash_that_compose_itself_accepts(lab2: Lab) -> None:
    lab2.write({"web": {"network_mode": "service:base"}, "base": {}})
    lab2.call("up", "-d")
    first = lab2.started()
    web = service(lab2)
    assert "config" in lab2.observe(web).differing()
    assert lab2.apply(web) == ("recreate", False)
    assert lab2.started() == first
    assert lab2.apply(web) == ("", False)
    # What it refers to was replaced, and Compose would replace it as well.
    lab2.write({"web": {"network_mode": "service:base"}, "base": {"environment": {"A": "b"}}})
    lab2.call("up", "-d", "base")
    if lab2.started() == first:
        assert lab2.apply(web) == ("recreate", True)
    assert lab2.started() != first
    lab2.apply(web)
    assert lab2.apply(web) == ("", False)


def test_another_image_under_the_same_name(lab1: Lab) -> None:
    name = f"{lab1.name}:latest"
    docker("tag", lab1.image, name)
    lab1.write(image=name)
    web = service(lab1)
    lab1.apply(web)
    assert lab1.apply(web) == ("", False)
    old = lab1.containers()[0]["Image"]
    made = docker("create", lab1.image)
    new = docker("commit", "-c", "ENV MORE=1", made.strip(), name).strip()
    docker("rm", made.strip())
    try:
        change = lab1.observe(web)
        # Compose 1 hashes the image's id as well.
        assert set(change.differing()) - {"config"} == {"image", "container"}
        assert lab1.apply(web) == ("recreate", True)
        assert lab1.containers()[0]["Image"] == new != old
        assert lab1.apply(web) == ("", False)
    finally:
        lab1.remove()
        docker("rmi", "-f", name)


def test_it_stays_with_the_client_that_made_the_container(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab.write()
    lab.call("up", "-d")
    first = lab.started()
    web = service(lab).replace(client="auto")
    change = lab.observe(web)
    assert change.facts["client"] == lab.client
    assert not change.differing()
    (other,) = (client for client in CLIENTS if client != lab.client)
    assert web.verb(lab.observe(web.replace(client=other))) == "recreate"
    # A further service of the project is made by the same client.
    lab.write({"web": {}, "more": {}})
    assert lab.observe(web.replace(service="more")).facts["client"] == lab.client
    assert lab.started() == first


def test_the_client_that_made_it_is_gone(lab2: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lab2.write()
    lab2.call("up", "-d", client="docker-compose")
    first = lab2.started()
    bare = tmp_path / "bin"
    bare.mkdir()
    for place in ("/usr/bin", "/bin"):
        for program in Path(place).iterdir():
            if program.name != "docker-compose" and not (bare / program.name).exists():
                (bare / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(bare))
    with pytest.raises(Refused, match=r"made by docker-compose 1\.29.*Set `client: docker compose`"):
        lab2.observe(service(lab2).replace(client="auto"))
    assert lab2.started() == first


def test_healthy_means_ready(lab2: Lab) -> None:
    check = {"test": ["CMD", "test", "-e", "/tmp/ready"], "interval": "1s", "retries": 30}
    lab2.write(healthcheck=check, command=["/bin/sh", "-c", "sleep 2; touch /tmp/ready; exec sleep 1000"])
    start = time.monotonic()
    assert lab2.apply(service(lab2)) == ("create", True)
    assert time.monotonic() - start > 2
    assert lab2.containers()[0]["State"]["Health"]["Status"] == "healthy"


def test_never_healthy_fails_again_and_again(lab2: Lab) -> None:
    check = {"test": ["CMD", "test", "-e", "/state/ready"], "interval": "1s", "retries": 2}
    lab2.write(
        healthcheck=check, command=["/bin/sh", "-c", "echo cannot start; exec sleep 1000"], volumes=["./state:/state"]
    )
    web = service(lab2, ready={"timeout": "3s"})
    for _ in range(2):
        change = lab2.observe(web)
        with pytest.raises(Failed, match=r"(?s)cannot start.*service web is running, health \w+, after 3 s"):
            lab2.act(web, change)
    change = lab2.observe(web)
    assert differing(change) == {"service": "not ready"}
    assert web.verb(change) == "restart"
    assert "health" in web.show(change.facts)
    # It became ready by itself: nothing is left to do.
    (lab2.path / "state/ready").touch()
    time.sleep(2.5)
    assert lab2.apply(web) == ("", False)


def test_ready_by_a_line_of_its_log(lab1: Lab) -> None:
    put(lab1, "one")
    lab1.write(command=["/bin/sh", "-c", "echo up; sleep 1.5; echo listening on 80; exec sleep 1000"])
    web = service(lab1, "settings", ready={"log": "listening on [0-9]+$", "timeout": 20})
    start = time.monotonic()
    assert lab1.apply(web) == ("create", True)
    assert time.monotonic() - start > 1.5
    put(lab1, "two")
    start = time.monotonic()
    assert lab1.apply(web) == ("restart", True)
    assert time.monotonic() - start > 1.5
    slow = service(lab1, "settings", ready={"log": "listening on nothing", "timeout": 1})
    put(lab1, "three")
    with pytest.raises(Failed, match=r"(?s)listening on 80.*did not log a line that matches listening on nothing"):
        lab1.act(slow, lab1.observe(slow))


def test_a_service_that_stops_at_once(lab2: Lab) -> None:
    lab2.write(command=["/bin/sh", "-c", "echo no such model; exit 3"])
    start = time.monotonic()
    with pytest.raises(
        Failed, match=r"(?s)no such model.*service web ended with exit code 3, [0-9]+ s after its start"
    ):
        lab2.act(service(lab2), lab2.observe(service(lab2)))
    assert time.monotonic() - start < 10


def test_a_service_that_stops_again_and_again(lab2: Lab) -> None:
    lab2.write(command=["/bin/sh", "-c", "echo no such model; exit 3"], restart="always")
    with pytest.raises(
        Failed, match=r"(?s)no such model.*service web stops again and again(: it ended with exit code [0-9]+, |$)"
    ):
        lab2.act(service(lab2), lab2.observe(service(lab2)))


def test_dependencies_come_up_but_are_never_replaced(lab1: Lab) -> None:
    lab1.write({"web": {"depends_on": ["db"]}, "db": {}, "other": {}})
    web = service(lab1)
    assert lab1.apply(web) == ("create", True)
    base = lab1.started("db")
    assert lab1.containers("other") == []
    lab1.write({"web": {"depends_on": ["db"], "environment": {"A": "b"}}, "db": {"environment": {"A": "b"}}})
    assert lab1.apply(web) == ("recreate", True)
    assert lab1.started("db") == base
    lab1.call("stop", "-t", "0")
    lab1.write({"web": {"depends_on": ["db"], "environment": {"A": "c"}}, "db": {"environment": {"A": "b"}}})
    assert lab1.apply(web) == ("recreate", True)
    assert lab1.started("db").split()[0] == base.split()[0]
    assert lab1.containers("db")[0]["State"]["Running"]


def test_several_containers_of_a_service(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write()
    lab2.call("up", "-d", "--scale", "web=2")
    web = service(lab2, "settings")
    lab2.apply(web)
    put(lab2, "two")
    before = sorted(c["State"]["StartedAt"] for c in lab2.containers())
    assert lab2.apply(web) == ("restart", True)
    after = sorted(c["State"]["StartedAt"] for c in lab2.containers())
    assert len(after) == 2
    assert before[-1] < after[0]
    assert lab2.apply(web) == ("", False)
    # One is started, and the other still has what it read before.
    docker("stop", "-t", "0", lab2.containers()[0]["Id"])
    put(lab2, "three")
    before = sorted(c["State"]["StartedAt"] for c in lab2.containers())
    assert lab2.apply(web) == ("start", True)
    assert before[-1] < min(c["State"]["StartedAt"] for c in lab2.containers())
    assert all(c["State"]["Running"] for c in lab2.containers())
    assert lab2.apply(web) == ("", False)


def test_a_paused_service(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write()
    web = service(lab2, "settings")
    lab2.apply(web)
    first = lab2.started()
    lab2.call("pause", "web")
    assert lab2.apply(web) == ("start", True)
    assert lab2.started() == first
    lab2.call("pause", "web")
    put(lab2, "two")
    assert lab2.apply(web) == ("start", True)
    assert lab2.started() != first


def snapshot(lab: Lab) -> tuple[object, ...]:
    files = sorted(
        (str(path), path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in lab.path.parent.rglob("*")
    )
    label = f"label=com.docker.compose.project={lab.name}"
    return (
        files,
        lab.containers(),
        docker("network", "ls", "-q", "--filter", label),
        docker("ps", "-aq", "--filter", label),
    )


def test_a_plan_leaves_no_trace(lab1: Lab) -> None:
    put(lab1, "one")
    lab1.write()
    web = service(lab1, "settings")
    before = snapshot(lab1)
    lab1.observe(web)
    assert snapshot(lab1) == before
    lab1.apply(web)
    put(lab1, "two")
    before = snapshot(lab1)
    assert lab1.observe(web).differing() == ("settings",)
    assert snapshot(lab1) == before


def test_marking_what_is_not_there(lab2: Lab) -> None:
    web = service(lab2, "settings")
    mark = web.mark()
    assert mark is not None
    run_script(mark, "apply")
    lab2.write()
    run_script(mark, "apply")
    assert not (lab2.path.parent / "home/.local").exists()
    assert service(lab2).mark() is None
    assert web.replace(state="stopped").mark() is None


@pytest.mark.parametrize("literal", ["${2b}secretsecret", "two\nlines ${2b}secretsecret\nsecretsecret"])
def test_a_literal_dollar_is_an_error_without_its_text(lab: Lab, literal: str) -> None:
    lab.write(environment={"TOKEN": literal})
    with pytest.raises(Failed, match=r"nterpolation format for .*write \$\$ for a literal \$") as failed:
        lab.observe(service(lab))
    assert "secret" not in str(failed.value)


def test_warnings_never_carry_values(lab1: Lab) -> None:
    (lab1.path / ".env").write_text('TOKEN="$2b$12$secretsecretsecret"\n')
    (lab1.path / "web.env").write_text("OTHER=$2b$12$secretsecretsecret\n")
    lab1.write(environment=["TOKEN=${TOKEN}"], env_file=["web.env"])
    web = service(lab1)
    sections = [web.probe(), *(action.script for action in web.actions(lab1.observe(web))), web.probe()]
    for script in sections:
        result = run_scripts({"it": script}, "apply")["it"]
        assert result.status == 0, result.output
        assert "secretsecret" not in result.output


def test_an_unreadable_env_file_is_an_error_without_its_text(lab2: Lab) -> None:
    (lab2.path / ".env").write_text("TOK EN$=secretsecretsecret\n")
    lab2.write()
    with pytest.raises(Failed) as failed:
        lab2.observe(service(lab2))
    assert "secret" not in str(failed.value)
    assert ".env" in str(failed.value)


def test_what_is_missing_is_said(lab1: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab1.write()
    with pytest.raises(Failed, match=r"(?s)o such service: nosuch.*cannot tell the configuration of service nosuch"):
        lab1.observe(service(lab1).replace(service="nosuch"))
    nowhere = service(lab1).replace(project_dir=HostPath(tmp_path / "nowhere"))
    change = lab1.observe(nowhere)
    assert change.before is None
    assert (change.after or {})["config"] == Unknown(f"{tmp_path}/nowhere is not there", upstream=True)
    assert nowhere.verb(change) == "create"
    with pytest.raises(Failed, match="nowhere is not there; nothing was started"):
        lab1.act(nowhere, change)
    assert lab1.apply(nowhere.replace(state="absent")) == ("", False)
    files = service(lab1).replace(files=("other.yml",))
    assert "the Compose file other.yml is not there" in str((lab1.observe(files).after or {})["config"].reason)  # type: ignore[union-attr]
    below = lab1.path / "below"
    below.mkdir()
    inner = service(lab1).replace(project_dir=HostPath(below))
    assert "there is no Compose file in" in (lab1.observe(inner).facts["missing"])
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(Failed, match="Docker daemon"):
        lab1.observe(service(lab1))


def test_without_docker(lab2: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab2.write()
    bare = tmp_path / "bin"
    bare.mkdir()
    for program in ("sh", "cat", "sha256sum", "sed", "tr", "grep"):
        (bare / program).symlink_to(f"/bin/{program}")
    monkeypatch.setenv("PATH", str(bare))
    with pytest.raises(Failed, match="docker is not installed on this host"):
        lab2.observe(service(lab2))


def test_the_project_is_gone_and_its_container_is_not(lab2: Lab) -> None:
    lab2.write()
    lab2.apply(service(lab2))
    (lab2.path / "docker-compose.yml").unlink()
    lab2.path.rmdir()
    with pytest.raises(Failed, match=r"still has the container [0-9a-f]{64}; remove it with: docker rm -f"):
        lab2.observe(service(lab2).replace(state="absent"))


def test_other_names_files_and_profiles(lab1: Lab) -> None:
    lab1.write({"web": {"profiles": ["extra"]}}, file="one.yml")
    lab1.write({"web": {"environment": {"A": "b"}}}, file="two.yml")
    web = service(lab1, project_name=f"{lab1.name}-x", files=("one.yml", "two.yml"), profiles=("extra",))
    lab1.name = f"{lab1.name}-x"
    assert lab1.apply(web) == ("create", True)
    (container,) = lab1.containers()
    assert "A=b" in container["Config"]["Env"]
    assert lab1.apply(web) == ("", False)


@pytest.mark.parametrize("source", ["file", ".env", "directory"])
def test_what_compose_calls_the_project(lab2: Lab, source: str) -> None:
    name = lab2.name
    if source == "directory":
        lab2.path = lab2.path.rename(lab2.path.parent / f"_Set {name[3:]}.")
        lab2.dir = HostPath(lab2.path)
    lab2.write()
    if source == "file":
        file = lab2.path / "docker-compose.yml"
        file.write_text(f'name: "{name}-y"\n' + file.read_text())
    elif source == ".env":
        (lab2.path / ".env").write_text(f"# a comment\nexport COMPOSE_PROJECT_NAME='{name}-y'\r\n")
    lab2.name = name if source == "directory" else f"{name}-y"
    web = service(lab2)
    assert lab2.apply(web) == ("create", True)
    assert len(lab2.containers()) == 1
    assert lab2.apply(web) == ("", False)
    lab2.call("up", "-d")
    assert len(lab2.containers()) == 1
    assert lab2.apply(web) == ("", False)


def test_a_ledger_of_one_is_not_the_ledger_of_another(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write({"web": {}, "web2": {}})
    web, other = service(lab2, "settings"), service(lab2, "settings").replace(service="web2")
    lab2.apply(web)
    lab2.apply(other)
    ledger = lab2.path.parent / "home/.local/state/engine/ledger"
    assert sorted(path.name for path in ledger.iterdir()) == [f"{lab2.name}.web", f"{lab2.name}.web2"]
    assert ledger.stat().st_mode & 0o777 == 0o700
    digest = hashlib.sha256(b"one").hexdigest()
    moment = subprocess.check_output(["stat", "-c", "%.9Z", str(lab2.path / "settings")], text=True).strip()
    assert f"content {digest} {moment} settings\n" in (ledger / f"{lab2.name}.web").read_text()


def test_attributes_of_a_running_service(lab2: Lab) -> None:
    put(lab2, "one")
    lab2.write()
    web = service(lab2, "settings")
    lab2.apply(web)
    state = lab2.observe(web).before
    (container,) = lab2.containers()
    assert state == {
        "service": "running",
        "config": container["Config"]["Labels"]["com.docker.compose.config-hash"][:12],
        "image": container["Image"].removeprefix("sha256:")[:12],
        "container": container["Id"][:12],
        "settings": CURRENT,
    }


def test_a_token_file_mounted_alone_from_outside_the_project(lab: Lab) -> None:
    """Its container keeps the old file after a rename on the host, whether a resource manages the file or not."""
    secrets = lab.path.parent.parent / f"{lab.name} secrets"
    secrets.mkdir()
    token = secrets / "a token"
    token.write_text("one")
    lab.write(volumes=[f"../../{secrets.name}/a token:/run/a token:ro", "./:/data"])
    web = service(lab)
    assert lab.apply(web) == ("create", True)
    first = lab.started()

    def held() -> str:
        return docker("exec", lab.containers()[0]["Id"], "cat", "/run/a token")

    # Written in place: the container has it.
    token.write_text("two")
    assert (held(), lab.apply(web)) == ("two", ("", False))
    # Another one has taken its name.
    (secrets / "new").write_text("three")
    (secrets / "new").rename(token)
    change = lab.observe(web)
    assert held() == "two"
    assert differing(change) == {"mounts": "/run/a token replaced since its start"}
    assert (change.after or {})["mounts"] == "as on the host"
    assert web.verb(change) == "restart"
    # Without any, a restart would fail, or make a directory of it.
    token.unlink()
    assert not lab.observe(web).differing()
    token.write_text("four")
    assert lab.apply(web) == ("restart", True)
    assert held() == "four"
    assert lab.started().split()[0] == first.split()[0]
    assert lab.apply(web) == ("", False)
