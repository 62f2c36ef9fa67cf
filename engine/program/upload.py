"""Bulk content for actions: one tar stream in one exec, unpacked into private staging directories on the host."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from engine.codes import Code
from engine.errors import EngineError, HostFailed
from engine.kit.shell import texts
from engine.model import Outside, Script, Sentence, SourceFile, Transport, Upload, joined
from engine.program.compose import compose_fed, run
from engine.program.parser import Finished, Result
from engine.program.section import Section
from engine.program.tar import TarStream

sh = texts(__file__)

TIMEOUT = 4 * 3600.0
"""Seconds for one upload: only to end one that hangs; a cut connection ends it at once."""

STAGE = sh("stage.sh")


def stage(transport: Transport, uploads: Mapping[str, Upload], shell: Sequence[str] = ("sh",)) -> dict[str, str]:
    """Send the files of all uploads in one exec; the answer is the staging directory of each, by its name.

    A staging directory is private (0700) and holds all files of its upload, or there is none. The program whose
    sections use them removes them (`Section.staging`); those of a program that never came are removed by the
    next one that holds the host's lock.
    Raises ValueError for a name that would leave its directory, HostFailed where the host cannot take the files,
    EngineError where a file on the controller is not what it was; Unreachable comes from the transport.
    """
    if not uploads:
        return {}
    mark = secrets.token_hex(8)
    members = [
        (f"{n}/{_checked(name)}", content.mode if isinstance(content, SourceFile) else 0o600, content)
        for n, upload in enumerate(uploads.values())
        for name, content in upload.files
    ]
    sizes = [sum(_size(content) for _, content in upload.files) for upload in uploads.values()]
    stream = TarStream(members, ("end", f"{mark}\n".encode()))
    script = Script(
        STAGE,
        {"id": mark, "largest": sizes.index(max(sizes))},
        tuple(upload.directory for upload in uploads.values()),
    )
    program = compose_fed(Section("upload", script, TIMEOUT, phase="apply"), shell=shell)
    result: Result | None = None
    for event in run(transport, program, stream):
        if isinstance(event, Finished):
            result = event.result
    if stream.problem:
        raise EngineError(stream.problem, code=Code.UPLOAD)
    if result is None or result.status:
        lines = result.output.strip().splitlines() if result else []
        first = Sentence("upload: ", Outside(lines[-1]) if lines else "failed")
        raise HostFailed(joined("\n  ", [first, *map(Outside, lines[-6:-1])]), code=Code.UPLOAD)
    return {name: result.facts[str(n)] for n, name in enumerate(uploads)}


def _checked(name: str) -> str:
    parts = name.split("/")
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"`{name}` cannot be the name of an uploaded file: it must stay below its directory")
    return name


def _size(content: SourceFile | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.size
