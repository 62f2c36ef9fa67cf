"""Ask Ansible what it makes of an inventory: run by the Python that has ansible-core, with the directory of a case.

Prints JSON: hosts with groups and variables, the graph, and the hosts of each pattern. `record.py` keeps it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader


def main() -> None:
    case = json.loads(Path("case.json").read_text())
    tool = Path(sys.executable).parent / "ansible-inventory"
    options = [word for source in case["sources"] for word in ("-i", source)]
    text = subprocess.run([tool, *options, "--list"], capture_output=True, check=True).stdout
    listed = json.loads(text, object_hook=lambda data: data.get("__ansible_unsafe", data))
    graph = subprocess.run([tool, *options, "--graph"], capture_output=True, check=True, text=True).stdout
    manager = InventoryManager(DataLoader(), case["sources"])
    hosts = {
        name: {
            "groups": sorted(group.name for group in host.get_groups() if group.name != "all"),
            "vars": listed["_meta"]["hostvars"].get(name, {}),
        }
        for name, host in manager.hosts.items()
    }
    patterns = []
    for pattern, *limit in case["patterns"]:
        # A fresh one, for it remembers a localhost that it made up before.
        manager = InventoryManager(DataLoader(), case["sources"])
        manager.subset(limit[0] if limit else None)
        patterns.append([host.name for host in manager.get_hosts(pattern)])
    print(json.dumps({"hosts": hosts, "graph": graph, "patterns": patterns}, indent=1, sort_keys=True))


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    main()
