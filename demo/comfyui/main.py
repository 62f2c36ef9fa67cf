"""A small stand-in for ComfyUI: loads `custom_nodes/`, then serves. Standard library only; nothing is computed.

Environment: COMFYUI_PORT (8188), COMFYUI_DEVICE (name of the device), COMFYUI_START_SECONDS (before it listens),
COMFYUI_WORKFLOW_SECONDS (a workflow takes), COMFYUI_STOPS=1 (end at SIGTERM at once: without it the signal is
ignored, as by any first process of a container that does not ask for it).
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from server import PromptServer, Request, Response
from workflow import Workflows

HERE = Path(__file__).resolve().parent
VERSION = "0.3.64"


def load_nodes() -> None:
    """Import every directory of `custom_nodes/`. One that fails is reported and left out: ComfyUI goes on."""
    for folder in sorted((HERE / "custom_nodes").glob("*/")):
        entry = folder / "__init__.py"
        try:
            spec = importlib.util.spec_from_file_location(folder.name.replace("-", "_"), entry)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except Exception:
            traceback.print_exc()
            print(f"Cannot import {folder} module for custom nodes", file=sys.stderr, flush=True)


def system_stats(request: Request) -> Response:
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(memory[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    system = {
        "os": os.name,
        "ram_total": total,
        "ram_free": free,
        "comfyui_version": VERSION,
        "python_version": sys.version,
        "pytorch_version": "none: a stand-in",
        "embedded_python": False,
        "argv": ["main.py"],
    }
    device = os.environ.get("COMFYUI_DEVICE", "cpu")
    card = {"name": device, "type": "cpu", "index": None, "vram_total": total, "vram_free": free}
    return Response({"system": system, "devices": [card]})


def main() -> None:
    if os.environ.get("COMFYUI_STOPS"):
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = PromptServer()
    server.routes |= {
        ("GET", "/system_stats"): system_stats,
        ("GET", "/"): lambda request: Response(b"<title>ComfyUI</title>", kind="text/html"),
        ("GET", "/style.css"): lambda request: Response(b"body {}", kind="text/css"),
    }
    server.routes["HEAD", "/system_stats"] = system_stats
    seconds = float(os.environ.get("COMFYUI_WORKFLOW_SECONDS", "0.2"))
    Workflows(HERE / "output", seconds).add_routes(server)
    load_nodes()
    time.sleep(float(os.environ.get("COMFYUI_START_SECONDS", "0")))
    server.serve(int(os.environ.get("COMFYUI_PORT", "8188")))


if __name__ == "__main__":
    main()
