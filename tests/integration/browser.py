"""A headless Chromium, driven over the WebDriver protocol with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_DIRECT = build_opener(ProxyHandler({}))
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Left": "\ue012",
    "Up": "\ue013",
    "Right": "\ue014",
    "Down": "\ue015",
    "Tab": "\ue004",
}


def available() -> bool:
    """Whether Debian's chromium and chromium-driver are installed."""
    return bool(shutil.which("chromedriver") and shutil.which("chromium"))


class Browser:
    """One window."""

    def __init__(self, session: str) -> None:
        self.session = session

    def open(self, page: Path) -> None:
        self.call("POST", "url", url=page.resolve().as_uri())

    def run(self, script: str, *args: Any) -> Any:
        """The value that a function body returns, as JSON."""
        return self.call("POST", "execute/sync", script=script, args=list(args))

    def find(self, css: str) -> str:
        return str(self.call("POST", "element", using="css selector", value=css)[ELEMENT])

    def click(self, css: str) -> None:
        self.call("POST", f"element/{self.find(css)}/click")

    def text(self, css: str) -> str:
        return str(self.call("GET", f"element/{self.find(css)}/text"))

    def type(self, css: str, text: str) -> None:
        self.call("POST", f"element/{self.find(css)}/value", text=text)

    def press(self, *keys: str) -> None:
        """Press keys, one after another, wherever the focus is."""
        typed = [KEYS.get(key, key) for key in keys]
        actions = [{"type": kind, "value": key} for key in typed for kind in ("keyDown", "keyUp")]
        self.call("POST", "actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def resize(self, width: int, height: int) -> None:
        params = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", params)

    def prefer(self, scheme: str) -> None:
        """What `prefers-color-scheme` is."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", {"features": features})

    def devtools(self, command: str, params: dict[str, Any]) -> Any:
        return self.call("POST", "goog/cdp/execute", cmd=command, params=params)

    def screenshot(self, to: Path) -> None:
        to.write_bytes(base64.b64decode(self.call("GET", "screenshot")))

    def complaints(self) -> list[str]:
        """What the page wrote to the console as errors or warnings since last asked."""
        return [entry["message"] for entry in self.call("POST", "se/log", type="browser")]

    def call(self, method: str, path: str, **body: Any) -> Any:
        return _call(method, f"{self.session}/{path}", body)


def _call(method: str, url: str, body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode() if method == "POST" else None
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with _DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from None


def _driver() -> tuple[subprocess.Popen[str], str]:
    """A running chromedriver and its port. One ends at once where another program has the port that it chose."""
    for _ in range(5):
        driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        assert driver.stdout is not None
        for line in driver.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                return driver, found[1]
        driver.wait()
    raise RuntimeError("chromedriver does not start")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with no network: every name resolves to nothing."""
    driver, port = _driver()
    with driver:
        try:
            arguments = [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ]
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": {"args": arguments, "binary": shutil.which("chromium")},
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            root = f"http://127.0.0.1:{port}/session"
            session = _call("POST", root, {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
            browser = Browser(f"{root}/{session}")
            try:
                yield browser
            finally:
                _call("DELETE", browser.session, {})
        finally:
            driver.terminate()
