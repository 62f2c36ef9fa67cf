"""Kinds beside the shipped ones for the attacker to meet: the link of docs/kinds/writing.md, as a stranger who has
read that page writes one, and a service that reads what it watches."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.integration.test_writing_a_kind import printed

READER = '''\
from engine.kit import Restarts


class Reader(Restarts):
    """A service that reads what it watches.

    reader:
      reader: { restart_on: [settings] }
    """

    service_sh = r"""
    service_find() {
      ledger_name=reader status=running id_list=reader starts=2020-01-01T00:00:00Z
      [ ! -e "$HOME/reader" ] || starts=$(cat "$HOME/reader")
    }
    service_start() { service_restart; }
    service_restart() { date -u +%Y-%m-%dT%H:%M:%SZ >"$HOME/reader"; }
    service_stop() { :; }
    service_remove() { :; }
    """
'''
ENTRIES = "[engine.plugins]\nmy-link = my_link:MyLink\nreader = reader:Reader\n"
_PLACE = tempfile.TemporaryDirectory(prefix="engine-attack-kinds-")


@cache
def install() -> None:
    """From now on this process finds them, as what `pip install` left."""
    place = Path(_PLACE.name)
    about = place / "attacked-1.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: attacked\nVersion: 1\n")
    about.joinpath("entry_points.txt").write_text(ENTRIES)
    place.joinpath("my_link.py").write_text(printed()["my_link.py"])
    place.joinpath("reader.py").write_text(READER)
    sys.path.append(str(place))
