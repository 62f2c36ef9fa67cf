"""Why ComfyUI-Login answers 401, or lets everybody in: each cause is told apart, by plan and by report."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence

import pytest

from demo import image
from demo.sandbox import REQUIREMENT, Sandbox, run
from tests.integration.main_job import TOP, Ran, command, engine, environment, sandbox

pytestmark = pytest.mark.docker

CHECKS = ("--only", "kind:http-assert")
QUICK = ("-e", "patience=1s")


def text(box: Sandbox, verb: str, *words: str) -> Ran:
    """A command as a person reads it; blanks are folded."""
    done = subprocess.run(
        command(box, verb, *words), capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=environment(box), timeout=240,
    )  # fmt: skip
    return Ran(done.returncode, "\n".join(" ".join(line.split()) for line in done.stdout.splitlines()), done.stderr)


def set_up(box: Sandbox) -> None:
    """Everything as it should be, by the engine itself."""
    done = engine(box, "apply", "-y")
    assert done.code == 0, (done.out, done.err)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("causes")) as box:
        box.build(node="right", password="right-user", service="current")
        set_up(box)
        yield box


@pytest.fixture
def box(sound: Sandbox) -> Iterator[Sandbox]:
    """A sound sandbox, sound again afterwards: the fix that is named must be one."""
    yield sound
    sound.token_file.write_text(sound.token + "\n")
    set_up(sound)


def assert_told(box: Sandbox, check: str, got: str, cause: str, *, fix: bool = True) -> None:
    """Plan and report name this cause of this check, as data and in words."""
    planned = engine(box, "plan", *QUICK).steps()[check]
    assert planned["now"] == got, planned
    assert planned["cause"]["words"].startswith(cause), planned
    report = engine(box, "apply", "-y", *QUICK, *CHECKS)
    assert report.code == 1, (report.out, report.err)
    outcome = report.outcomes()[check]
    assert outcome["status"] == "failed"
    assert outcome["cause"]["words"].startswith(cause), outcome
    assert (outcome["fix"] is not None and outcome["fix"]["verb"] == "apply") is fix, outcome
    said = text(box, "apply", "-y", *QUICK, *CHECKS)
    assert f"{check} " in said.out
    assert f"got {got}" in said.out
    assert f"because {cause}" in said.out, said.out
    assert f"fix apply {TOP / 'states/qwen.yaml'}" in said.out
    for printed in (report.out, report.err, said.out, said.err):
        assert box.token not in printed
        assert box.stale_token not in printed


def test_the_node_is_missing(box: Sandbox) -> None:
    box.lay_node("absent")
    box.restart()
    assert_told(box, "refuses-strangers", "200", "login-node is missing")


def test_the_node_could_not_be_imported(box: Sandbox) -> None:
    run(["docker", "exec", box.container(), image.PYTHON, "-m", "pip", "uninstall", "-y", "-q", REQUIREMENT])
    box.restart()
    assert box.status() == 200
    assert_told(box, "refuses-strangers", "200", "login-requirements ")


def test_the_credential_is_stale(box: Sandbox) -> None:
    box.lay_password("stale-user")
    box.restart()
    assert_told(box, "accepts-token", "401", "login-password differs: line 1 is secret:")


def test_the_service_was_not_restarted(box: Sandbox) -> None:
    box.lay_password("stale-user")
    box.restart()
    box.lay_password("right-user")
    assert box.status(token=box.token) == 401
    assert_told(box, "accepts-token", "401", "comfyui is to be restarted: login-password changed")


def test_nobody_set_a_token_so_that_the_empty_one_opens(box: Sandbox) -> None:
    box.lay_password("absent")
    box.restart()
    assert box.status("/system_stats?token=") == 200
    assert_told(box, "refuses-empty-token", "200", "login-password is missing")


def test_a_check_that_sends_another_secret(box: Sandbox) -> None:
    (box.root / "other.token").write_text(box.stale_token + "\n")
    (box.root / "other.token").chmod(0o600)
    state = (TOP / "states/qwen.yaml").read_text()
    state = state.replace("secrets:\n", "secrets:\n  other: { file: other.token, format: bcrypt }\n", 1)
    state = state.replace('bearer: "{{ secrets.api_token }}"', 'bearer: "{{ secrets.other }}"')
    (box.root / "other.yaml").write_text(state)
    for verb, words in (("plan", QUICK), ("apply", ("-y", *QUICK, *CHECKS))):
        said = _other(box, verb, *words)
        assert said.returncode == 1
        folded = [" ".join(line.split()) for line in said.stdout.splitlines()]
        (because,) = [line for line in folded if line.startswith("because ")]
        assert because.startswith("because it sends secret:")
        assert ", but line 1 of login-password is secret:" in because
        first, second = (word.strip(",") for word in because.split() if word.startswith("secret:"))
        assert first != second
        # To apply again would not help, so that is not what it says.
        assert not [line for line in folded if line.startswith("fix ")]


def _other(box: Sandbox, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    called: Sequence[str] = [
        str(box.root / "other.yaml") if word.endswith("states/qwen.yaml") else word
        for word in command(box, verb, *words)
    ]
    return subprocess.run(
        called, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(box), timeout=240
    )


@pytest.mark.parametrize(
    ("written", "diagnosis"),
    [
        ("correct horse battery staple", "this looks like the password itself"),
        ("HASH[2:]", "it starts with `b$1"),
        ("HASH[1:]", "it starts with `2b$1"),
    ],
)
def test_the_wrong_thing_stands_in_the_token_file(sound: Sandbox, written: str, diagnosis: str) -> None:
    box = sound
    cut = {"HASH[2:]": box.token[2:], "HASH[1:]": box.token[1:]}
    value = cut.get(written, written)
    box.token_file.write_text(value + "\n")
    try:
        for verb in ("plan", "apply"):
            done = text(box, verb)
            assert done.code == 3, (done.out, done.err)
            assert "api_token" in done.err
            assert diagnosis in done.err, done.err
            assert str(box.token_file) in done.err
            assert value not in done.err
            assert value[-30:] not in done.err
    finally:
        box.token_file.write_text(box.token + "\n")


def test_where_all_is_well_nothing_is_told(sound: Sandbox) -> None:
    planned = engine(sound, "plan")
    assert not any(step["cause"] or step["reason"] or step["because"] for step in planned.steps().values())
