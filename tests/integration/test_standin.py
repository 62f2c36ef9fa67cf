"""The stand-in for ComfyUI and its login node behaves as the real ones were measured to, unwise habits included."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from demo.sandbox import free_port

DEMO = Path(__file__).resolve().parents[2] / "demo"
TOKEN = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


class ComfyUI:
    """A ComfyUI in a directory, run as a process of this machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        shutil.copytree(DEMO / "comfyui", directory, ignore=shutil.ignore_patterns("__pycache__"))
        self.node = directory / "custom_nodes" / "ComfyUI-Login"
        self.password = directory / "login" / "PASSWORD"

    def install(self) -> None:
        shutil.copytree(DEMO / "node", self.node, ignore=shutil.ignore_patterns("__pycache__"))

    def write(self, data: bytes) -> None:
        self.password.parent.mkdir(exist_ok=True)
        self.password.write_bytes(data)

    def start(self, *, requirements: bool = True) -> None:
        known = json.dumps({TOKEN: "open sesame"})
        environment = {**os.environ, "COMFYUI_PORT": str(self.port), "COMFYUI_STOPS": "1", "COMFYUI_PASSWORDS": known}
        environment["PYTHONPATH"] = str(DEMO / "package") if requirements else ""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "main.py"], cwd=self.directory, env=environment, stderr=log
            )
        end = time.monotonic() + 10
        while not self.get("/")[0]:
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers and body; status 0 where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        except OSError:
            return 0, {}, b""
        finally:
            connection.close()
        return answer.status, answer.headers, json.loads(data) if "json" in answer.headers["Content-Type"] else data

    def status(self, path: str = "/system_stats", **headers: str) -> int:
        return self.get(path, **headers)[0]

    def bearer(self, token: str) -> int:
        return self.status(Authorization=f"Bearer {token}")


@pytest.fixture
def comfyui(tmp_path: Path) -> Iterator[ComfyUI]:
    made = ComfyUI(tmp_path / "ComfyUI")
    yield made
    made.stop()


def test_requests(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + b"\n")
    comfyui.start()
    status, _, body = comfyui.get("/system_stats")
    assert (status, body) == (401, {"error": "Authentication required."})
    status, headers, _ = comfyui.get("/system_stats", Accept="text/html,*/*")
    assert (status, headers["Location"]) == (302, "/login")
    assert comfyui.bearer(TOKEN) == 200
    assert comfyui.status(f"/system_stats?token={quote(TOKEN)}") == 200
    assert comfyui.status("/system_stats?token=") == 401
    assert comfyui.bearer("open") == comfyui.bearer(TOKEN[1:]) == 401
    assert comfyui.status(Authorization=f"bearer {TOKEN}") == 401
    assert comfyui.status(Authorization=f"Basic {TOKEN}") == 401
    assert comfyui.status(Authorization=TOKEN) == comfyui.status(Authorization="Bearer a b") == 500
    assert comfyui.status("/login") == comfyui.status("/style.css") == 200
    assert comfyui.status("/none.js") == 404
    assert f"For direct API calls, use token={TOKEN}" in comfyui.log()
    _, _, stats = comfyui.get("/system_stats", Authorization=f"Bearer {TOKEN}")
    assert stats["system"]["comfyui_version"] == "0.3.64"
    assert stats["system"]["ram_total"] > 0
    assert stats["devices"][0]["name"]


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


def test_password_is_read_when_it_starts(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"old\n")
    comfyui.start()
    comfyui.write(b"new\n")
    assert (comfyui.bearer("old"), comfyui.bearer("new")) == (200, 401)
    comfyui.stop()
    comfyui.start()
    assert (comfyui.bearer("old"), comfyui.bearer("new")) == (401, 200)


@pytest.mark.parametrize("content", [None, b"", b"\n"], ids=["absent", "empty", "blank"])
def test_password_without_a_token_is_read_at_each_request(comfyui: ComfyUI, content: bytes | None) -> None:
    comfyui.install()
    if content is not None:
        comfyui.write(content)
    comfyui.start()
    comfyui.write(b"new\n")
    assert (comfyui.bearer("new"), comfyui.status()) == (200, 401)


@pytest.mark.parametrize("broken", ["no node", "no requirements", "directory", "not UTF-8"])
def test_the_door_is_open_where_the_node_does_not_load(comfyui: ComfyUI, broken: str) -> None:
    if broken != "no node":
        comfyui.install()
    if broken == "directory":
        comfyui.password.mkdir(parents=True)
    else:
        comfyui.write(b"\xff\xfe" if broken == "not UTF-8" else TOKEN.encode())
    comfyui.start(requirements=broken != "no requirements")
    assert comfyui.status() == comfyui.bearer("anything") == 200
    assert ("Cannot import" in comfyui.log()) is (broken != "no node")


def test_an_old_password_file_is_moved(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(b"below\n")
    (comfyui.directory / "PASSWORD").write_bytes(b"above\n")
    comfyui.start()
    assert comfyui.password.read_bytes() == b"above\n"
    assert not (comfyui.directory / "PASSWORD").exists()
    assert comfyui.bearer("above") == 200


def test_browser_login(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode() + b"\n")
    comfyui.start()
    assert comfyui.get("/login", "POST", "password=wrong&username=me")[0] == 401
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\n"
    status, headers, _ = comfyui.get("/login", "POST", "password=open+sesame&username=me")
    assert status == 302
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\nme"
    assert comfyui.status(Cookie=headers["Set-Cookie"]) == 200
    comfyui.get("/login", "POST", "password=open+sesame")
    assert comfyui.password.read_bytes() == TOKEN.encode() + b"\nme"


def test_browser_login_spoils_what_it_finds(comfyui: ComfyUI) -> None:
    comfyui.install()
    comfyui.write(TOKEN.encode())
    comfyui.start()
    comfyui.get("/login", "POST", "password=open+sesame")
    assert comfyui.password.read_bytes() == b""
    comfyui.write(TOKEN.encode() + b"\r\n")
    assert comfyui.get("/login", "POST", "password=open+sesame&username=me")[0] == 401
    comfyui.password.unlink()
    comfyui.get("/login", "POST", "password=mine&username=me")
    assert comfyui.password.read_bytes().startswith(b"$2b$12$")
    assert comfyui.password.read_bytes().endswith(b"\nme")


def workflow(width: int = 64, **nodes: Any) -> str:
    image = {"class_type": "EmptyImage", "inputs": {"width": width, "height": 48, "batch_size": 1, "color": 16711680}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "check"}}
    return json.dumps({"prompt": {"1": image, "2": save, **nodes}})


def finished(comfyui: ComfyUI, prompt_id: str) -> Any:
    end = time.monotonic() + 10
    while not (found := comfyui.get(f"/history/{prompt_id}")[2]):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found[prompt_id]


def test_workflows(comfyui: ComfyUI) -> None:
    comfyui.start()
    status, _, queued = comfyui.get("/prompt", "POST", workflow())
    assert status == 200
    assert set(queued) == {"prompt_id", "number", "node_errors"}
    assert comfyui.get(f"/history/{queued['prompt_id']}")[2] == {}
    done = finished(comfyui, queued["prompt_id"])
    assert done["status"]["status_str"] == "success"
    (image,) = done["outputs"]["2"]["images"]
    assert image == {"filename": "check_00001_.png", "subfolder": "", "type": "output"}
    status, headers, data = comfyui.get(f"/view?filename={image['filename']}&subfolder=&type=output")
    assert (status, headers["Content-Type"], data[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
    again = comfyui.get("/prompt", "POST", workflow())[2]
    assert finished(comfyui, again["prompt_id"])["outputs"] == done["outputs"]
    other = comfyui.get("/prompt", "POST", workflow(65))[2]
    assert finished(comfyui, other["prompt_id"])["outputs"]["2"]["images"][0]["filename"] == "check_00002_.png"
    assert comfyui.get("/queue")[2] == {"queue_running": [], "queue_pending": []}
    info = comfyui.get("/object_info")[2]
    assert {"EmptyImage", "SaveImage"} < set(info)
    assert 300_000 < len(json.dumps(info)) < 700_000
    assert list(comfyui.get("/object_info/SaveImage")[2]) == ["SaveImage"]


def test_workflows_that_are_invalid(comfyui: ComfyUI) -> None:
    comfyui.start()
    dangling = {"class_type": "SaveImage", "inputs": {}}
    for body in ("nonsense", json.dumps({"prompt": {}}), workflow(x={"class_type": "No", "inputs": {}})):
        status, _, said = comfyui.get("/prompt", "POST", body)
        assert status == 400
        assert set(said["error"]) == {"type", "message", "details", "extra_info"}
        assert said["node_errors"] == {}
    status, _, said = comfyui.get("/prompt", "POST", json.dumps({"prompt": {"2": dangling}}))
    assert (status, list(said["node_errors"])) == (400, ["2"])
    status, _, said = comfyui.get("/prompt", "POST", workflow(**{"3": dangling}))
    assert (status, list(said["node_errors"])) == (200, ["3"])
