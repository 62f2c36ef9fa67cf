"""Ask Ansible what it makes of templates: run by the Python that has ansible-core.

Reads JSON: `variables`; `files` and `playbooks`, the templates as they are read there: a backslash escapes in a file.
Prints JSON: of each template its value, or `null` and what is said against it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible import template as templates
from ansible.parsing.dataloader import DataLoader


def main() -> None:
    asked = json.load(sys.stdin)
    variables = asked.pop("variables")
    # Before version 2.19 every template was trusted.
    trusted = getattr(templates, "trust_as_template", str)
    templar = templates.Templar(DataLoader(), variables=variables)
    answers: list[tuple[Any, str]] = []
    for template, escape in [(text, where == "playbooks") for where in asked for text in asked[where]]:
        try:
            answers.append((templar.template(trusted(template), escape_backslashes=escape), ""))
        except Exception as error:
            answers.append((None, f"{type(error).__name__}: {error}"))
    print(json.dumps(answers, default=str))


if __name__ == "__main__":
    main()
