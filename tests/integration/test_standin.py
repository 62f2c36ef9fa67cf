"""The stand-in for ComfyUI and its login node behaves as the real ones were measured to, unwise habits included: who
gets in, what is read when, and how it starts and ends. Its workflows: test_standin_workflows.py."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from demo import image
from demo.sandbox import REQUIREMENT, USER, Sandbox, run
from tests.integration.main_job import assert_goal, engine, sandbox
from tests.integration.standin import PASSWORD, TOKEN, ComfyUI, Target, served, started

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def comfyui(tmp_path: Path) -> Iterator[ComfyUI]:
    with started(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found


def log_in(comfyui: ComfyUI, **form: str) -> tuple[int, str, str]:
    """Status, where it leads, and the cookie, of a browser's login."""
    body = "&".join(f"{key}={quote(value)}" for key, value in form.items())
    answer = comfyui.get("/login", "POST", body, **FORM)
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    return answer.status, answer.headers.get("Location", ""), cookie


def begun(comfyui: ComfyUI) -> None:
    """Wait until the process is there; with a gap that is not `refused`, that is before it has read anything."""
    end = time.monotonic() + 10
    while comfyui.get("/").error == "ConnectionRefusedError":
        assert time.monotonic() < end
        time.sleep(0.02)


# --- requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/system_stats", {}, 401),
        ("/system_stats", {"Accept": "application/json"}, 401),
        ("/system_stats", {"Accept": "text/html,*/*"}, 302),
        ("/system_stats", {"Authorization": "Bearer {token}"}, 200),
        ("/system_stats?token={quoted}", {}, 200),
        ("/system_stats?token=", {}, 401),
        ("/system_stats", {"Authorization": "Bearer open-sesame"}, 401),
        ("/system_stats", {"Authorization": "Bearer {cut}"}, 401),
        ("/system_stats", {"Authorization": "bearer {token}"}, 401),
        ("/system_stats", {"Authorization": "Basic {token}"}, 401),
        ("/system_stats", {"Authorization": "{token}"}, 500),
        ("/system_stats", {"Authorization": "Bearer"}, 500),
        ("/system_stats", {"Authorization": "Bearer {token} again"}, 500),
        ("/login", {}, 200),
        ("/none.css", {}, 404),
        ("/none.css.map", {}, 404),
        ("/none.js", {}, 404),
        ("/none.ico", {}, 404),
        ("/none.png", {}, 401),
        ("/history/mine.js", {}, 200),
        ("/history/mine", {}, 401),
    ],
)
def test_requests(target: Target, path: str, headers: dict[str, str], status: int) -> None:
    known = {"token": target.token, "quoted": quote(target.token), "cut": target.token[1:]}
    answer = target.get(path.format(**known), **{name: text.format(**known) for name, text in headers.items()})
    assert answer.status == status
    if status == 401:
        assert answer.body == {"error": "Authentication required."}
    if status == 302:
        assert answer.headers["Location"] == "/login"
    if status == 500:
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_system_stats(target: Target) -> None:
    stats = target.ask("/system_stats").body
    assert {"os", "ram_total", "ram_free", "comfyui_version", "python_version"} <= set(stats["system"])
    assert stats["system"]["ram_total"] > stats["system"]["ram_free"] > 0
    assert [int(number) for number in stats["system"]["comfyui_version"].split(".")] >= [0, 3, 64]
    assert {"name", "type", "vram_total", "vram_free"} <= set(stats["devices"][0])


def test_one_origin_alone_may_use_the_token(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode())
    comfyui.start("--enable-cors-header", "https://app.example")
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert comfyui.status(**right) == 401
    assert comfyui.status(f"/system_stats?token={quote(TOKEN)}") == 401
    assert comfyui.status(**right, Origin="https://other.example") == 401
    assert comfyui.status(**right, Origin="https://app.example") == 200
    assert comfyui.status(Origin="https://app.example") == 401
    comfyui.stop()
    comfyui.start("--enable-cors-header")
    assert (comfyui.status(**right), comfyui.status()) == (200, 401)


# --- PASSWORD ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "with_token", "empty_token"),
    [
        (TOKEN.encode(), 200, 401),
        (TOKEN.encode() + b"\nsomebody", 200, 401),
        (b"  " + TOKEN.encode() + b" \r\n", 200, 401),
        (b"\xef\xbb\xbf" + TOKEN.encode() + b"\n", 401, 401),
        (b"\n" + TOKEN.encode() + b"\n", 401, 200),
        (b"", 401, 200),
        (None, 401, 200),
    ],
    ids=["right", "user", "padded", "BOM", "blank line", "empty", "absent"],
)
def test_password(comfyui: ComfyUI, content: bytes | None, with_token: int, empty_token: int) -> None:
    comfyui.install()
    if content is not None:
        comfyui.write(content)
    comfyui.start()
    assert comfyui.status() == 401
    assert (comfyui.bearer(TOKEN), comfyui.status("/system_stats?token=")) == (with_token, empty_token)
    assert comfyui.password.parent.is_dir()


def test_any_word_is_a_token(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"no-hash-at-all\n")
    comfyui.start()
    assert (comfyui.bearer("no-hash-at-all"), comfyui.bearer(TOKEN)) == (200, 401)


def test_password_is_read_when_it_starts(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"old\n")
    comfyui.start()
    comfyui.write(b"new\n")
    assert (comfyui.bearer("old"), comfyui.bearer("new")) == (200, 401)
    comfyui.stop()
    comfyui.start()
    assert (comfyui.bearer("old"), comfyui.bearer("new")) == (401, 200)


def test_password_is_read_some_time_after_the_start(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"old\n")
    comfyui.start(read_seconds=0.5, gap="empty", wait=False)
    begun(comfyui)
    comfyui.write(b"in the gap\n")
    comfyui.wait()
    assert (comfyui.bearer("old"), comfyui.status("/system_stats?token=in%20the%20gap")) == (401, 200)


def test_what_is_written_between_reading_and_answering_is_not_read(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"old\n")
    comfyui.start(start_seconds=0.6, wait=False)
    end = time.monotonic() + 5
    while "token=old" not in comfyui.log():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert comfyui.status() == 0
    comfyui.write(b"new\n")
    comfyui.wait()
    assert (comfyui.bearer("old"), comfyui.bearer("new")) == (200, 401)


def test_two_seconds_pass_where_nobody_says_otherwise(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"old\n")
    since = time.monotonic()
    comfyui.start(read_seconds=None, wait=False)
    time.sleep(1.5)
    comfyui.write(b"new\n")
    comfyui.wait()
    assert time.monotonic() - since >= 2
    assert comfyui.bearer("new") == 200


@pytest.mark.parametrize("content", [None, b"", b"\n"], ids=["absent", "empty", "blank"])
def test_password_without_a_token_is_read_at_each_request(comfyui: ComfyUI, content: bytes | None) -> None:
    comfyui.install()
    if content is not None:
        comfyui.write(content)
    comfyui.start()
    assert comfyui.bearer("new") == 401
    comfyui.write(b"new\n")
    assert (comfyui.bearer("new"), comfyui.status()) == (200, 401)


@pytest.mark.parametrize("below", [b"below\n", None])
@pytest.mark.parametrize("late", [False, True], ids=["before the start", "in the gap"])
def test_a_left_over_password_is_moved(comfyui: ComfyUI, below: bytes | None, late: bool) -> None:
    comfyui.install()
    if below is not None:
        comfyui.write(below)
    if late:
        comfyui.start(read_seconds=0.5, gap="empty", wait=False)
        begun(comfyui)
    (comfyui.directory / "PASSWORD").write_bytes(b"above\n")
    if late:
        assert comfyui.status() == 0
        assert (comfyui.directory / "PASSWORD").exists()
        comfyui.wait()
    else:
        comfyui.start()
    assert comfyui.password.read_bytes() == b"above\n"
    assert not (comfyui.directory / "PASSWORD").exists()
    assert comfyui.bearer("above") == 200


def test_the_log_has_the_token_once_per_start(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + b"\nsomebody")
    for starts in (1, 2):
        comfyui.start()
        assert (comfyui.bearer(TOKEN), comfyui.status()) == (200, 401)
        comfyui.stop()
        assert comfyui.log().count(f"For direct API calls, use token={TOKEN}\n") == starts


# --- the open door -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["no node", "disabled", "no requirements", "directory", "not UTF-8", "unreadable"])
def test_the_door_is_open_where_the_node_does_not_load(comfyui: ComfyUI, broken: str) -> None:
    if broken != "no node":
        comfyui.install()
    if broken == "disabled":
        comfyui.node.rename(comfyui.node.with_name("ComfyUI-Login.disabled"))
    if broken == "directory":
        comfyui.password.mkdir(parents=True)
    else:
        comfyui.write(b"\xff\xfe" if broken == "not UTF-8" else TOKEN.encode())
    under: list[str] = []
    if broken == "unreadable":
        comfyui.password.chmod(0)
        # To root every file is readable, unless it gives up what makes it so.
        under = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if _is_root() else []
    comfyui.start(requirements=broken != "no requirements", under=under)
    assert comfyui.status() == comfyui.bearer("anything") == comfyui.status("/system_stats?token=") == 200
    assert comfyui.get("/prompt", "POST", '{"prompt": {}}').body["error"]["type"] == "prompt_no_outputs"
    loads = broken not in ("no node", "disabled")
    assert ("Cannot import" in comfyui.log()) is loads
    assert TOKEN not in comfyui.log()


def _is_root() -> bool:
    return run(["id", "-u"]).strip() == "0"


def test_a_node_that_fails_leaves_the_others(comfyui: ComfyUI) -> None:
    comfyui.pack("Broken", "import nothing_of_this_name\n")
    comfyui.install()
    comfyui.write(TOKEN.encode())
    comfyui.start()
    assert "Cannot import" in comfyui.log()
    assert comfyui.status() == 401


def test_guests(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode())
    comfyui.start()
    assert log_in(comfyui, guest_mode="1", password="")[1] == "/login?wrong_password=1"
    (comfyui.password.parent / "GUEST_MODE").touch()
    assert comfyui.status() == 401  # which does not show it
    status, where, cookie = log_in(comfyui, guest_mode="1", password="")
    assert (status, where) == (302, "/")
    assert comfyui.status(Cookie=cookie) == 200
    assert (
        comfyui.get("/prompt", "POST", '{"prompt": {}}', Cookie=cookie).body["error"]["type"] == "prompt_no_outputs"
    )
    answer = comfyui.get("/interrupt", "POST", "{}", Cookie=cookie)
    assert (answer.status, answer.body) == (200, {})
    assert comfyui.status(Cookie=cookie[:-1]) == 401


# --- browsers ------------------------------------------------------------------------------------------------


def test_the_node_appends_the_user(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + b"\n")
    comfyui.start()
    assert log_in(comfyui, password="wrong", username="me")[:2] == (302, "/login?wrong_password=1")
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\n"
    status, where, cookie = log_in(comfyui, password=PASSWORD, username="me")
    assert (status, where) == (302, "/")
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\nme"
    assert comfyui.status(Cookie=cookie) == 200
    assert log_in(comfyui, password=PASSWORD)[1] == "/"
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\nme"
    comfyui.stop()
    comfyui.start()
    assert comfyui.status(Cookie=cookie) == 200


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_login_without_a_user_empties_one_line(comfyui: ComfyUI, end: bytes) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + end)
    comfyui.start()
    assert log_in(comfyui, password=PASSWORD)[0] == 500
    assert comfyui.password.read_bytes() == b""
    assert comfyui.bearer(TOKEN) == 200
    comfyui.stop()
    comfyui.start()
    assert (comfyui.bearer(TOKEN), comfyui.status("/system_stats?token=")) == (401, 200)


@pytest.mark.parametrize(
    "content", [TOKEN.encode() + b"\r\nme", b" " + TOKEN.encode(), b"\xef\xbb\xbf" + TOKEN.encode()]
)
def test_no_browser_gets_past_what_is_around_the_hash(comfyui: ComfyUI, content: bytes) -> None:
    comfyui.install()
    comfyui.write(content)
    comfyui.start()
    assert log_in(comfyui, password=PASSWORD, username="me")[1] == "/login?wrong_password=1"
    assert comfyui.password.read_bytes() == content


def test_whoever_comes_first_sets_the_password(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.start()
    assert log_in(comfyui, password="mine", username="me")[1] == "/"
    token, user = comfyui.password.read_text().split("\n")
    assert (token[:7], len(token), user) == ("$2b$12$", 60, "me")
    assert (comfyui.bearer(token), comfyui.status("/system_stats?token=")) == (200, 401)
    assert log_in(comfyui, password="mine")[1] == "/"


def test_a_login_puts_back_the_line_that_the_login_page_has_seen(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + b"\n")
    comfyui.start()
    assert comfyui.status("/login") == 200
    comfyui.write(b"new\n")
    log_in(comfyui, password=PASSWORD, username="me")
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\nme"


# --- start and end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["refused", "reset", "empty"])
def test_what_a_client_sees_before_it_answers(comfyui: ComfyUI, gap: str) -> None:
    comfyui.start(read_seconds=1.5, gap=gap, wait=False)
    if gap != "refused":
        begun(comfyui)
    seen = {comfyui.get("/system_stats").error for _ in range(3)}
    if gap == "reset":
        assert seen <= {"ConnectionResetError", "RemoteDisconnected"}
    else:
        assert seen == {"ConnectionRefusedError" if gap == "refused" else "RemoteDisconnected"}
    comfyui.wait()
    assert [comfyui.status() for _ in range(20)] == [200] * 20


def test_sigterm(comfyui: ComfyUI) -> None:
    comfyui.start(stops=0)
    assert comfyui.process is not None
    comfyui.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        comfyui.process.wait(0.5)
    assert comfyui.status() == 200
    comfyui.stop()
    comfyui.start(stops=1)
    comfyui.process.send_signal(signal.SIGTERM)
    assert comfyui.process.wait(2) == 0


@pytest.mark.parametrize(("seconds", "answers"), [(0.1, False), (1.2, True)], ids=["before", "while"])
def test_it_dies_after_the_start(comfyui: ComfyUI, seconds: float, answers: bool) -> None:
    since = time.monotonic()
    comfyui.start(dies_seconds=seconds, dies_code=3, read_seconds=0.4, wait=answers)
    assert comfyui.process is not None
    assert comfyui.process.wait(5) == 3
    assert time.monotonic() - since >= seconds
    assert ("To see the GUI" in comfyui.log()) is answers


def test_switches_in_a_file(comfyui: ComfyUI) -> None:
    (comfyui.directory / "standin.env").write_text("COMFYUI_DEVICE=a card\nCOMFYUI_READ_SECONDS=0\n")
    comfyui.start(device="another", read_seconds=60)
    assert comfyui.get("/system_stats").body["devices"][0]["name"] == "a card"


@pytest.mark.parametrize(("setting", "value"), [("read_seconds", "soon"), ("gap", "closed"), ("port", "x")])
def test_a_switch_that_is_none(comfyui: ComfyUI, setting: str, value: str) -> None:
    comfyui.start(**{setting: value}, wait=False)
    assert comfyui.process is not None
    assert comfyui.process.wait(5) == 1
    assert f"COMFYUI_{setting.upper()}: '{value}'" in comfyui.log()
    assert "Traceback" not in comfyui.log()


# --- in a container ------------------------------------------------------------------------------------------


def error_of(box: Sandbox) -> str:
    """What a request ends in; empty: an answer."""
    return Target(f"127.0.0.1:{box.port}", box.comfyui).get("/system_stats").error


@pytest.mark.docker
def test_a_restart_blocks_and_password_is_read_after_it(tmp_path: Path) -> None:
    environment = {"COMFYUI_READ_SECONDS": "2.5"}
    with sandbox(tmp_path, environment=environment, grace=2) as box:
        box.build(node="right", password="stale", service="current")
        assert box.status(token=box.stale_token) == 200
        since = time.monotonic()
        restart = subprocess.Popen([*box.compose, "restart"], cwd=box.workspace, stderr=subprocess.DEVNULL)
        while time.monotonic() < since + 1.5:
            assert box.status(token=box.stale_token) == 200
            time.sleep(0.05)
        assert restart.wait(30) == 0
        assert time.monotonic() - since >= 2
        # Nothing has been read yet, and whoever asks is not refused: docker's proxy has the port.
        assert error_of(box) in ("ConnectionResetError", "RemoteDisconnected")
        box.password.write_text(f"{box.token}\n")
        box.wait()
        assert (box.status(token=box.token), box.status(token=box.stale_token)) == (200, 401)


@pytest.mark.docker
def test_requirements_belong_into_the_environment_in_the_mount(tmp_path: Path) -> None:
    with sandbox(tmp_path, venv=True) as box:
        box.build(node="right", password="right", service="before")
        box.restart()
        assert box.status() == 200
        into(box, image.PYTHON)  # `python3` of the container, which is not what runs
        box.restart()
        assert box.status() == 200
        into(box, box.python)
        box.restart()
        assert box.status() == 401
        first = "print(open('/proc/1/cmdline').read().split(chr(0))[0])"
        assert run(["docker", "exec", box.container(), image.PYTHON, "-c", first]).strip() == box.python
        run([*box.compose, "up", "-d", "--force-recreate"], cwd=box.workspace)
        box.wait()
        assert (box.status(), box.status(token=box.token)) == (401, 200)


def into(box: Sandbox, python: str) -> None:
    command = [python, "-m", "pip", "install", "--no-index", "--find-links", "/workspace/wheels", "-q", REQUIREMENT]
    run(["docker", "exec", box.container(), *command, "--root-user-action=ignore"])


@pytest.mark.docker
@pytest.mark.parametrize("interpreter", ["in the mount", "of the image"])
def test_the_main_job_where_the_environment_is_in_the_mount(tmp_path: Path, interpreter: str) -> None:
    with sandbox(tmp_path, venv=True) as box:
        box.build(node="absent", password="stale-user", service="before")
        if interpreter == "in the mount":
            applied = engine(box, "apply", "-y")
            assert applied.code == 0, (applied.out, applied.err)
            assert_goal(box, USER)
        else:
            applied = engine(box, "apply", "-y", "-e", f"interpreter={image.PYTHON}", "-e", "patience=5s")
            assert applied.code == 1, (applied.out, applied.err)
            assert applied.outcomes()["refuses-strangers"]["words"] == "status is 200, not 401"
            assert box.status() == 200
