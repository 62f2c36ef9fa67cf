"""The words of a state file beside the kinds: keywords of a resource, `include`, `rollout`; and what names may be."""

from __future__ import annotations

from engine.kit import duration
from engine.model import Params

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""Names of resources: nothing that a shell or a glob would take for something else."""
KEY = r"^[^\s/*?\[\]{}'\"`$\\|&;<>()]+$"
"""Keys of `for_each`, which become part of an address."""
KEY_RULE = "no spaces, slashes or special characters of shells"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
RESERVED = ("host", "secrets", "each")
"""Names that templates have anyhow, and no variable can take."""

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}}

KEYWORDS: Params = {
    "needs": {
        **_NAMES,
        "description": "Names of resources that must converge before this one; `[]` for none. Default: the resource "
        "before it in the file. The name of a resource with `for_each` means all of its items.",
        "x-expected": "a list of names, like [login-node]",
    },
    "when": {
        "type": ["string", "boolean"],
        "description": "A bare expression, without braces, over variables and `host` (name, groups, os, arch, "
        "distribution and other facts). If it is false, the host skips the resource, and needing the resource is "
        "satisfied.",
        "x-expected": "an expression",
    },
    "for_each": {
        "anyOf": [
            {"type": "object", "propertyNames": {"pattern": KEY}},
            {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"type": "string", "pattern": KEY, "x-expected": f"text ({KEY_RULE})"},
                        {
                            "type": "object",
                            "properties": {
                                "key": {
                                    "type": "string",
                                    "pattern": KEY,
                                    "description": "Its name in addresses.",
                                    "x-expected": f"text ({KEY_RULE})",
                                }
                            },
                            "required": ["key"],
                        },
                    ],
                    "x-expected": f"text ({KEY_RULE}) or a map with a `key`",
                },
                "uniqueItems": True,
            },
        ],
        "description": "A map, a list of text, or a list of maps that have a `key`: one resource for each, named "
        "NAME/KEY, with `each.key` and `each.value`.",
        "x-expected": "a map, a list of text, or a list of maps that have a `key`",
    },
    "tags": {
        **_NAMES,
        "description": "Labels to select resources by: `--only tag:WORD`, `--skip tag:WORD`.",
        "x-expected": "a list of words, like [model]",
    },
    "become": {
        "type": ["boolean", "string"],
        "description": "Run its scripts as another user with sudo or doas: a user name, or true for the host's "
        "`ansible_become_user` (default: root). Default: the same user as the host's other resources.",
        "x-expected": "true, false or a user's name",
    },
    "timeout": {
        "type": "string",
        "pattern": duration.PATTERN,
        "description": "Time limit for each of its scripts, or how long to keep retrying a check in an apply: `90`, "
        "`90s`, `2m`, `1h`.",
        "x-expected": duration.EXPECTED,
    },
    "retries": {
        "type": "integer",
        "minimum": 0,
        "description": "How often to repeat a check in an apply after a wrong answer.",
        "x-expected": "a whole number from 0",
    },
}
"""Keywords that every resource accepts beside its kind."""

ROLLOUT: Params = {
    "batches": {
        "type": "array",
        "items": {"type": ["string", "integer"]},
        "description": "Sizes of the batches, cumulative: a count, a share like 10%, or an inventory pattern.",
        "x-expected": "a list of counts, shares like 10%, or patterns",
    },
    "max_failures": {
        "type": ["integer", "string"],
        "minimum": 0,
        "pattern": r"^[0-9]+%?$",
        "description": "How many hosts may fail before the rollout stops: a count, or a share like 10%. Default 0.",
        "x-expected": "a count, or a share like 10%",
    },
    "pause": {
        "type": "string",
        "pattern": duration.PATTERN,
        "description": "Time to wait between two batches.",
        "x-expected": duration.EXPECTED,
    },
    "forks": {
        "type": "integer",
        "minimum": 1,
        "description": "How many hosts to process at the same time.",
        "x-expected": "a whole number from 1",
    },
}

INCLUDE: Params = {
    "file": {
        "type": "string",
        "minLength": 1,
        "required": True,
        "description": "The state file to include; its path is relative to this file.",
        "x-expected": "the path of a state file",
    },
    "as": {"type": "string", "pattern": NAME, "description": "Prefix of the names of its resources: AS/NAME."},
    "vars": {
        "type": "object",
        "propertyNames": {"pattern": VARIABLE},
        "description": "Values for its variables.",
    },
    "for_each": {**KEYWORDS["for_each"], "description": "Include it once for each item; names are AS/KEY/NAME."},
}
