"""Runs a command of the engine as it would run on Windows, as far as that is possible elsewhere.

    python -X warn_default_encoding -m tests.as_windows VERB WORDS...    VERB: engine, plan, apply
    python -X warn_default_encoding -m tests.as_windows import MODULE... only loads modules of the engine

Only what modules of the engine see is changed; the libraries under it know Windows themselves. To the engine:

- `os.name` is "nt", `sys.platform` "win32"; modules that Windows lacks (pwd, fcntl, termios) cannot be imported.
- What a module has on POSIX alone (os.getuid, signal.SIGKILL, socket.AF_UNIX, select.poll) is not there. The
  type checker's own stubs say what that is.
- Pipes cannot be waited for, programs are started without sessions, there is no /bin/sh, everything is executable,
  and directories cannot be opened. A text file that is opened without an encoding, which there is not UTF-8, is an
  error.

Not shown by this: how wsl.exe and the console behave, and paths with backslashes.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import selectors
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import mypy

STUBS = Path(mypy.__file__).parent / "typeshed/stdlib"
REAL_IMPORT = builtins.__import__


def declared(stub: Path, platform: str) -> set[str]:
    """The names that a stub declares for a platform."""
    system = SimpleNamespace(platform=platform, version_info=sys.version_info)
    names: set[str] = set()
    todo: list[ast.stmt] = list(ast.parse(stub.read_text("utf-8")).body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If):
            test = compile(ast.Expression(node.test), str(stub), "eval")
            holds = eval(test, {"sys": system, "TYPE_CHECKING": True})  # noqa: S307
            todo += node.body if holds else node.orelse
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


@cache
def posix_only(module: str) -> tuple[set[str], bool]:
    """The names of a module of the standard library that Windows lacks, and whether it lacks the whole module."""
    place = STUBS / module.replace(".", "/")
    stub = next((path for path in (place.with_suffix(".pyi"), place / "__init__.pyi") if path.exists()), None)
    if stub is None:
        return set(), False
    here, there = declared(stub, "linux"), declared(stub, "win32")
    return here - there, bool(here) and not there


class Seen(ModuleType):
    """A module as the engine sees it: without some names, with others of its own."""

    def __init__(self, real: ModuleType, missing: set[str], own: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        vars(self).update(own, _real=real, _missing=missing)

    def __getattr__(self, name: str) -> Any:
        if name in vars(self)["_missing"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(vars(self)["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_real"], name, value)


class Selector(selectors.SelectSelector):
    """Windows waits for sockets alone."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        raise OSError(10038, "an operation was attempted on something that is not a socket")


class Popen(subprocess.Popen[Any]):
    """Starts what Windows could start."""

    def __init__(self, args: Any, *, creationflags: int = 0, start_new_session: bool = False, **more: Any) -> None:
        assert creationflags in (0, CREATE_NEW_PROCESS_GROUP)
        assert not {"preexec_fn", "pass_fds", "process_group", "user", "group", "umask"} & more.keys()
        if not isinstance(args, str) and args[0] in ("sh", "/bin/sh"):
            raise FileNotFoundError(2, "The system cannot find the file specified")
        super().__init__(args, **more)


def opened(path: Any, flags: int, *more: Any) -> int:
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied")
    return os.open(path, flags, *more)


CREATE_NEW_PROCESS_GROUP = 0x200
OWN: dict[str, dict[str, Any]] = {
    "os": {"name": "nt", "O_BINARY": 0, "access": lambda path, _mode: os.path.exists(path), "open": opened},
    "sys": {"platform": "win32"},
    "selectors": {"DefaultSelector": Selector},
    "subprocess": {"Popen": Popen, "CREATE_NEW_PROCESS_GROUP": CREATE_NEW_PROCESS_GROUP},
}


@cache
def seen(name: str) -> ModuleType | None:
    """What stands for a module of the standard library; None where nothing need. Raises ModuleNotFoundError."""
    missing, whole = posix_only(name)
    if whole:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    if not missing and name not in OWN:
        return None
    return Seen(importlib.import_module(name), missing, OWN.get(name, {}))


def imported(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    importer = str((globals or {}).get("__name__", "")).partition(".")[0]
    standard = level == 0 and name.partition(".")[0] in sys.stdlib_module_names
    if importer == "engine" and standard and (fromlist or "." not in name):
        found = seen(name)
        if found is not None:
            return found
    return REAL_IMPORT(name, globals, locals, fromlist, level)


def main() -> None:
    """Run the command of sys.argv."""
    warnings.filterwarnings("error", category=EncodingWarning, module="engine")
    builtins.__import__ = imported
    verb, *words = sys.argv[1:]
    if verb == "import":
        for name in words:
            importlib.import_module(name)
        return
    sys.argv = [verb, *words]
    cli: Any = importlib.import_module("engine.cli")
    {"engine": cli.main, "onetrip": cli.main, "plan": cli.plan_main, "apply": cli.apply_main}[verb]()


if __name__ == "__main__":
    main()
