"""The reference of a kind, as `onetrip kinds KIND` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from engine.declare.schema.reference import reference
from engine.kit import Check, HostPath, Reversible, Secret, Watchable

_WAIT = {
    "type": "object",
    "properties": {
        "log": {"type": "string", "description": "A line to wait for."},
        "seconds": {"type": ["integer", "string"], "minimum": 1, "description": "How long."},
        "unsaid": {"type": "string"},
    },
    "required": ["log"],
}


class Door(Check):
    """A door is shut.

    front:
      door: { path: /front }
    """

    angle: Annotated[int, "How far it may stand open.", {"minimum": 0, "maximum": 90}] = 5
    path: Annotated[HostPath, "Where it is."]
    keys: Annotated[Mapping[str, str | Secret], "Name → key."] = {}
    wait: Annotated[Any, "What to wait for.", _WAIT] = None
    again: Annotated[Any, "The same once more.", _WAIT] = None

    probe_sh = "true"


PAGE = """\
# door

A door is shut.

It is a check: it changes nothing, and fails where what it finds is not as declared.

## Parameters

- `path` (path on the host; required)
  Where it is.
- `proves` (true or false; default `true`)
  Whether a right answer shows that the service before it has read its files. Say false where it can
  answer before that, or without it: a page that needs none of them, a cache, a gateway. Then a file
  that changed and was put back costs one restart more.
- `angle` (whole number from 0 to 90; default `5`)
  How far it may stand open.
- `keys` (map; may hold secrets)
  Name → key.
- `wait` (map)
  What to wait for.
  - `log` (text; required)
    A line to wait for.
  - `seconds` (whole number from 1 or text)
    How long.
- `again` (map)
  The same once more.

## Example

```yaml
front:
  door: { path: /front }
```"""


def test_a_page() -> None:
    assert reference(Door) == PAGE


def test_what_the_engine_can_do_with_it() -> None:
    class File(Reversible, Watchable):
        """A file is there."""

    assert "\nA service can name it in `restart_on`. `onetrip rollback` can put back what it changed.\n" in reference(
        File
    )
