"""Workflows of the stand-in: /prompt, /history, /view, /queue, /object_info. It knows two node classes that work."""

from __future__ import annotations

import json
import struct
import threading
import time
import uuid
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from server import PromptServer, Request, Response

WORKING = {"EmptyImage": ("width", "height", "batch_size", "color"), "SaveImage": ("images", "filename_prefix")}
FILLERS = 900  # enough classes for /object_info to reach the usual 500 kB


class Workflows:
    """Runs workflows one after another, in a thread of its own; identical ones are answered from the cache."""

    def __init__(self, output: Path, seconds: float) -> None:
        self.output, self.seconds = output, seconds
        self.running: list[str] = []
        self.pending: list[tuple[str, dict[str, Any]]] = []
        self.history: dict[str, Any] = {}
        self.cache: dict[str, Any] = {}
        self.number = 0
        self.work = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def add_routes(self, server: PromptServer) -> None:
        server.routes |= {
            ("POST", "/prompt"): self.prompt,
            ("GET", "/history/"): self.look_up,
            ("GET", "/view"): self.view,
            ("GET", "/queue"): self.queue,
            ("GET", "/object_info"): self.object_info,
            ("GET", "/object_info/"): self.object_info,
        }

    def prompt(self, request: Request) -> Response:
        try:
            nodes = json.loads(request.body)["prompt"]
        except (ValueError, KeyError, TypeError):
            return Response(failure("no_prompt", "No prompt provided"), 400)
        outputs = [name for name, node in nodes.items() if node.get("class_type") == "SaveImage"]
        unknown = [node.get("class_type") for node in nodes.values() if node.get("class_type") not in WORKING]
        if unknown:
            text = f"Cannot execute because node {unknown[0]} does not exist."
            return Response(failure("invalid_prompt", text), 400)
        if not outputs:
            return Response(failure("prompt_no_outputs", "Prompt has no outputs"), 400)
        errors = {name: error for name in outputs if (error := mistake(name, nodes))}
        if len(errors) == len(outputs):
            text = "Prompt outputs failed validation"
            return Response(failure("prompt_outputs_failed_validation", text) | {"node_errors": errors}, 400)
        with self.work:
            self.number += 1
            prompt_id = str(uuid.uuid4())
            valid = {name: node for name, node in nodes.items() if name not in errors}
            self.pending.append((prompt_id, valid))
            self.work.notify()
        return Response({"prompt_id": prompt_id, "number": self.number, "node_errors": errors})

    def run(self) -> None:
        while True:
            with self.work:
                while not self.pending:
                    self.work.wait()
                prompt_id, nodes = self.pending.pop(0)
                self.running = [prompt_id]
            time.sleep(self.seconds)
            key = json.dumps(nodes, sort_keys=True)
            self.cache[key] = self.cache.get(key) or self.save(nodes)
            with self.work:
                status = {"status_str": "success", "completed": True, "messages": []}
                self.history[prompt_id] = {"outputs": self.cache[key], "status": status}
                self.running = []

    def save(self, nodes: dict[str, Any]) -> dict[str, Any]:
        outputs = {}
        for name, node in nodes.items():
            if node["class_type"] == "SaveImage":
                image = nodes[node["inputs"]["images"][0]]["inputs"]
                prefix = Path(str(node["inputs"].get("filename_prefix", "ComfyUI"))).name
                count = len(list(self.output.glob(f"{prefix}_*.png"))) + 1
                file = self.output / f"{prefix}_{count:05}_.png"
                self.output.mkdir(parents=True, exist_ok=True)
                file.write_bytes(png(int(image["width"]), int(image["height"]), int(image["color"])))
                outputs[name] = {"images": [{"filename": file.name, "subfolder": "", "type": "output"}]}
        return outputs

    def look_up(self, request: Request) -> Response:
        prompt_id = unquote(request.path.rpartition("/")[2])
        return Response({prompt_id: self.history[prompt_id]} if prompt_id in self.history else {})

    def view(self, request: Request) -> Response:
        file = self.output / Path(request.query.get("filename", "")).name
        return Response(file.read_bytes(), kind="image/png") if file.is_file() else Response(b"", 404, "text/plain")

    def queue(self, request: Request) -> Response:
        return Response({"queue_running": self.running, "queue_pending": [name for name, _ in self.pending]})

    def object_info(self, request: Request) -> Response:
        names = [*WORKING, *(f"StandIn{number:03}" for number in range(FILLERS))]
        only = unquote(request.path.removeprefix("/object_info").strip("/"))
        return Response({name: described(name) for name in names if only in ("", name)})


def failure(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, "details": "", "extra_info": {}}, "node_errors": {}}


def mistake(name: str, nodes: dict[str, Any]) -> dict[str, Any] | None:
    """What is wrong with an output node; None: nothing."""
    link = nodes[name].get("inputs", {}).get("images")
    if isinstance(link, list) and link and link[0] in nodes and "width" in nodes[link[0]].get("inputs", {}):
        return None
    error = {"type": "required_input_missing", "message": "Required input is missing", "details": "images"}
    return {"errors": [error], "dependent_outputs": [name], "class_type": "SaveImage"}


def described(name: str) -> dict[str, Any]:
    number = ["INT", {"default": 1, "min": 1, "max": 16384, "tooltip": "How much of it."}]
    return {
        "input": {"required": dict.fromkeys(WORKING.get(name, ("seed", "steps", "cfg")), number)},
        "output": ["IMAGE"],
        "name": name,
        "display_name": name,
        "description": "A class of the stand-in.",
        "category": "image",
        "output_node": name == "SaveImage",
    }


def png(width: int, height: int, color: int) -> bytes:
    """One plain colour as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((color >> 16 & 255, color >> 8 & 255, color & 255)) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(row * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
