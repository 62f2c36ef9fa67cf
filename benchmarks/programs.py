"""Write the programs that the engine would send for a plan: programs.py STATE DIRECTORY, in the project root."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.program.compose import compose
from engine.run.sections import probes


def main() -> None:
    state, directory = Path(sys.argv[1]), Path(sys.argv[2])
    root = Path.cwd()
    inventory = Inventory.load([root / "inventory.yaml"], root)
    declared = load([state], project=root, inventory=inventory, extra={}, limit=None)
    for host in declared.hosts:
        program = compose(probes(host.resources, "plan"))
        address = host.host.vars["ansible_host"]
        (directory / f"{address}.argv").write_text(json.dumps(program.argv))
        (directory / f"{address}.program").write_bytes(program.text)


if __name__ == "__main__":
    main()
