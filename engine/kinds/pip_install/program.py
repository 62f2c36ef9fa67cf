"""What pip-install runs in the interpreter it is about; sent to the host as text, so it uses nothing of the engine.

    python -c TEXT check | install | written | collect DIRECTORY      < request

The request has one `KEY VALUE` a line: `requirements PATH`, `package REQUIREMENT`, `env NAME=VALUE`, `trusted PATH`
where others may be able to write what a requirements file names, and for `collect` `before JSON`, `existing 1`. What
was found is printed as `#KEY VALUE` lines: by `check` either `other PATH` (a file or project that is named and not
trusted), `absent PATH` (no such requirements file) or `missing LIST`, `count N`, `fingerprint HEX` and `ctime
SECONDS`; by `written` `written JSON`. Each is a process of its own: an interpreter does not see what was installed
since it started. It runs with Python 3.8 and newer. Nothing but pip uses the network.

`collect` copies what was installed since `written` into DIRECTORY, under the same paths, to be put into another
container of the same image before that starts. What has to go there (`existing`: perhaps more than here) is deleted
by that container's interpreter when it starts, by a module that then deletes itself: nothing can be deleted in a
container that does not run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple  # noqa: UP035  # for Python 3.8

try:
    from packaging.requirements import Requirement
except ImportError:
    try:
        from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment]
    except ImportError:
        sys.exit(f"neither pip nor packaging is installed in {sys.executable}")

Request = Dict[str, List[str]]  # noqa: UP006
Item = Tuple[str, str]  # noqa: UP006  # a requirement, and the directory that its paths are relative to
# As `-m pip`, but for modules in the directory it is run in.
RUN_PIP = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy; runpy.run_module('pip', None, '__main__', True)"
)
MODULE = "_state_engine_replaced"
replacer = """\
import csv, os, re, shutil
def rows(*path):
    try:
        with open(os.path.join(*path, 'RECORD'), newline='') as file:
            return {row[0] for row in csv.reader(file) if row}
    except OSError:
        return set()
def clean(here):
    for name, kept in NAMES.items():
        for found in os.listdir(here):
            old = re.match(r'(.+?)-[^-]+[.](dist-info|egg-info)$', found)
            if not old or found == kept or re.sub(r'[-_.]+', '-', old.group(1)).lower() != name:
                continue
            for row in rows(here, found) - rows(here, kept):
                try:
                    os.remove(os.path.join(here, row))
                    os.rmdir(os.path.dirname(os.path.join(here, row)))
                except OSError:
                    pass
            shutil.rmtree(os.path.join(here, found), True)
    for ending in ('.pth', '.py'):
        try:
            os.remove(os.path.join(here, __name__ + ending))
        except OSError:
            pass
clean(os.path.dirname(os.path.abspath(__file__)))
"""


class Absent(Exception):
    """A requirements file is not there; the text is its path."""


class Other(Exception):
    """Something that is named is not trusted; the text is its path."""


def say(key: str, value: object) -> None:
    """Report one thing."""
    print("#" + key, str(value).replace("\n", " "))


def canonical(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lines_of(path: str) -> Iterator[str]:
    """The lines of a requirements file as pip reads them: joined, without comments, variables replaced."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise Absent(path) from None
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        kept = re.sub(r"(^|\s)#.*$", "", line).strip()
        if kept:
            yield re.sub(r"\$\{([A-Z0-9_]+)\}", lambda m: os.environ.get(m[1], m[0]), kept)


def wanted_in(path: str, root: str, visited: Set[str], trusted: Sequence[str]) -> Iterator[Item]:  # noqa: UP006
    """The requirements of a file and of the files that it includes; paths in them are relative to `root`. Raises
    Other where some are `trusted`, and this is not."""
    path = os.path.abspath(path)
    if path in visited:
        return
    visited.add(path)
    ask_for(path, trusted)
    for line in lines_of(path):
        included = re.match(r"(?:-r\s*|--requirement(?:\s+|=))(.+)$", line)
        constraint = re.match(r"(?:-c\s*|--constraint(?:\s+|=))(.+)$", line)
        editable = re.match(r"(?:-e\s*|--editable(?:\s+|=))(.+)$", line)
        if included:
            below = os.path.join(os.path.dirname(path), included[1].strip().strip("'\""))
            yield from wanted_in(below, root, visited, trusted)
        elif constraint:
            ask_for(os.path.join(os.path.dirname(path), constraint[1].strip().strip("'\"")), trusted)
        elif editable:
            yield editable[1].strip(), root
        elif not line.startswith("-"):
            yield re.split(r"\s--[a-z]", line)[0].strip(), root


def ask_for(path: str, trusted: Sequence[str]) -> None:
    """Raise Other where some paths are `trusted`, and this is not."""
    if trusted and os.path.abspath(path) not in map(os.path.abspath, trusted):
        raise Other(os.path.abspath(path))


def local(text: str, folder: str) -> str:
    """The path of what is required by its path; empty where it is not."""
    place = re.sub(r"\[[^]]*\]$", "", re.sub(r"^[^/@]*@\s*", "", text).split("#")[0].split(";")[0].strip())
    path = os.path.join(folder, place[7:] if place.startswith("file://") else place)
    return path if os.path.exists(path) else ""


class Installed:
    """The distributions that this interpreter finds, by canonical name."""

    def __init__(self) -> None:
        self.by_name: Dict[str, Any] = {}  # noqa: UP006
        for dist in metadata.distributions():
            # To read the metadata of all would take longer than the rest.
            named = re.search(r"([^/]+)-[^-/]+\.dist-info$", folder_of(dist))
            whole = named and os.path.isfile(os.path.join(folder_of(dist), "METADATA"))
            name = named[1] if named and whole else dist.metadata and dist.metadata["Name"]
            if name:
                self.by_name.setdefault(canonical(name), dist)

    def at(self, place: str, folder: str) -> Optional[Any]:  # noqa: UP045
        """The distribution that was installed from a URL or a path."""
        place = re.sub(r"\[[^]]*\]$", "", place.split("#")[0])
        path = place[7:] if place.startswith("file://") else place
        local = "file://" + os.path.abspath(os.path.join(folder, path))
        for dist in self.by_name.values():
            try:
                url = json.loads(dist.read_text("direct_url.json") or "{}").get("url", "")
            except ValueError:
                continue
            if url.rstrip("/") in (place.rstrip("/"), local.rstrip("/")):
                return dist
        return None


def parse(text: str) -> Optional[Requirement]:  # noqa: UP045
    """A requirement, or None for what is none."""
    try:
        return Requirement(text)
    except ValueError:
        return None


def understood(text: str, folder: str, installed: Installed) -> Optional[Requirement]:  # noqa: UP045
    """What a line requires; None where that cannot be told because it is not installed from there."""
    egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", text)
    wheel = re.match(r"([A-Za-z0-9_.]+)-([^-]+)-.*\.whl$", os.path.basename(text.split("#")[0]))
    wanted = parse(text) or (parse(egg[1]) if egg else None)
    if wanted is None and wheel:
        wanted = parse(f"{wheel[1]}=={wheel[2]}")
    if wanted is None:
        dist = installed.at(text, folder)
        wanted = None if dist is None else parse(dist.metadata["Name"])
    return wanted


def judge(items: Iterable[Item], installed: Installed) -> Tuple[List[str], Dict[str, Any]]:  # noqa: UP006
    """What is not as required, and the distributions that are required, those they need included."""
    missing: Set[str] = set()  # noqa: UP006
    used: Dict[str, Any] = {}  # noqa: UP006
    queue: List[Tuple[Requirement, List[str]]] = []  # noqa: UP006
    for text, folder in items:
        wanted = understood(text, folder, installed)
        if wanted is None:
            missing.add(re.sub(r"//[^/@]*@", "//", text))
        else:
            queue.append((wanted, [""]))
    done: Set[str] = set()  # noqa: UP006
    while queue:
        wanted, extras = queue.pop(0)
        key = f"{wanted} {extras}"
        if key in done or not (
            wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras)
        ):
            continue
        done.add(key)
        dist = installed.by_name.get(canonical(wanted.name))
        if dist is None:
            missing.add(f"{wanted.name}{wanted.specifier}")
        elif not wanted.specifier.contains(dist.version, prereleases=True):
            missing.add(f"{wanted.name}{wanted.specifier} (is {dist.version})")
        else:
            used[canonical(wanted.name)] = dist
            below = [parse(text) for text in dist.requires or []]
            queue += [(need, ["", *sorted(wanted.extras)]) for need in below if need is not None]
    return sorted(missing), used


def folder_of(dist: Any) -> str:
    """Where the metadata of a distribution are."""
    return str(getattr(dist, "_path", None) or "/nonexistent")


def ctimes(dist: Any) -> Iterator[int]:
    """When the metadata of a distribution were written, in nanoseconds."""
    for name in ("", "METADATA", "RECORD", "PKG-INFO"):
        try:
            yield os.stat(os.path.join(folder_of(dist), name)).st_ctime_ns
        except OSError:
            continue


def home(request: Request) -> str:
    """Where pip is run: the requirements file's directory, so that relative paths in it mean what they seem to."""
    return os.path.dirname(os.path.abspath((request["requirements"] or ["/"])[0]))


def report(request: Request) -> None:
    """Say what is missing, or that a requirements file is."""
    try:
        trusted = request["trusted"]
        items = [item for path in request["requirements"] for item in wanted_in(path, home(request), set(), trusted)]
        for path in filter(None, (local(*item) for item in items)):
            ask_for(path, trusted)
    except Other as other:
        say("other", other)
        return
    except Absent as absent:
        say("absent", absent)
        say("fingerprint", f"no file {absent}")
        return
    items += [(text, home(request)) for text in request["package"]]
    missing, used = judge(items, Installed())
    say("missing", ", ".join(missing))
    say("count", len(missing))
    names = [f"{name}=={used[name].version}" for name in sorted(used)]
    # What is required may be there in another interpreter as well, which its service does not run.
    parts = [sys.prefix, *missing, "", *names]
    say("fingerprint", hashlib.sha256("\n".join(parts).encode()).hexdigest())
    times = [time for dist in used.values() for time in ctimes(dist)]
    say("ctime", "{}.{:09d}".format(*divmod(max(times), 10**9)) if times else "")


def pip(request: Request) -> None:
    """Install what is required; what pip prints goes to standard error."""
    environ = {
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    environ.update({name: value for name, _, value in (text.partition("=") for text in request["env"])})
    argv = [sys.executable, "-c", RUN_PIP, "install", *request["package"]]
    argv += [word for path in request["requirements"] for word in ("-r", path)]
    sys.stdout.flush()
    done = subprocess.run(argv, env=environ, cwd=home(request), stdin=subprocess.DEVNULL, stdout=2)
    if done.returncode:
        sys.exit(f"pip could not install what is required (exit status {done.returncode})")


def copy(path: str, directory: str) -> None:
    """Copy a file into the same place below `directory`, with its mode, owner and the directories above it."""
    above, made = os.path.realpath(os.path.dirname(path)), []
    path = os.path.join(above, os.path.basename(path))
    while not os.path.isdir(directory + above):
        made.append(above)
        above = os.path.dirname(above)
    for parent in reversed(made):
        os.mkdir(directory + parent)
        like(parent, directory + parent)
    if not os.path.isdir(path) or os.path.islink(path):
        shutil.copyfile(path, directory + path, follow_symlinks=False)
        like(path, directory + path)


def like(path: str, target: str) -> None:
    """Give target the owner, mode and times of path."""
    about = os.lstat(path)
    try:
        os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)
    except PermissionError:
        pass
    shutil.copystat(path, target, follow_symlinks=False)


def written() -> Dict[str, int]:  # noqa: UP006
    """Metadata directory of each installed distribution → when it was last written."""
    return {folder_of(dist): max(ctimes(dist), default=0) for dist in Installed().by_name.values()}


def collect(before: Dict[str, int], existing: bool, directory: str) -> None:  # noqa: UP006
    """Copy what is new since `before` into `directory`."""
    after = written()
    sites: Dict[str, Dict[str, str]] = {}  # noqa: UP006
    for dist in Installed().by_name.values():
        folder = folder_of(dist)
        if before.get(folder) == after.get(folder):
            continue
        for file in dist.files or []:
            path = os.path.normpath(str(dist.locate_file(file)))
            if os.path.lexists(path):
                copy(path, directory)
        site = os.path.realpath(os.path.dirname(folder))
        sites.setdefault(site, {})[canonical(dist.metadata["Name"])] = os.path.basename(folder)
    if existing or not set(before) <= set(after):
        for site, names in sites.items():
            with open(f"{directory}{site}/{MODULE}.py", "w", encoding="utf-8") as file:
                file.write(f"NAMES = {names!r}\n{replacer}")
            with open(f"{directory}{site}/{MODULE}.pth", "w", encoding="utf-8") as file:
                file.write(f"import {MODULE}\n")


def asked() -> Request:
    """The request on standard input."""
    request: Request = {"requirements": [], "package": [], "env": [], "existing": [], "before": [], "trusted": []}
    for line in sys.stdin.read().splitlines():
        key, _, value = line.partition(" ")
        if key not in request:
            sys.exit("the options of pip-install may not hold line breaks")
        request[key].append(value)
    return request


def main(mode: str, directory: str = "") -> None:
    """Do what the arguments say; see the module's text."""
    request = asked()
    if mode == "check":
        report(request)
    elif mode == "install":
        pip(request)
    elif mode == "written":
        say("written", json.dumps(written()))
    else:
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        collect(json.loads(request["before"][0]), bool(request["existing"]), directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
