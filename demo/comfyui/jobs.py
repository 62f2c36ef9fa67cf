"""The queue, the one worker, the cache and the history. All of it is in memory: a restart loses it."""

from __future__ import annotations

import json
import threading
import time
import traceback
from typing import Any

import nodes
from settings import HOLD

Item = list[Any]  # number, prompt id, graph, extra data, outputs to execute: as /queue and /history show it


class Interrupted(Exception):
    pass


class Jobs:
    """Runs workflows one after another, lowest number first, in a thread of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.work = threading.Condition()
        self.running: list[Item] = []
        self.pending: list[Item] = []
        self.history: dict[str, Any] = {}
        self.cache: dict[str, tuple[Any, Any]] = {}  # signature of a node → what it passes on, what it shows
        self.forget = False
        self.interrupted = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def put(self, item: Item) -> None:
        with self.work:
            self.pending.append(item)
            self.pending.sort(key=lambda item: item[0])
            self.work.notify()

    def delete(self, prompt_id: str) -> None:
        """Take out one that is pending. Nothing remains of it."""
        with self.work:
            found = [item for item in self.pending if item[1] == prompt_id]
            if found:
                self.pending.remove(found[0])

    def clear(self) -> None:
        with self.work:
            self.pending.clear()

    def interrupt(self, prompt_id: str | None) -> None:
        """End what runs; with an id only if it is that."""
        with self.work:
            if prompt_id is None or any(item[1] == prompt_id for item in self.running):
                self.interrupted.set()

    def remaining(self) -> int:
        with self.work:
            return len(self.running) + len(self.pending)

    def snapshot(self) -> tuple[list[Item], list[Item]]:
        with self.work:
            return list(self.running), list(self.pending)

    def run(self) -> None:
        while True:
            with self.work:
                while not self.pending:
                    self.work.wait()
                self.running = [self.pending.pop(0)]
                self.interrupted.clear()
                if self.forget:
                    self.cache, self.forget = {}, False
            run = Run(self, self.running[0])
            run.execute()
            with self.work:
                self.history[run.prompt_id] = run.record()
                self.running = []


class Run:
    """One workflow on its way: what was executed, what it showed, what happened."""

    def __init__(self, jobs: Jobs, item: Item) -> None:
        self.jobs, self.item = jobs, item
        _, self.prompt_id, self.graph, _, self.targets = item
        self.signatures: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}
        self.executed: list[str] = []
        self.messages: list[list[Any]] = []
        self.node = ""
        self.waited = False

    def record(self) -> dict[str, Any]:
        done = self.messages[-1][0] == "execution_success"
        status = {"status_str": "success" if done else "error", "completed": done, "messages": self.messages}
        return {"prompt": self.item, "outputs": self.outputs, "status": status}

    def tell(self, event: str, **data: Any) -> None:
        self.messages.append([event, {**data, "prompt_id": self.prompt_id, "timestamp": int(time.time() * 1000)}])

    def execute(self) -> None:
        """Execute what the outputs need, from the cache where nothing that counts has changed."""
        self.tell("execution_start")
        try:
            order = self.order()
            cached = [name for name in order if self.signature(name) in self.jobs.cache]
            self.tell("execution_cached", nodes=cached)
            for name in order:
                self.node = name
                if name not in cached:
                    self.jobs.cache[self.signature(name)] = self.perform(name)
                    self.executed.append(name)
                shown = self.jobs.cache[self.signature(name)][1]
                if shown is not None:
                    self.outputs[name] = shown
            self.tell("execution_success")
        except Interrupted:
            self.tell("execution_interrupted", **self.where())
        except Exception as error:
            traceback.print_exc()
            kind = type(error)
            name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
            told = {"exception_type": name, "exception_message": str(error)}
            self.tell("execution_error", **self.where(), **told, traceback=traceback.format_tb(error.__traceback__))
        # The cache holds what the last graph had; what only an earlier one had is gone.
        kept = set(self.signatures.values())
        self.jobs.cache = {key: value for key, value in self.jobs.cache.items() if key in kept}

    def where(self) -> dict[str, Any]:
        kind = self.graph[self.node]["class_type"] if self.node else ""
        return {"node_id": self.node, "node_type": kind, "executed": self.executed}

    def order(self) -> list[str]:
        """The nodes that the outputs need, each behind those it needs itself."""
        found: list[str] = []

        def visit(name: str) -> None:
            if name not in found:
                for link in self.links(name).values():
                    visit(link[0])
                found.append(name)

        for target in self.targets:
            visit(target)
        return found

    def links(self, name: str) -> dict[str, list[Any]]:
        return {key: value for key, value in self.graph[name]["inputs"].items() if isinstance(value, list)}

    def signature(self, name: str) -> str:
        """What a node's result depends on: its class, its values, and the same of all it needs."""
        if name not in self.signatures:
            node = self.graph[name]
            inputs = dict(node["inputs"])
            inputs |= {key: [self.signature(link[0]), link[1]] for key, link in self.links(name).items()}
            kind = nodes.CLASSES[node["class_type"]]
            if hasattr(kind, "IS_CHANGED"):
                inputs["is changed"] = kind.IS_CHANGED(**node["inputs"])
            self.signatures[name] = json.dumps([node["class_type"], inputs], sort_keys=True)
        return self.signatures[name]

    def perform(self, name: str) -> tuple[Any, Any]:
        self.wait()
        node = self.graph[name]
        kind = nodes.CLASSES[node["class_type"]]
        values = dict(node["inputs"])
        for key, (other, slot) in self.links(name).items():
            values[key] = self.jobs.cache[self.signature(other)][0][slot]
        answer = getattr(kind(), kind.FUNCTION)(**values)
        if isinstance(answer, dict):
            return answer.get("result", ()), answer.get("ui")
        return answer, None

    def wait(self) -> None:
        """Take the time that a workflow takes, once. Raises Interrupted."""
        end = time.monotonic() + (0 if self.waited else self.jobs.seconds)
        self.waited = True
        while not self.jobs.interrupted.is_set() and (time.monotonic() < end or HOLD.exists()):
            left = max(end - time.monotonic(), 0.001)
            self.jobs.interrupted.wait(min(left, 0.02))
        if self.jobs.interrupted.is_set():
            raise Interrupted
