"""The node classes of the stand-in, of the shape ComfyUI's have, so that a pack in `custom_nodes/` can bring more.

What works: images of one colour, made, loaded, scaled, saved. The classes of a Qwen workflow load nothing and compute
nothing, but ask for the same inputs and pass on the size that was asked for. A few hundred more are there to be
listed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import string
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import folders

FILLERS = 1292
"""Enough classes for /object_info to reach the 787 kB it has."""
CLIP_TYPES = ["stable_diffusion", "sd3", "flux", "wan", "qwen_image"]
SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m", "res_multistep"]
SCHEDULERS = ["simple", "normal", "karras"]
METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]


@dataclass(frozen=True)
class Image:
    """Also a latent: only its size matters here."""

    width: int
    height: int
    color: int = 0
    batch: int = 1


@dataclass(frozen=True)
class Model:
    """What a loader holds: the file as it was when it was loaded."""

    name: str
    sha256: str


def load(folder: str, name: str) -> tuple[Model]:
    return (Model(name, hashlib.sha256(folders.path_of(folder, name).read_bytes()).hexdigest()),)


def integer(default: int, low: int, high: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "INT", {"default": default, "min": low, "max": high, **more}


def decimal(default: float, low: float, high: float) -> tuple[str, dict[str, Any]]:
    return "FLOAT", {"default": default, "min": low, "max": high, "step": 0.01}


SIDE, BATCH, SEED = integer(512, 1, 16384, step=1), integer(1, 1, 4096), integer(0, 0, 2**64 - 1)
TEXT = ("STRING", {"multiline": True, "dynamicPrompts": True})


class Node:
    """What a class need not say itself."""

    REQUIRED: ClassVar[dict[str, Any]] = {}
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "run"
    CATEGORY = "stand-in"
    OUTPUT_NODE = False

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": cls.REQUIRED}


class EmptyImage(Node):
    REQUIRED: ClassVar = {
        "width": SIDE,
        "height": SIDE,
        "batch_size": BATCH,
        "color": integer(0, 0, 0xFFFFFF, display="color"),
    }
    RETURN_TYPES = ("IMAGE",)
    CATEGORY = "image"

    def run(self, width: int, height: int, batch_size: int, color: int) -> tuple[Image]:
        return (Image(width, height, color, batch_size),)


class LoadImage(Node):
    RETURN_TYPES = ("IMAGE", "MASK")
    CATEGORY = "image"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        found = sorted(path.name for path in folders.INPUT.glob("*") if path.is_file())
        return {"required": {"image": (found, {"image_upload": True})}}

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return (folders.INPUT / image).is_file() or f"Invalid image file: {image}"

    @classmethod
    def IS_CHANGED(cls, image: str) -> str:
        return hashlib.sha256((folders.INPUT / image).read_bytes()).hexdigest()

    def run(self, image: str) -> tuple[Image, Image]:
        data = (folders.INPUT / image).read_bytes()
        if data[:8] != b"\x89PNG\r\n\x1a\n":
            raise ValueError(f"cannot identify image file '{image}'")
        size = Image(*struct.unpack(">II", data[16:24]))
        return size, size


class LoadImageOutput(LoadImage):
    """Its choices are the browser's to fetch: there are no options in /object_info."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        remote = {"route": "/internal/files/output", "refresh_button": True, "control_after_refresh": "first"}
        return {"required": {"image": ("COMBO", {"image_folder": "output", "remote": remote})}}


class SaveImage(Node):
    REQUIRED: ClassVar = {"images": ("IMAGE", {}), "filename_prefix": ("STRING", {"default": "ComfyUI"})}
    CATEGORY = "image"
    OUTPUT_NODE = True
    FOLDER, TYPE = folders.OUTPUT, "output"

    def run(self, images: Image, filename_prefix: str) -> dict[str, Any]:
        target = Path(os.path.normpath(self.FOLDER / filename_prefix))
        if not target.is_relative_to(self.FOLDER):
            raise ValueError("ERROR: Saving image outside the output folder is not allowed.")
        target.parent.mkdir(parents=True, exist_ok=True)
        used = re.compile(re.escape(target.name) + r"_(\d+)_.*")
        numbers = [int(found[1]) for path in target.parent.iterdir() if (found := used.fullmatch(path.name))]
        first = max(numbers, default=0) + 1
        names = [f"{target.name}_{number:05}_.png" for number in range(first, first + images.batch)]
        for name in names:
            (target.parent / name).write_bytes(png(images))
        folder = target.parent.relative_to(self.FOLDER)
        below = "" if folder == Path() else str(folder)
        return {"ui": {"images": [{"filename": name, "subfolder": below, "type": self.TYPE} for name in names]}}


class PreviewImage(SaveImage):
    REQUIRED: ClassVar = {"images": ("IMAGE", {})}
    FOLDER, TYPE = folders.TEMP, "temp"

    def run(self, images: Image) -> dict[str, Any]:  # type: ignore[override]
        letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(5))
        return super().run(images, f"ComfyUI_temp_{letters}")


class PreviewAny(Node):
    REQUIRED: ClassVar = {"source": ("*", {})}
    OUTPUT_NODE = True

    def run(self, source: Any) -> dict[str, Any]:
        return {"ui": {"text": [str(source)]}}


class ImageScale(Node):
    REQUIRED: ClassVar = {
        "image": ("IMAGE",),
        "upscale_method": (METHODS,),
        "width": integer(512, 0, 16384),
        "height": integer(512, 0, 16384),
        "crop": (["disabled", "center"],),
    }
    RETURN_TYPES = ("IMAGE",)

    def run(self, image: Image, width: int, height: int, **_: Any) -> tuple[Image]:
        return (Image(width or image.width, height or image.height, image.color, image.batch),)


class CheckpointLoaderSimple(Node):
    RETURN_TYPES = ("MODEL", "CLIP", "VAE")
    CATEGORY = "loaders"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ckpt_name": (folders.files("checkpoints"), {"tooltip": "The checkpoint to load."})}}

    def run(self, ckpt_name: str) -> tuple[Model, ...]:
        return load("checkpoints", ckpt_name) * 3


class UNETLoader(Node):
    RETURN_TYPES = ("MODEL",)
    CATEGORY = "advanced/loaders"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        kinds = ["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]
        return {"required": {"unet_name": (folders.files("diffusion_models"),), "weight_dtype": (kinds,)}}

    def run(self, unet_name: str, weight_dtype: str) -> tuple[Model]:
        return load("diffusion_models", unet_name)


class CLIPLoader(Node):
    RETURN_TYPES = ("CLIP",)
    CATEGORY = "advanced/loaders"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        required = {"clip_name": (folders.files("text_encoders"),), "type": (CLIP_TYPES,)}
        return {"required": required, "optional": {"device": (["default", "cpu"], {"advanced": True})}}

    def run(self, clip_name: str, type: str, device: str = "default") -> tuple[Model]:
        return load("text_encoders", clip_name)


class VAELoader(Node):
    RETURN_TYPES = ("VAE",)
    CATEGORY = "loaders"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"vae_name": (folders.files("vae"),)}}

    def run(self, vae_name: str) -> tuple[Model]:
        return load("vae", vae_name)


class UpscaleModelLoader(Node):
    """New-style: its choices are listed, and nobody looks at them before it runs."""

    RETURN_TYPES = ("UPSCALE_MODEL",)
    CATEGORY = "loaders"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        options = {"multiselect": False, "options": folders.files("upscale_models")}
        return {"required": {"model_name": ("COMBO", options)}}

    def run(self, model_name: str) -> tuple[Model]:
        return load("upscale_models", model_name)


class ImageUpscaleWithModel(Node):
    REQUIRED: ClassVar = {"upscale_model": ("UPSCALE_MODEL", {}), "image": ("IMAGE", {})}
    RETURN_TYPES = ("IMAGE",)

    def run(self, upscale_model: Model, image: Image) -> tuple[Image]:
        return (Image(image.width * 4, image.height * 4, image.color, image.batch),)


class EmptySD3LatentImage(Node):
    REQUIRED: ClassVar = {"width": integer(1024, 16, 16384, step=16), "height": integer(1024, 16, 16384, step=16)}
    REQUIRED |= {"batch_size": BATCH}
    RETURN_TYPES = ("LATENT",)
    CATEGORY = "latent/sd3"

    def run(self, width: int, height: int, batch_size: int) -> tuple[Image]:
        return (Image(width, height, batch=batch_size),)


class ModelSamplingAuraFlow(Node):
    REQUIRED: ClassVar = {"model": ("MODEL",), "shift": decimal(1.73, 0.0, 100.0)}
    RETURN_TYPES = ("MODEL",)

    def run(self, model: Model, shift: float) -> tuple[Model]:
        return (model,)


class CLIPTextEncode(Node):
    REQUIRED: ClassVar = {"text": TEXT, "clip": ("CLIP", {})}
    RETURN_TYPES = ("CONDITIONING",)
    CATEGORY = "conditioning"

    def run(self, text: str, clip: Model) -> tuple[str]:
        return (text,)


class KSampler(Node):
    REQUIRED: ClassVar = {
        "model": ("MODEL", {}),
        "seed": SEED,
        "steps": integer(20, 1, 10000),
        "cfg": decimal(8.0, 0.0, 100.0),
        "sampler_name": (SAMPLERS, {}),
        "scheduler": (SCHEDULERS, {}),
        "positive": ("CONDITIONING", {}),
        "negative": ("CONDITIONING", {}),
        "latent_image": ("LATENT", {}),
        "denoise": decimal(1.0, 0.0, 1.0),
    }
    RETURN_TYPES = ("LATENT",)
    CATEGORY = "sampling"

    def run(self, latent_image: Image, seed: int, **_: Any) -> tuple[Image]:
        return (Image(latent_image.width, latent_image.height, seed % 2**24, latent_image.batch),)


class VAEDecode(Node):
    REQUIRED: ClassVar = {"samples": ("LATENT", {}), "vae": ("VAE", {})}
    RETURN_TYPES = ("IMAGE",)
    CATEGORY = "latent"

    def run(self, samples: Image, vae: Model) -> tuple[Image]:
        return (samples,)


class Filler(Node):
    REQUIRED: ClassVar = {
        "image": ("IMAGE", {"tooltip": "What it is done to."}),
        "seed": integer(0, 0, 2**64 - 1, tooltip="Another one gives another picture."),
        "strength": decimal(1.0, 0.0, 10.0),
    }
    RETURN_TYPES = ("IMAGE",)

    def run(self, image: Image, **_: Any) -> tuple[Image]:
        return (image,)


CLASSES: dict[str, Any] = {
    made.__name__: made
    for made in (
        EmptyImage, LoadImage, LoadImageOutput, SaveImage, PreviewImage, PreviewAny, ImageScale,
        CheckpointLoaderSimple, UNETLoader, CLIPLoader, VAELoader, UpscaleModelLoader, ImageUpscaleWithModel,
        EmptySD3LatentImage, ModelSamplingAuraFlow, CLIPTextEncode, KSampler, VAEDecode,
    )
}  # fmt: skip
CLASSES |= {f"StandIn Filter {number:04}": type("Filler", (Filler,), {}) for number in range(FILLERS)}
"""Name → class. A pack that is imported adds its own, with RELATIVE_PYTHON_MODULE set."""


def described(name: str) -> dict[str, Any]:
    """What /object_info has to say about one class."""
    kind = CLASSES[name]
    inputs, outputs = kind.INPUT_TYPES(), list(kind.RETURN_TYPES)
    return {
        "input": inputs,
        "input_order": {group: list(of_group) for group, of_group in inputs.items()},
        "output": outputs,
        "output_is_list": [False] * len(outputs),
        "output_name": outputs,
        "name": name,
        "display_name": name,
        "description": getattr(kind, "DESCRIPTION", ""),
        "python_module": getattr(kind, "RELATIVE_PYTHON_MODULE", "nodes"),
        "category": getattr(kind, "CATEGORY", "stand-in"),
        "output_node": bool(getattr(kind, "OUTPUT_NODE", False)),
    }


def png(image: Image) -> bytes:
    """One plain colour as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((image.color >> 16 & 255, image.color >> 8 & 255, image.color & 255)) * image.width
    packer = zlib.compressobj()
    data = b"".join(packer.compress(row) for _ in range(image.height)) + packer.flush()
    head = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
