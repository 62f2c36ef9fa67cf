"""What a piece of Python takes, in a process of its own: seconds, and the memory it came to hold."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MEASURE = """
import json as _json, resource as _resource, sys as _sys, time as _time
{imports}
def _peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
def _main():
{body}
_memory, _start = _peak(), _time.process_time()
try:
    _said = _main()
except Exception as _error:
    _said = f"{{type(_error).__name__}}: {{_error}}"
print(_json.dumps([_time.process_time() - _start, _peak() - _memory, _said]))
"""


class Measured(NamedTuple):
    """Seconds of the processor, bytes of memory, and what the piece returned or raised."""

    seconds: float
    memory: int
    said: str


def measured(imports: str, body: str, timeout: float = 120) -> Measured:
    """Run `body`, the body of a function, after `imports`."""
    text = MEASURE.format(imports=textwrap.dedent(imports), body=textwrap.indent(textwrap.dedent(body), "    "))
    ran = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return Measured(*json.loads(ran.stdout))
