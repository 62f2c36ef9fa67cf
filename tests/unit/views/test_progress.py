"""A run as it is watched: drawn on a real pseudo-terminal, in plain lines, as JSON lines."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

import engine.views
from engine.model import Progress
from engine.model.events import (
    HostFinished,
    HostObserved,
    HostObserving,
    HostStarted,
    Note,
    StepFinished,
    StepStarted,
)
from engine.views import VERSION
from engine.views.escape import cells
from engine.views.live import Live, Running, Track, draw
from engine.views.progress import Events, Lines, Notes, make


def worked(progress: Progress, host: str = "gpu1", ok: bool = True) -> None:
    progress(HostStarted(host))
    progress(StepStarted(host, "comfyui"))
    progress(StepFinished(host, "comfyui", 11.3, ok))
    progress(HostFinished(host, ok, 2))


def on_terminal(use: Callable[[io.TextIOBase], None]) -> str:
    """What a use of a stream wrote to a pseudo-terminal of 60 columns."""
    master, slave = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            written.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        use(stream)  # type: ignore[arg-type]
    reader.join(5)
    os.close(master)
    return b"".join(written).decode()


def test_a_quick_run_on_one_host_says_nothing() -> None:
    stream = io.StringIO()
    progress = make(stream, hosts=1)
    worked(progress)
    progress.close()
    assert stream.getvalue() == ""


def test_notes_are_always_told_and_made_safe() -> None:
    for quiet in (False, True):
        stream = io.StringIO()
        progress = make(stream, hosts=1, quiet=quiet)
        progress(Note("waiting \x1b[31m for a lock"))
        assert stream.getvalue() == "waiting \\x1b[31m for a lock\n"


def test_several_hosts_get_a_line_each() -> None:
    stream = io.StringIO()
    progress = make(stream, hosts=2)
    worked(progress, "gpu1")
    worked(progress, "gpu2", ok=False)
    assert stream.getvalue() == "[1/2] gpu1: converged, 2 changed, 0.0 s\n[2/2] gpu2: failed, 2 changed, 0.0 s\n"


def test_verbose_tells_every_step() -> None:
    stream = io.StringIO()
    worked(make(stream, hosts=1, verbose=1), ok=False)
    assert stream.getvalue() == "gpu1: comfyui ...\ngpu1: comfyui failed after 11.3 s\n"


def test_a_single_host_that_takes_long_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    progress = Lines(stream, hosts=1)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 12)
    worked(progress)
    assert stream.getvalue() == "gpu1: comfyui done in 11.3 s\n"


def test_events_are_json_lines_as_the_published_schema_says() -> None:
    stream = io.StringIO()
    host = 'g"\x1b\udcff'
    progress = make(stream, hosts=2, batches=[["other"], [host]], events=True)
    assert isinstance(progress, Events)
    progress(HostObserving(host))
    progress(HostObserved(host, 0.12345, True))
    worked(progress, host)
    progress(Note("é"))
    assert stream.getvalue().isascii()
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    schema = json.loads(Path(engine.views.__file__).with_name("event.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    for event in events:
        Draft202012Validator(schema).validate(event)
        assert event.pop("time").endswith("Z")
        assert event.pop("version") == VERSION
    of_host = {"host": 'g"\x1b\\xff', "batch": 2}
    assert events == [
        {"event": "host-observing", **of_host},
        {"event": "host-observed", **of_host, "seconds": 0.123, "ok": True},
        {"event": "host-started", **of_host},
        {"event": "step-started", **of_host, "resource": "comfyui"},
        {"event": "step-finished", **of_host, "resource": "comfyui", "seconds": 11.3, "ok": True},
        {"event": "host-finished", **of_host, "seconds": 0.0, "ok": True, "changed": 2},
        {"event": "note", "text": "é"},
    ]


def test_events_when_quiet_are_notes_alone() -> None:
    stream = io.StringIO()
    progress = make(stream, hosts=1, quiet=True, events=True)
    worked(progress)
    progress(Note("a lock"))
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["note"]


def test_the_picture_of_a_plan_names_the_last_hosts_that_are_waited_for() -> None:
    track = Track([30], {}, inspecting={f"gpu{number}": 0.0 for number in range(30)})
    assert picture(track, 2.0)[0].endswith(" inspecting 30 hosts  2.0 s")
    track.inspecting, track.inspected = {"gpu07": 0.0, "gpu\x1b11": 0.0}, 28
    assert picture(track, 9.8)[0].endswith(" inspecting 30 hosts, 28 done  9.8 s  still gpu07, gpu\\x1b11")
    assert len(picture(track, 9.8, width=40)[0]) < 40


def test_a_stream_nobody_reads_does_not_fail_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    Notes(stream)(Note("heard by nobody"))
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_many_threads_may_tell_at_once() -> None:
    stream = io.StringIO()
    progress = make(stream, hosts=50)
    threads = [threading.Thread(target=worked, args=(progress, f"h{number}")) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert sorted(int(line[1 : line.index("/")]) for line in lines) == list(range(1, 51))


def test_it_is_drawn_on_a_terminal_and_wiped_at_the_end() -> None:
    def use(stream: io.TextIOBase) -> None:
        progress = make(stream, hosts=3, batches=[["gpu1"], ["gpu2", "gpu3"]], color=True)  # type: ignore[arg-type]
        assert isinstance(progress, Live)
        worked(progress, "gpu1")
        progress(HostStarted("gpu2"))
        progress(StepStarted("gpu2", "comfyui\x1b[2J"))
        time.sleep(0.8)
        progress(Note("a note \x07"))
        time.sleep(0.3)
        progress.close()
        progress.close()

    written = on_terminal(use)
    assert "1/2" in written
    assert "2/2" in written
    assert "gpu2" in written
    assert "comfyui\\x1b[2J" in written
    assert "a note \\x07" in written
    assert "\x07" not in written
    assert written.rstrip().endswith("\x1b[2K")  # the last of the picture is wiped


def test_a_quick_run_draws_nothing_on_a_terminal() -> None:
    def use(stream: io.TextIOBase) -> None:
        progress = make(stream, hosts=1)  # type: ignore[arg-type]
        worked(progress)
        progress(Note("done"))
        progress.close()

    assert on_terminal(use) == "done\r\n"


def test_rich_is_imported_only_when_something_is_drawn() -> None:
    script = (
        "import io, sys\n"
        "from engine.views.progress import make\n"
        "class Terminal(io.StringIO):\n"
        "    def isatty(self): return True\n"
        "progress = make(Terminal(), hosts=1)\n"
        "progress.close()\n"
        "print('rich' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def picture(track: Track, now: float, width: int = 80, height: int = 24, plain: bool = False) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), record=True, color_system=None)
    console.print(draw(track, now, 0.0, (width, height), plain))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_picture() -> None:
    track = Track([1, 12], {f"h{number}": 1 for number in range(12)} | {"first": 0})
    track.running["first"] = Running(0.0)
    track.finished("first", True, 2, 20.0)
    for number in range(12):
        track.running[f"h{number}"] = Running(20.0, "comfyui", 24.0)
    track.peak = 12
    track.finished("h0", False, 0, 30.0)
    lines = picture(track, 31.0, height=12)
    assert lines[0] == "1/2  ━━━━━━━━━━━━━━━━━━━━    1 of 1  2 changed"
    assert lines[1] == "2/2  ━━━━━━━━━━━━━━━━━━━━   1 of 12  1 failed  0:31  about 0:04 left"
    assert lines[2].endswith(" h1  comfyui  7.0 s")
    assert lines[-1] == "  and 4 more"
    assert len(lines) == 10


@pytest.mark.parametrize("width", [30, 50, 80])
def test_the_picture_fits_the_terminal(width: int) -> None:
    track = Track([40], {})
    for number in range(40):
        track.running[f"a-host-with-a-long-name-{number}.example.org"] = Running(0.0, "node/" + "x" * 80, 1.0)
    lines = picture(track, 5.0, width=width, height=20)
    assert len(lines) < 20
    assert max(map(len, lines)) < width


@pytest.mark.parametrize("width", [40, 56, 80, 120])
def test_what_counts_is_seen_on_a_narrow_terminal(width: int) -> None:
    track = Track([120, 12], {f"h{number}": 1 for number in range(12)})
    track.done, track.failed, track.changed = {0: 120, 1: 7}, {1: 3}, {0: 240, 1: 14}
    track.running = {"h9": Running(0.0, "comfyui", 1.0), "主机": Running(0.0)}
    track.spent = [60.0]
    lines = picture(track, 5.0, width=width)
    assert max(cells(line) for line in lines) < width
    assert lines[1].startswith("2/2  ━━━━━━")
    assert "7 of 12  14 changed" in lines[1]
    assert (" 3 failed" in lines[1], "left" in lines[1]) == (width > 40, width >= 80)


def test_a_bar_tells_the_failed_from_the_good() -> None:
    track = Track([10], {}, done={0: 6}, failed={0: 1}, running={"h": Running(0.0)}, spent=[1.0])
    assert picture(track, 5.0, plain=True)[0].startswith("##########xx........")


def test_what_a_host_is_at_between_its_steps() -> None:
    track = Track([3], {}, running={"a": Running(0.0), "b": Running(0.0, "", 7.0, True)})
    lines = picture(track, 10.0)
    assert [line[2:] for line in lines[1:]] == ["a  starting  10.0 s", "b  verifying  3.0 s"]


def test_the_picture_in_ascii() -> None:
    track = Track([2], {})
    track.running["gpü"] = Running(0.0, "nöde", 1.0)
    track.finished("other", True, 1, 3.0)
    assert all(line.isascii() for line in picture(track, 5.0, plain=True))


def test_before_anything_has_begun() -> None:
    assert picture(Track([30], {}), 0.6)[0].endswith(" inspecting 30 hosts  0.6 s")
    assert picture(Track([1], {}), 0.6)[0].endswith(" inspecting 1 host  0.6 s")


def test_time_left() -> None:
    track = Track([1, 2, 10], {"a": 0, "b": 1, "c": 1})
    assert track.left(0) is None
    track.running["a"] = Running(0.0)
    track.peak = 1
    track.finished("a", True, 0, 10.0)
    assert track.left(10.0) == 20.0  # two batches, each as long as the first: nothing has had to wait so far
    track.running |= {"b": Running(10.0), "c": Running(12.0)}
    track.peak = 2
    assert track.left(13.0) == 9.0 + 10.0
    track.finished("b", True, 0, 20.0)
    track.finished("c", True, 0, 22.0)
    track.sizes = [1, 2, 10]
    track.batch_of |= {f"d{number}": 2 for number in range(10)}
    track.running |= {"d0": Running(22.0), "d1": Running(22.0)}
    track.finished("d0", True, 0, 32.0)
    assert track.limited
    assert track.left(32.0) == 0.0 + 4 * 10.0
