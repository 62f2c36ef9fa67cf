"""Where models, inputs and outputs are. What is in a folder is looked up at each request; which folders there are is
read once, `extra_model_paths.yaml` included."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
INPUT, OUTPUT, TEMP = HERE / "input", HERE / "output", HERE / "temp"
ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".pkl")
LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}
SEVERAL = {"diffusion_models": ("unet", "diffusion_models"), "text_encoders": ("text_encoders", "clip")}
NAMES = ("checkpoints", "diffusion_models", "text_encoders", "vae", "loras", "upscale_models", "controlnet")

PATHS: dict[str, list[Path]] = {
    name: [HERE / "models" / part for part in SEVERAL.get(name, (name,))] for name in NAMES
}


def files(folder: str) -> list[str]:
    """Every name with the right ending, in sub-folders, too: half-written, hidden and dangling ones are not told
    apart."""
    return sorted({name for path in PATHS[folder] for name in _below(path)})


def path_of(folder: str, name: str) -> Path:
    """Raises FileNotFoundError where no folder has such a file; a link that leads nowhere is none."""
    for path in PATHS[folder]:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(f"Model in folder '{folder}' with filename '{name}' not found.")


def described(folder: str) -> list[dict[str, Any]]:
    """Each file with its times and size; one that cannot be looked at is left out."""
    found = []
    for index, path in enumerate(PATHS[folder]):
        for name in sorted(_below(path)):
            if (path / name).exists():
                info = (path / name).stat()
                times = {"modified": info.st_mtime, "created": info.st_ctime}
                found.append({"name": name, "pathIndex": index, **times, "size": info.st_size})
    return found


def _below(top: Path) -> Iterator[str]:
    for directory, _, names in os.walk(top, followlinks=True):
        for name in names:
            if name.lower().endswith(ENDINGS):
                yield str(Path(directory, name).relative_to(top))


def load_extra_paths(file: Path = HERE / "extra_model_paths.yaml") -> None:
    """Add what `extra_model_paths.yaml` names, where it is there."""
    if not file.exists():
        return
    for group in _groups(file.read_text()):
        base = file.parent / os.path.expanduser(group.pop("base_path", ""))
        first = group.pop("is_default", "false").lower() in ("true", "yes", "on")
        for key, paths in group.items():
            known = PATHS.setdefault(LEGACY.get(key, key), [])
            for path in paths.splitlines():
                known.insert(0 if first else len(known), base / path)


def _groups(text: str) -> list[dict[str, str]]:
    """The part of YAML that this file is written in: groups, `key: value`, and `key: |` with a path in each line."""
    found: list[dict[str, str]] = []
    key, depth = "", 0
    for line in text.splitlines():
        indent, words = len(line) - len(line.lstrip()), re.sub(r"(^|\s)#.*", "", line).strip()
        if not words:
            continue
        if indent == 0:
            found.append({})
            key = ""
        elif key and indent > depth:
            found[-1][key] += f"{words}\n"
        else:
            key, _, value = (part.strip() for part in words.partition(":"))
            depth = indent
            found[-1][key] = "" if value in ("|", "|-", ">") else value.strip("'\"")
    return found
