"""The JSON Schema of a YAML inventory, for editors: the shape of Ansible's, and the connection variables."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_WORDS = {"type": ["string", "array"], "items": {"type": "string"}}
_NUMBER = {"type": ["integer", "number", "string"]}
_FLAG = {"type": ["boolean", "string", "integer"]}

_VARIABLES: dict[str, tuple[dict[str, Any], str]] = {
    "ansible_connection": (
        {"anyOf": [{"enum": ["ssh", "local", "docker", "command", "wsl", "openssh"]}, {"type": "string"}]},
        "How the host is reached: ssh (unless set), local, docker, command, wsl, openssh.",
    ),
    "ansible_host": (_TEXT, "Where to connect to; for docker the container. Unless set, the host's name."),
    "ansible_port": ({"type": ["integer", "string"]}, "The port of its SSH server."),
    "ansible_user": (_TEXT, "The user to log in as."),
    "ansible_password": (_TEXT, "The password to log in with; better a key, or a template that reads a secret."),
    "ansible_ssh_private_key_file": (_TEXT, "The key to log in with, on the controller."),
    "ansible_ssh_private_key_passphrase": (_TEXT, "Passphrase of that key; asked for if not set."),
    "ansible_ssh_args": (_TEXT, "Options of ssh, such as `-o ProxyJump=gate`."),
    "ansible_ssh_common_args": (_TEXT, "More options of ssh."),
    "ansible_ssh_extra_args": (_TEXT, "More options of ssh."),
    "ansible_ssh_executable": (_TEXT, "The OpenSSH client that reads the SSH configuration."),
    "ansible_host_key_checking": (_FLAG, "false: do not check host keys, only warn."),
    "ansible_timeout": (_NUMBER, "Seconds to wait for a connection."),
    "ansible_become": (_FLAG, "Run everything on this host as another user."),
    "ansible_become_user": (_TEXT, "That user; root unless set."),
    "ansible_become_method": ({"enum": ["sudo", "doas"]}, "How to become that user; sudo unless set."),
    "ansible_become_password": (_TEXT, "The password that sudo asks for."),
    "ansible_become_exe": (_TEXT, "Name or path of sudo or doas on the host."),
    "ansible_become_flags": (_TEXT, "Extra flags for sudo or doas."),
    "ansible_command_argv": (_WORDS, "For `command`: runs a program on the host, such as [podman, exec, -i, web]."),
    "ansible_wsl_distribution": (_TEXT, "For `wsl`: the distribution; the default one unless set."),
    "ansible_wsl_executable": (_TEXT, "For `wsl`: path of wsl.exe, if it is not in PATH."),
    "ansible_docker_host": (_TEXT, "For `docker`: the engine's URL; DOCKER_HOST or the local one unless set."),
    "ansible_openssh_persist": (_NUMBER, "For `openssh`: seconds to keep an unused connection open."),
    "ansible_group_priority": ({"type": ["integer", "string"]}, "Among groups at the same depth, the highest wins."),
}
"""Variable → its schema, and what it is for."""


def inventory_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an inventory: groups at the top, each with hosts, children and vars."""
    variables = {name: {**schema, "description": text} for name, (schema, text) in _VARIABLES.items()}
    group = {"$ref": "#/$defs/group"}
    given = {"$ref": "#/$defs/variables"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Inventory",
        "description": "Hosts and groups, as in Ansible's YAML inventory.",
        "type": "object",
        "additionalProperties": group,
        "$defs": {
            "group": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "hosts": {
                        "description": "Host or range (`gpu[01:20]`) → its variables.",
                        "type": ["object", "null"],
                        "additionalProperties": given,
                    },
                    "children": {
                        "description": "Groups in this group.",
                        "type": ["object", "null"],
                        "additionalProperties": group,
                    },
                    "vars": {**given, "description": "Variables of every host in the group."},
                },
            },
            "variables": {
                "type": ["object", "null"],
                "description": "Connection variables, and values for the `vars:` of state files.",
                "properties": variables,
            },
        },
    }
