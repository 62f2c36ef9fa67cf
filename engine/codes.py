"""Every problem a user can meet, by a code that stays the same while sentences change: `OT1203`.

One code for each problem that has a fix of its own; what an error says besides is in its sentence. `docs/errors.md`
and `onetrip explain` are made of this list. A number is never given to another problem: one that is no longer
needed is left out, and its number stays unused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

GROUPS: Mapping[int, str] = {
    10: "Command line",
    11: "State file",
    12: "Inventory",
    13: "Secrets",
    14: "Templates and variables",
    15: "Become",
    16: "Connection",
    17: "Program on the host",
    18: "Kinds and resources",
    19: "Saved plans",
    20: "Apply and verify",
    21: "Journal, retry and rollback",
    22: "The engine itself",
}
"""The first two digits of a code → what its problem is about."""


class Code(Enum):
    """A problem: its number, what it means, and what to do about it (`{program}`: the command's name)."""

    def __init__(self, number: int, meaning: str, remedy: str) -> None:
        self.number, self.meaning, self.remedy = number, meaning, remedy

    def __str__(self) -> str:
        return f"OT{self.number}"

    def fix(self, program: str = "onetrip") -> str:
        """What to do about it."""
        return self.remedy.format(program=program)

    @property
    def group(self) -> str:
        """What the problem is about."""
        return GROUPS[self.number // 100]

    USAGE = 1001, "The command line is not valid.", "See the command's --help."
    NO_STATE = 1002, "No state file was given.", "Name a state file, such as `plan states/web.yaml`."
    STATE_NOT_FOUND = 1003, "There is no such state file.", "Check the path; the message lists the files there are."
    NO_DIRECTORY = 1004, "The project root given with -C does not exist.", "Give an existing directory to -C."
    EXTRA_VARIABLE = (
        1005,
        "A variable given with -e is not `KEY=VALUE` or `@FILE`, or its value does not fit.",
        "Write `-e name=value`, with a value of the same type as the variable's default, or `-e @file.yaml`.",
    )
    UNKNOWN_VARIABLE = (
        1006,
        "A variable given with -e is not declared by any state.",
        "Check its name, or declare it under `vars:` of the state file.",
    )
    NO_MATCH = (
        1007,
        "A word of --only or --skip matches no resource.",
        "Use a resource's name, a glob, `kind:KIND` or `tag:TAG`; the message lists those there are.",
    )
    UNCONFIRMED = (
        1008,
        "An apply needs confirmation, and nobody can be asked.",
        "Run apply with -y, or apply a saved plan.",
    )
    OPTIONS_CONFLICT = 1009, "Options do not go together.", "Remove the options the message names."
    NOT_WRITTEN = 1010, "The file for the saved plan cannot be written.", "Choose another path for --out."
    ENVIRONMENT = 1011, "An environment variable has a value that cannot be used.", "Correct it, or unset it."
    UNKNOWN_CODE = 1012, "There is no such error code.", "Run `{program} explain` for the list of all codes."

    FILE_UNREADABLE = 1101, "A YAML file cannot be read.", "Check that it exists and that you may read it."
    FILE_TEXT = (
        1102,
        "A file is not UTF-8 text, or contains a character that YAML does not allow.",
        "Save the file as UTF-8 and remove the character.",
    )
    YAML_SYNTAX = (
        1103,
        "A file is not valid YAML.",
        "Correct the line the message names; quote text where it says so.",
    )
    YAML_UNSUPPORTED = (
        1104,
        "A file uses a part of YAML that is not supported, or uses it wrongly: tags, several documents, aliases, "
        "merges, or keys that are not text.",
        "Write the value out in plain maps, lists and text.",
    )
    DUPLICATE_KEY = 1105, "A map has the same key twice.", "Remove or rename one of them."
    FILE_LIMIT = 1106, "A file is too large or too deeply nested.", "Split it, or remove what expands so far."
    WRONG_VALUE = 1107, "A value is not what is expected there.", "Write a value of the type the message names."
    UNKNOWN_KEY = (
        1108,
        "A key or parameter is not known there.",
        "Check its spelling; `{program} kinds KIND` lists the parameters of a kind.",
    )
    MISSING_KEY = 1109, "A required key or parameter is missing.", "Add it; `{program} kinds KIND` describes it."
    BAD_NAME = 1110, "A name is not allowed, or is reserved.", "Choose another name."
    UNKNOWN_KIND = 1111, "There is no such kind.", "Check its spelling, or install the package that provides it."
    RESOURCE_KIND = 1112, "A resource has no kind, or more than one.", "Give every resource exactly one kind."
    DUPLICATE_RESOURCE = 1113, "Two resources have the same name.", "Rename one of them."
    UNKNOWN_RESOURCE = 1114, "A resource refers to one that does not exist.", "Check the name it refers to."
    CIRCULAR_NEEDS = 1115, "Resources have circular needs.", "Remove one of those needs."
    SAME_PLACE = 1116, "Two resources manage the same thing on a host.", "Remove one, or change what it manages."
    INCLUDE = 1117, "An include cannot be used.", "Check the file's path, its `as`, and that no file includes itself."
    PARAMETER = (
        1118,
        "A kind cannot use a parameter's value.",
        "Correct the parameter the message names; `{program} kinds KIND` describes it.",
    )
    TOO_MANY = 1119, "A state expands to more than the engine handles.", "Use fewer items, or fewer hosts at a time."
    SOURCE_FILE = (
        1120,
        "A file on the controller, named as source or template, cannot be used.",
        "Check the path and its permissions, and what the message says of its content.",
    )
    ROLLOUT = (
        1121,
        "The rollout settings cannot be used.",
        "Correct `rollout:`, or --batches, --max-failures, --pause.",
    )
    FOR_EACH = 1122, "A `for_each` iterates over something it cannot use.", "Give it a list or a map without secrets."

    INVENTORY_UNREADABLE = 1201, "An inventory cannot be read.", "Check the path and its permissions."
    INVENTORY_YAML = (
        1202,
        "A YAML inventory, or a file of variables, cannot be read.",
        "Correct the line the message names.",
    )
    INVENTORY_SHAPE = (
        1203,
        "An inventory is not built from groups, hosts and variables as expected.",
        "See docs/inventories.md for the shape.",
    )
    INVENTORY_SCRIPT = (
        1204,
        "An inventory executable failed, or its answer cannot be used.",
        "Run it yourself with --list; it must print one JSON object and exit with 0.",
    )
    HOST_PATTERN = 1205, "A host pattern is invalid.", "Correct the pattern; see docs/language.md."
    UNKNOWN_HOST = (
        1206,
        "A pattern names no group or host of the inventory, or matches no hosts.",
        "Check its spelling, and -i; `{program} inventory` lists the hosts.",
    )
    INVENTORY_LIMIT = 1207, "An inventory is too large or too deeply nested.", "Split it."
    HOST_NAME = 1208, "The name of a host, or a range of names, is invalid.", "Write it like `web[01:20]`."
    HOST_VARIABLE = (
        1209,
        "A host's connection variable has a value that cannot be used.",
        "Correct the `ansible_` variable the message names.",
    )

    INVENTORY_INI = 1210, "A line of an INI inventory cannot be read.", "Correct the line the message names."
    ANSIBLE_CFG = 1211, "A setting of ansible.cfg cannot be used.", "Correct it; see docs/inventories.md."

    PLUGIN = (
        1212,
        "An inventory is of a form that only Ansible can read, and Ansible is not installed.",
        "Install Ansible, or list the inventory with ansible-inventory elsewhere; see docs/inventories.md.",
    )

    SECRET_MISSING = (
        1301,
        "A secret's source does not exist: a file, an environment variable or a command.",
        "Create it, or correct `secrets:` in the state file.",
    )
    SECRET_UNREADABLE = 1302, "A secret's file cannot be read.", "Check its path and its permissions."
    SECRET_COMMAND = 1303, "The command that prints a secret failed.", "Run it yourself in the project root."
    SECRET_TEXT = 1304, "A secret is empty, too large, or not text.", "Write it again as the message describes."
    SECRET_FORMAT = (
        1305,
        "A secret does not have the declared format.",
        "Write it again as the message describes; a shell may have removed parts of it.",
    )
    SECRET_PROMPT = 1306, "A secret cannot be asked for.", "Run the command on a terminal, or use another source."
    SECRET_NOT_WRITTEN = 1307, "A new secret cannot be written.", "Check its path, its permissions and its content."
    SECRET_REFERENCE = (
        1308,
        "A secret refers to something that is not a secret, or to itself.",
        "Correct the name it refers to.",
    )
    SECRET_EXPOSED = 1309, "A secret is used where it would be shown.", "Use it in values only, as `secrets.NAME`."
    KEY = (
        1310,
        "The project's key cannot be used.",
        "Set ENGINE_KEY, or repair `.engine/key`: at least 16 characters, mode 0600.",
    )

    VAULT = (
        1311,
        "What Ansible Vault has encrypted cannot be decrypted.",
        "Give the password that fits; see docs/inventories.md.",
    )

    TEMPLATE = 1401, "A template cannot be rendered.", "Correct the expression the message names."
    TEMPLATE_LIMIT = 1402, "A template takes too long or makes too much.", "Make it simpler."
    FACT = 1403, "A template uses a fact that is not known.", "Give it a default, or use it only where it is known."
    WHEN = 1404, "A `when` does not give true or false.", "Write a comparison, without braces."
    CIRCULAR_REFERENCE = (
        1405,
        "Variables or secrets have circular references.",
        "Remove one of the references.",
    )

    BECOME_SETTINGS = 1501, "The become settings of a host cannot be used.", "Correct them; see docs/become.md."
    BECOME_REFUSED = (
        1502,
        "sudo or doas did not let the user become another one; nothing was run.",
        "Check the password and the host's sudo or doas configuration; see docs/become.md.",
    )

    UNREACHABLE = 1601, "There is no connection to a host.", "Check the host's address and the network."
    UNRESOLVED = 1602, "A host's name cannot be resolved.", "Check the name, or set ansible_host."
    NO_ANSWER = 1603, "A host does not answer.", "Check that it is up, or raise --connect-timeout."
    NOTHING_LISTENS = 1604, "A host refuses connections on that port.", "Start its SSH server, or set ansible_port."
    HOST_KEY_UNKNOWN = (
        1605,
        "A host's key is not known; nothing was sent.",
        "Compare the key on the host, then add it to known_hosts, or use --accept-new.",
    )
    HOST_KEY_CHANGED = (
        1606,
        "A host's key is not the known one; nothing was sent.",
        "Find out why. Replace the entry in known_hosts only if the host was reinstalled.",
    )
    HOST_KEY_REVOKED = 1607, "A host's key is revoked; nothing was sent.", "Give the host a new key."
    AUTHENTICATION = (
        1608,
        "A host accepted none of the credentials.",
        "Check ansible_user, your keys and agent, and authorized_keys on the host.",
    )
    CONNECTION_LOST = 1609, "A connection was cut.", "Run the command again; the host may have restarted."
    SILENCE = 1610, "A host sent nothing for too long.", "Check its load, or raise --silence."
    SSH_CONFIG = 1611, "The SSH configuration cannot be used for a host.", "Correct the setting the message names."
    PROXY_JUMP = 1612, "A ProxyJump cannot be used.", "Check the hop's name and that it allows forwarding."
    CONTAINER = 1613, "A container cannot be reached.", "Check that it runs, and the address of Docker."
    CONNECTION_PROGRAM = (
        1614,
        "The program on the controller that makes the connection cannot be used.",
        "Install it, or correct the connection's settings.",
    )
    CONNECTION_TYPE = 1615, "A host's type of connection is not available.", "Set ansible_connection to one listed."

    HOST_FAILED = (
        1701,
        "A host was reached, but the program did not run to its end.",
        "Read the host's last output in the message.",
    )
    NO_SHELL = (
        1702,
        "A host could not start `sh`.",
        "Install a POSIX shell on the host, and check the user's login shell.",
    )
    LOCK_HELD = (
        1703,
        "Another apply holds a host's lock.",
        "Wait for it, or raise --lock-wait; if it no longer runs, use `{program} unlock`.",
    )
    UNLOCK = 1704, "A host's lock could not be removed.", "Check who holds it now, and try again."
    UPLOAD = 1705, "Content could not be sent to a host.", "Check free space and that tar is installed on the host."
    DEADLINE = 1706, "A host took longer than allowed.", "Raise the resource's `timeout`, or check the host."
    TAMPERED = 1707, "A host's answer is not one that the program gives.", "Check the host and its login scripts."

    KIND_UNLOADABLE = 1801, "A kind cannot be loaded.", "Reinstall the package that provides it, or report it there."
    KIND_BUG = (
        1802,
        "A kind failed with an error of its own.",
        "Report it to the kind's author; ENGINE_DEBUG=1 shows where.",
    )
    REFUSED = (
        1803,
        "Something that must not be touched is in the way of a resource; nothing was changed there.",
        "Do what the message suggests, then plan again.",
    )
    NOT_INSPECTED = (
        1804,
        "A resource could not be inspected.",
        "Install what is missing, or fix what the message names.",
    )
    PROBE_TIMED_OUT = 1805, "Inspecting a resource took too long.", "Raise the resource's `timeout`."
    BLOCKED = 1806, "A resource needs another one that cannot be applied.", "Fix the one it needs first."

    NOT_A_PLAN = 1901, "A file is not a saved plan.", "Make one: `plan STATE --out FILE`."
    PLAN_VERSION = 1902, "A saved plan was made by another version.", "Plan again with the version that applies it."
    PLAN_EDITED = 1903, "A saved plan was changed after it was made.", "Plan again."
    PLAN_KEY = (
        1904,
        "A saved plan was made with another key, or there is no key here.",
        "Share one key between the machines that plan and apply: `.engine/key` or ENGINE_KEY.",
    )
    PLAN_SOURCES = 1905, "The files a saved plan was made from have changed.", "Plan again, and review the new plan."
    DRIFT = 1906, "A host is no longer as it was when the plan was reviewed.", "Plan again, and review the new plan."
    PLAN_REFUSED = 1907, "A saved plan cannot be applied.", "Plan again."

    ACTION_FAILED = 2001, "A change failed.", "Read its output in the report, fix the cause, and apply again."
    ACTION_TIMED_OUT = 2002, "A change took too long and was ended.", "Raise the resource's `timeout`."
    NOT_CONVERGED = (
        2003,
        "A change was made, but the host is still not as declared.",
        "Find out what undid it; the report shows what differs.",
    )
    CHECK_FAILED = 2004, "A check does not hold.", "The report shows what was found, and its cause if one is known."
    NEEDS_FAILED = (
        2005,
        "A resource was skipped: what it needs failed, or the run stopped.",
        "Fix the cause, then retry.",
    )

    NO_RUN = 2101, "There is no such run.", "`{program} history` lists the runs of this project."
    RUN_VERSION = 2102, "A run was recorded by another version.", "Use the version that applied it."
    RUN_DAMAGED = 2103, "The record of a run is damaged.", "Apply again with the same state."
    RUN_UNRECORDED = (
        2104,
        "The journal cannot be written; nothing was changed.",
        "Make `.engine/runs` of the project writable, and check free space.",
    )
    NOT_REPEATABLE = 2105, "A run cannot be repeated from its record.", "Apply again with the same state and options."

    FAILED = 2201, "The command failed.", "Read the message."
    INTERNAL = 2202, "The engine failed in a way nobody foresaw.", "Report it; ENGINE_DEBUG=1 shows where."
    INTERRUPTED = 2203, "The run was stopped on request.", "Run it again, or `{program} retry` for an apply."
    INPUT = 2204, "What was written cannot be used.", "Correct what the message names."


BY_NAME: Mapping[str, Code] = {str(code): code for code in Code}
"""`OT1203` → its code."""
