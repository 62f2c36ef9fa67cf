"""A small stand-in for ComfyUI: waits, imports `custom_nodes/`, serves. Standard library only; nothing is computed.

settings.py    what can be switched, by environment, file or command line: the one place that lists it
server.py      HTTP, middlewares, and what clients get before the server is ready
routes.py      the API                  validation.py   what POST /prompt finds wrong
jobs.py        queue, cache, history    nodes.py        the node classes
folders.py     models, inputs, outputs
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
import traceback

import folders
import nodes
from routes import Api
from server import PromptServer
from settings import HERE, NEVER, Settings


def load_nodes() -> None:
    """Import every pack of `custom_nodes/`. One that fails is reported and left out: ComfyUI goes on without it."""
    for folder in sorted((HERE / "custom_nodes").glob("*/")):
        if folder.name == "__pycache__" or folder.name.endswith(".disabled"):
            continue
        name = folder.name.replace("-", "_").replace(".", "_")
        try:
            spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for known, kind in getattr(module, "NODE_CLASS_MAPPINGS", {}).items():
                kind.RELATIVE_PYTHON_MODULE = f"custom_nodes.{folder.name}"
                nodes.CLASSES[known] = kind
        except Exception as error:
            traceback.print_exc()
            print(f"Cannot import {folder} module for custom nodes: {error}", file=sys.stderr, flush=True)


def die(code: int) -> None:
    print("The stand-in ends here, as it was told to.", file=sys.stderr, flush=True)
    os._exit(code)


def main() -> None:
    try:
        settings = Settings.load(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"the stand-in for ComfyUI: {error}")
    signal.signal(signal.SIGTERM, (lambda *_: os._exit(0)) if settings.stops else signal.SIG_IGN)
    if settings.dies_seconds != NEVER:
        timer = threading.Timer(settings.dies_seconds, die, (settings.dies_code,))
        timer.daemon = True
        timer.start()
    folders.load_extra_paths()
    server = PromptServer(settings)
    Api(server)
    listening = server.listen()
    time.sleep(settings.read_seconds)
    load_nodes()
    time.sleep(settings.start_seconds)
    server.serve(listening)


if __name__ == "__main__":
    main()
