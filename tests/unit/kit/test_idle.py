"""`idle`: nobody's jobs are ended; under each shell, against a server that says what a test wants."""

from __future__ import annotations

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InvalidParameter
from engine.kit import Change, Secret
from engine.kit.services import at_work
from tests.compose_lab import Failed, run_script
from tests.unit.kit.test_services import SHELLS, Daemon, apply, daemon, observe, ran

TOKEN = 'a "quoted" $2b$10$tok\\en'


class Queue(ThreadingHTTPServer):
    """Says how many jobs are left; each look takes one of `answers` (the last one stays). `asked`: credentials."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]
        self.loaded_when_asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/prompt"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Queue = self.server  # type: ignore[assignment]
        server.asked.append(self.headers.get("Authorization"))
        status, body = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        if status == 0:
            self.connection.close()
            return
        if status == 1:
            time.sleep(7)
            return
        data = json.dumps(body, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def left(number: int) -> tuple[int, Any]:
    return 200, {"exec_info": {"queue_remaining": number}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "count").write_text("0\n")
    (tmp_path / "settings").write_text("one")
    apply(daemon(tmp_path))
    (tmp_path / "settings").write_text("two")
    return tmp_path


def idle(place: Path, queue: Queue | str, timeout: str = "30s", **more: Any) -> Daemon:
    url = queue if isinstance(queue, str) else queue.url
    asked = {"url": url, "matches": '"queue_remaining":0[,}]', "timeout": timeout, "bearer": Secret(TOKEN)}
    return daemon(place, idle=asked, **more)


def loaded(place: Path) -> str:
    return (place / "loaded").read_text()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_it_waits_and_looks_once_more(place: Path, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not here")
    # The plan's look, two that find it busy, one that finds it idle; busy again before the last look.
    queue = Queue(left(2), left(2), left(1), left(0), left(1), left(0))
    service = idle(place, queue)
    change = observe(service, shell)
    assert service.show(change.facts) == {"busy": "2 jobs running or queued; a restart waits for up to 30 s"}
    (action,) = service.actions(change)
    assert action.waits == 30
    run_script(action.script, "apply", shell)
    assert loaded(place) == "two"
    assert not queue.answers[1:], "it was not asked until the last answer"
    assert set(queue.asked) == {f"Bearer {TOKEN}"}
    # The last answer before the end, that it is idle, was given twice: after the wait and right before the restart.
    assert len(queue.asked) == 7


def test_what_changes_while_it_waits_is_decided_anew(place: Path) -> None:
    queue = Queue(left(0), left(1), left(1), left(0))
    service = idle(place, queue)
    (action,) = service.actions(observe(service))
    changing = threading.Timer(0.5, lambda: (place / "settings").write_text("three"))
    changing.start()
    run_script(action.script, "apply")
    assert loaded(place) == "three"
    assert not observe(service).differing()
    # What was put back in the meantime needs no restart any more, and nobody's jobs are ended for it.
    ran(service.prove())
    count = (place / "count").read_text()
    (place / "settings").write_text("four")
    queue.answers = [left(1), left(1), left(0)]
    (action,) = service.actions(observe(service))
    changing = threading.Timer(0.5, lambda: (place / "settings").write_text("three"))
    changing.start()
    assert run_script(action.script, "apply")["changed"] == "no"
    assert (place / "count").read_text() == count


def test_a_deadline_that_passes_leaves_it_running_and_due(place: Path) -> None:
    service = idle(place, Queue(left(3)), timeout="2s")
    change = observe(service)
    words = (
        r"it was not idle within 2 s, so it was left running \(restart still due\); "
        r'last answer: \{"exec_info":\{"queue_remaining":3\}\}'
    )
    for action in service.actions(change):
        with pytest.raises(Failed, match=words):
            run_script(action.script, "apply")
    assert loaded(place) == "one"
    after = observe(service)
    assert after.differing() == ("settings",)
    assert service.verb(after) == "restart"


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (
            [(401, {"error": "Authentication required."})],
            "does not know the credential (401); a restart is not waited",
        ),
        ([(403, {})], "does not know the credential (403); a restart is not waited for"),
        ([(503, {})], ""),
        ([(0, {})], ""),
    ],
    ids=["401", "403", "gateway", "no answer"],
)
def test_who_cannot_be_asked_is_not_waited_for(place: Path, answers: list[tuple[int, Any]], shown: str) -> None:
    """A credential that is being rotated: the running service knows the old one, and the restart is what it needs."""
    service = idle(place, Queue(*answers))
    change = observe(service)
    assert shown in service.show(change.facts).get("busy", "")
    assert bool(shown) == ("busy" in service.show(change.facts))
    start = time.monotonic()
    assert apply(service) == "restart"
    assert time.monotonic() - start < 15
    assert loaded(place) == "two"


def test_nobody_listens(place: Path) -> None:
    assert apply(idle(place, "http://127.0.0.1:1/prompt")) == "restart"


def test_too_busy_to_answer_is_busy(place: Path) -> None:
    service = idle(place, Queue((1, {})), timeout="1s")
    for action in service.actions(observe(daemon(place))):
        with pytest.raises(Failed, match="last answer: no answer in time"):
            run_script(action.script, "apply")
    assert loaded(place) == "one"


def test_another_answer_is_a_mistake_that_ends_nothing(place: Path) -> None:
    service = idle(place, Queue((404, {})))
    change = observe(service)
    assert "is asked in vain (404); a restart will fail" in service.show(change.facts)["busy"]
    for action in service.actions(change):
        with pytest.raises(
            Failed, match=r"whether it is idle cannot be told, .*\(restart still due\): http.* answers 404"
        ):
            run_script(action.script, "apply")
    assert loaded(place) == "one"


def test_what_does_not_run_is_not_asked(place: Path) -> None:
    queue = Queue(left(1))
    apply(daemon(place, state="stopped"))
    service = idle(place, queue)
    for action in service.actions(observe(service)):
        run_script(action.script, "apply")
    assert (loaded(place), queue.asked) == ("two", [])
    # A stop ends jobs as well.
    service = idle(place, queue, timeout="1s", state="stopped")
    for action in service.actions(observe(service)):
        with pytest.raises(Failed, match=r"left running \(stop still due\)"):
            run_script(action.script, "apply")


def test_what_would_be_lost() -> None:
    assert at_work('{"exec_info":{"queue_remaining":1}}') == "1 job running or queued"
    assert at_work('{"queue_running":[[0,"a"]],"queue_pending":[[1,"b"],[2,"c"]]}') == "1 running, 2 queued"
    for answer in ("busy", "[1]", '{"exec_info":{}}', "7", "null", '{"exec_info":[]}', ""):
        assert at_work(answer) == f"it answers {answer}"
    assert at_work("x" * 100) == f"it answers {'x' * 60}…"


def test_a_bearer_is_one_line(place: Path) -> None:
    with pytest.raises(InvalidParameter, match="idle: `bearer` has a line break in it"):
        daemon(place, idle={"url": "http://h/", "matches": "x", "bearer": "a\nb"})


def test_a_requested_restart(place: Path) -> None:
    service = daemon(place)
    apply(service)
    change = observe(service)
    assert not change.differing()
    asked = Change({**(change.before or {}), "--restart": "requested"}, change.after, change.facts)
    count = int((place / "count").read_text())
    for action in service.actions(asked):
        run_script(action.script, "apply")
    assert int((place / "count").read_text()) == count + 1
    assert apply(service) == ""
