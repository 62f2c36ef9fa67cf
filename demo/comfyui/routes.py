"""The API of ComfyUI as far as the stand-in has it: each route reads a request and answers it."""

from __future__ import annotations

import mimetypes
import os
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import folders
import nodes
from jobs import Jobs
from server import PromptServer, Request, Response
from validation import problem, validated

VERSION = "0.3.64"
VIEWED = {"output": folders.OUTPUT, "input": folders.INPUT, "temp": folders.TEMP}


class Api:
    def __init__(self, server: PromptServer) -> None:
        self.settings = server.settings
        self.jobs = Jobs(server.settings.workflow_seconds)
        self.number = 0
        self.numbering = threading.Lock()
        server.routes |= {
            ("GET", "/system_stats"): self.system_stats,
            ("GET", "/style.css"): lambda request: Response(b"body {}", kind="text/css"),
            ("GET", "/prompt"): lambda _: Response({"exec_info": {"queue_remaining": self.jobs.remaining()}}),
            ("POST", "/prompt"): self.prompt,
            ("GET", "/queue"): self.queue,
            ("POST", "/queue"): self.change_queue,
            ("POST", "/interrupt"): self.interrupt,
            ("POST", "/free"): self.free,
            ("GET", "/history"): self.history,
            ("GET", "/history/"): self.history_of,
            ("GET", "/view"): self.view,
            ("GET", "/object_info"): self.object_info,
            ("GET", "/object_info/"): self.object_info_of,
            ("GET", "/models"): lambda _: Response(list(folders.PATHS)),
            ("GET", "/models/"): self.models,
            ("GET", "/experiment/models"): self.model_folders,
            ("GET", "/experiment/models/"): self.model_files,
        }

    def system_stats(self, request: Request) -> Response:
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
            "argv": sys.argv,
        }
        card = {"name": self.settings.device, "type": "cpu", "index": None, "vram_total": total, "vram_free": free}
        card |= {"torch_vram_total": total, "torch_vram_free": free}
        return Response({"system": system, "devices": [card]})

    # --- jobs ------------------------------------------------------------------------------------------------

    def prompt(self, request: Request) -> Response:
        body = request.json()
        with self.numbering:
            number = body.get("number", -self.number if body.get("front") else self.number)
            self.number += 1
        if "prompt" not in body:
            text = "No prompt provided"
            return Response({"error": problem("no_prompt", text, text), "node_errors": {}}, 400)
        prompt_id = str(body.get("prompt_id", uuid.uuid4()))
        verdict = validated(body["prompt"])
        if verdict.error is not None:
            return Response({"error": verdict.error, "node_errors": verdict.node_errors}, 400)
        extra = {**body.get("extra_data", {}), **({"client_id": body["client_id"]} if "client_id" in body else {})}
        self.jobs.put([number, prompt_id, body["prompt"], extra, verdict.outputs])
        return Response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})

    def queue(self, request: Request) -> Response:
        running, pending = self.jobs.snapshot()
        return Response({"queue_running": running, "queue_pending": pending})

    def change_queue(self, request: Request) -> Response:
        body = request.json()
        if body.get("clear"):
            self.jobs.clear()
        for prompt_id in body.get("delete", []):
            self.jobs.delete(prompt_id)
        return Response()

    def interrupt(self, request: Request) -> Response:
        try:
            body = request.json()
        except ValueError:
            body = {}
        self.jobs.interrupt(body.get("prompt_id"))
        return Response()

    def free(self, request: Request) -> Response:
        """Takes effect before the next workflow."""
        body = request.json()
        if body.get("free_memory") or body.get("unload_models"):
            self.jobs.forget = True
        return Response()

    def history(self, request: Request) -> Response:
        found = list(self.jobs.history.items())
        return Response(dict(found[-int(request.query.get("max_items", "0")) :]))

    def history_of(self, request: Request) -> Response:
        found = self.jobs.history.get(request.name)
        return Response({} if found is None else {request.name: found})

    def view(self, request: Request) -> Response:
        name = request.query.get("filename", "")
        if not name or name.startswith("/") or ".." in name:
            return Response(b"", 400, "text/plain")
        top = VIEWED.get(request.query.get("type", "output"))
        if top is None:
            return Response(b"", 400, "text/plain")
        file = Path(os.path.normpath(top / request.query.get("subfolder", "") / name))
        if not file.is_relative_to(top):
            return Response(b"", 403, "text/plain")
        if not file.is_file():
            return Response(b"", 404, "text/plain")
        return Response(file.read_bytes(), kind=mimetypes.guess_type(name)[0] or "application/octet-stream")

    # --- what there is ---------------------------------------------------------------------------------------

    def object_info(self, request: Request) -> Response:
        return Response({name: nodes.described(name) for name in nodes.CLASSES})

    def object_info_of(self, request: Request) -> Response:
        known = request.name in nodes.CLASSES
        return Response({request.name: nodes.described(request.name)} if known else {})

    def models(self, request: Request) -> Response:
        return _folder(request, folders.files)

    def model_files(self, request: Request) -> Response:
        return _folder(request, folders.described)

    def model_folders(self, request: Request) -> Response:
        return Response([{"name": name, "folders": [str(p) for p in paths]} for name, paths in folders.PATHS.items()])


def _folder(request: Request, look: Any) -> Response:
    return Response(look(request.name)) if request.name in folders.PATHS else Response(b"", 404, "text/plain")
