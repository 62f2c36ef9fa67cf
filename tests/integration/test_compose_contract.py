"""The contract suite over compose-restart, with a real Docker engine and Compose 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.kinds.compose_restart import ComposeRestart
from engine.kit.testing import contract_suite
from tests.compose_lab import labs

pytestmark = pytest.mark.docker


@contextmanager
def project(place: Path) -> Iterator[Mapping[str, str]]:
    """A Compose project whose service runs until it is stopped."""
    with pytest.MonkeyPatch.context() as patch:
        made = labs("docker compose", place, patch)
        lab = next(made)
        lab.write()
        try:
            yield {"project": str(lab.dir)}
        finally:
            next(made, None)


TestComposeRestart = contract_suite(
    ComposeRestart,
    {"project_dir": "{project}", "service": "web"},
    other={"state": "stopped"},
    absent={"project_dir": "{project}", "service": "web", "state": "absent"},
    setup=project,
)
