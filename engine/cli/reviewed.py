"""A saved plan on its way out (`plan --out`) and back in (`apply plan.json`)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import __version__, bounds
from engine.cli.become import asked_for, recorded
from engine.cli.job import Job
from engine.cli.request import Request
from engine.codes import Code
from engine.declare.secrets.key import Key
from engine.errors import InvalidInput, PlanRefused, Problem
from engine.model import Drift, Drifted, HostPlan, Plan
from engine.plan import planfile


def save(job: Job, plan: Plan, path: Path) -> None:
    """Write a plan for review, atomically, mode 0600. Raises InvalidInput where it cannot be written."""
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = planfile.dumps(planfile.document(plan, _about(job), made, job.key.id, job.key.mac))
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidInput(
            Problem(f"cannot be written: {error.strerror}", where=str(path.absolute()), code=Code.NOT_WRITTEN)
        ) from error


class Reviewed:
    """A saved plan that is to be applied. Raises PlanRefused for one that is damaged, edited, or of another key."""

    def __init__(self, path: Path, root: Path) -> None:
        self.file, self.root = str(path), root
        try:
            text = bounds.read(path, bounds.PLAN).decode("utf-8")
        except bounds.Exceeded as error:
            raise PlanRefused(f"{path}: is not a saved plan: it {error}", code=Code.NOT_A_PLAN) from error
        except UnicodeDecodeError as error:
            raise PlanRefused(f"{path}: is not a saved plan: it is not UTF-8", code=Code.NOT_A_PLAN) from error
        except OSError as error:
            raise InvalidInput(
                Problem(error.strerror or "cannot be read", where=str(path.absolute()), code=Code.NOT_A_PLAN)
            ) from error
        document = planfile.loads(text, self.file)
        key = Key.load(root, create=False)
        planfile.check_seal(document, text, self.file, key.id, key.verify)
        self.document = document
        self.hosts: Mapping[str, Any] = {host["host"]: host for host in document["hosts"]}

    def request(self, given: Request) -> Request:
        """The request that plans the same again; of what was given now, connection options and --limit count."""
        if given.only or given.skip or given.restart or given.inventory or asked_for(given):
            own = "inventory, --only, --skip, --restart and --become options"
            raise InvalidInput(f"a saved plan has its own {own}; remove them", code=Code.OPTIONS_CONFLICT)
        saved = self.document
        both = [text for text in (saved["limit"], given.limit) if text]
        return replace(
            given,
            states=tuple(str(self.root / state) for state in saved["states"]),
            chdir=self.root,
            inventory=tuple(str(self.root / name) for name in saved["inventory"]),
            only=tuple(saved["only"]),
            skip=tuple(saved["skip"]),
            no_guards=saved.get("no_guards", False),
            restart=tuple(saved.get("restart", ())),
            limit=":&".join(both) or None,
            **recorded(saved.get("become", {})),
        )

    def check_sources(self, job: Job) -> None:
        """Raises PlanRefused where a file or variable that the plan was made from is not what it was."""
        now, then = _about(job), self.document
        wrong = [
            f"{name} {_difference(name, then['sources'], now['sources'])}"
            for name in sorted({*then["sources"], *now["sources"]})
            if then["sources"].get(name) != now["sources"].get(name)
        ]
        wrong += [
            f"-e {name} {_difference(name, then['variables'], now['variables'])}"
            for name in sorted({*then["variables"], *now["variables"]})
            if then["variables"].get(name) != now["variables"].get(name)
        ]
        if then["engine"] != now["engine"]:
            wrong.append(f"engine {then['engine']} made it, this is {now['engine']}")
        if wrong:
            again = f"plan {' '.join(then['states'])} --out {self.file}"
            raise PlanRefused(
                "\n  ".join([f"{self.file}: its sources have changed", *wrong, f"Plan again: {again}"]),
                code=Code.PLAN_SOURCES,
            )

    def agreed(self, found: HostPlan) -> tuple[Drift, ...]:
        """Why a host as found now may not be changed, nothing where it is what was reviewed."""
        reviewed = self.hosts.get(found.host)
        return (Drift(Drifted.UNREVIEWED),) if reviewed is None else tuple(planfile.drift(reviewed, found))


def _about(job: Job) -> dict[str, Any]:
    request = job.request
    files = [*job.declared.sources, *job.inventory.sources]
    return {
        "engine": __version__,
        "states": [_relative(path, job.root) for path in job.files],
        "inventory": [_relative(Path(name), job.root) for name in request.inventory],
        "sources": {_relative(path, job.root): _digest(path) for path in files},
        "variables": {
            # What is digested begins with the name, so that no value can be chosen to get a seal for a plan.
            name: job.key.mac(f"-e {name}={json.dumps(value, sort_keys=True, default=str)}".encode())
            for name, value in sorted(job.extra.items())
        },
        "limit": request.limit,
        "only": list(request.only),
        "skip": list(request.skip),
        "no_guards": request.no_guards,
        "restart": list(request.restart),
        "become": asked_for(request),
    }


def _relative(path: Path, root: Path) -> str:
    resolved = path.expanduser().resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(resolved)


def _digest(path: Path) -> str:
    if path.is_dir():
        return "directory"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _difference(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if name not in now:
        return "is missing"
    return "changed" if name in then else "is new"
