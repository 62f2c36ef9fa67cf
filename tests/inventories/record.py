"""Keep what Ansible says of each case beside it: `python tests/inventories/record.py PYTHON-WITH-ANSIBLE`.

The default tests compare with what is kept here, so that they need no Ansible.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.inventories.forms import FORMS, ansible_says

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


def ask_forms(python: str) -> str:
    """Ansible's answers for all forms, as JSON text."""
    answers = {}
    for name, form in FORMS.items():
        with tempfile.TemporaryDirectory() as directory:
            form.write(Path(directory))
            answers[name] = ansible_says(Path(python).with_name("ansible-inventory"), form, Path(directory))
    return json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (HERE / "forms.json").write_text(ask_forms(os.path.abspath(sys.argv[1])))
    for name in CASES:
        (HERE / name / "expected.json").write_text(ask(sys.argv[1], name))
