"""What can be switched, all in one place.

Environment variables; a line NAME=VALUE in the file `standin.env` beside this one outranks the variable of that name,
so the next start can be another one without a change of the container. They are read once, at the start.

    COMFYUI_PORT              8188      where it listens, on every address
    COMFYUI_DEVICE            cpu       the name of the one device in /system_stats
    COMFYUI_READ_SECONDS      2         from the start of the process until nodes are imported: only then is PASSWORD
                                        read, and a left-over PASSWORD moved (the real one: 2 to 10 s)
    COMFYUI_START_SECONDS     0         from there until HTTP is answered
    COMFYUI_GAP               refused   what a client gets before that: `refused` (nobody listens; in a container with
                                        a published port it is for docker's proxy to answer), `reset` or `empty`
    COMFYUI_STOPS             0         1: end at SIGTERM at once; 0: ignore it, as a first process does that does not
                                        ask for it, so a restart takes as long as the container has to stop
    COMFYUI_DIES_SECONDS      never     exit so long after the start, whatever is going on
    COMFYUI_DIES_CODE         1         with this exit code
    COMFYUI_WORKFLOW_SECONDS  0.2       how long a workflow takes that is not answered from the cache
    COMFYUI_PASSWORDS         {}        JSON, hash → the password that fits it: bcrypt is not in the standard library

Command line, as ComfyUI's own: `--enable-cors-header [ORIGIN]` (without an origin: `*`).

Files: while `standin.hold` is there, the running workflow goes on. `PASSWORD`, `login/`, `custom_nodes/`, `models/`,
`input/`, `output/`, `temp/` and `extra_model_paths.yaml` are what they are to ComfyUI.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOLD = HERE / "standin.hold"
NEVER = -1.0
GAPS = ("refused", "reset", "empty")


@dataclass(frozen=True)
class Settings:
    port: int = 8188
    device: str = "cpu"
    read_seconds: float = 2.0
    start_seconds: float = 0.0
    gap: str = "refused"
    stops: bool = False
    dies_seconds: float = NEVER
    dies_code: int = 1
    workflow_seconds: float = 0.2
    passwords: str = "{}"
    enable_cors_header: str | None = None

    @classmethod
    def load(cls, arguments: Sequence[str]) -> Settings:
        """Raises ValueError, which names the variable, for a value that is none."""
        file = HERE / "standin.env"
        lines = file.read_text().splitlines() if file.exists() else []
        given = {**os.environ, **dict(line.split("=", 1) for line in lines if "=" in line)}
        values: dict[str, Any] = {}
        for setting in fields(cls):
            name = f"COMFYUI_{setting.name.upper()}"
            if given.get(name) and setting.default is not None:
                values[setting.name] = _parsed(name, given[name], type(setting.default))
        parser = argparse.ArgumentParser(prog="main.py")
        parser.add_argument("--enable-cors-header", nargs="?", const="*", metavar="ORIGIN")
        return cls(**values | vars(parser.parse_args(arguments)))


def _parsed(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        return text != "0"
    if name == "COMFYUI_GAP" and text not in GAPS:
        raise ValueError(f"{name}: {text!r} is none of {', '.join(GAPS)}")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no number") from None
