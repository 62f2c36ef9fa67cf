"""Keep what Ansible says of each case beside it: `python tests/inventories/record.py PYTHON-WITH-ANSIBLE`.

The default tests compare with what is kept here, so that they need no Ansible.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/case.json"))


def ask(python: str, case: str) -> str:
    """Ansible's answer for a case, as JSON text."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "ANSIBLE_LOCAL_TEMP": "/tmp/ansible-inventory-cases",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [python, str(HERE / "ask_ansible.py"), str(HERE / case)], capture_output=True, text=True, env=env, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{case}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    for name in CASES:
        (HERE / name / "expected.json").write_text(ask(sys.argv[1], name))
