"""docs/kinds/writing.md, word for word: its files are written, its kinds installed, and used by the real commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests import systemd
from tests.engine_images import docker
from tests.integration.project import Project, Ran

PAGE = Path(__file__).parents[2] / "docs/kinds/writing.md"
BLOCK = re.compile(r"`([a-z_/]+\.(?:py|cfg|yaml))`[^`]*```(?:python|ini|yaml)\n(.*?)```", re.DOTALL)


def printed() -> dict[str, str]:
    """The files that the page shows, by name."""
    found: dict[str, str] = dict(BLOCK.findall(PAGE.read_text()))
    assert set(found) == {"my_link.py", "my_unit.py", "setup.cfg", "test_my_kinds.py", "cases/link.yaml"}
    return found


def write(place: Path) -> None:
    for name, text in printed().items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory outside of the repository in which the page's files are, as `pip install` would leave them there:
    the modules, and the entry points as metadata."""
    place = tmp_path_factory.mktemp("site")
    write(place)
    config = ConfigParser()
    config.read(place / "setup.cfg")
    about = place / f"my_kinds-{config['metadata']['version']}.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: my-kinds\nVersion: 0.1.0\n")
    entries = config["options.entry_points"]["engine.plugins"].strip()
    about.joinpath("entry_points.txt").write_text(f"[engine.plugins]\n{entries}\n")
    return place


class Stranger(Project):
    """A project of somebody who has installed the kinds."""

    def __init__(self, directory: Path, site: Path) -> None:
        super().__init__(directory)
        self.site = site

    def say(self, verb: str, *words: str, state: str = "state.yaml") -> Ran:
        return self.run(verb, *words, state=state, env={"PYTHONPATH": str(self.site)})


@pytest.fixture
def project(tmp_path: Path, installed: Path) -> Stranger:
    return Stranger(tmp_path, installed)


def test_the_pages_are_pages() -> None:
    found = printed()
    for name, most in {"my_link.py": 32, "my_unit.py": 36}.items():
        assert len(found[name].splitlines()) <= most
        assert len(re.findall(r"^from engine", found[name], re.MULTILINE)) == 1
        assert not re.search(r"^(import|from) (?!typing|engine)", found[name], re.MULTILINE)


def test_a_link(project: Stranger, tmp_path: Path) -> None:
    link = tmp_path / "current"
    project.state({"current": {"my-link": {"path": str(link), "target": "releases/42"}}})
    planned = project.say("plan", "--detailed-exitcode")
    assert (planned.code, link.is_symlink()) == (2, False), planned.err
    assert "releases/42" in planned.out
    assert project.say("apply", "-y").code == 0
    assert os.readlink(link) == "releases/42"
    again = project.say("apply", "-y", "--format", "json")
    assert again.verdicts() == {"current": "unchanged"}
    link.unlink()
    link.symlink_to("releases/41")
    drifted = project.say("plan")
    assert "releases/41" in drifted.out
    assert "releases/42" in drifted.out
    assert project.say("apply", "-y").code == 0
    assert os.readlink(link) == "releases/42"
    back = project.say("engine", "rollback", project.runs()[-1], "-y", state="")
    assert back.code == 0, back.out + back.err
    assert os.readlink(link) == "releases/41"
    first = project.say("engine", "rollback", project.runs()[0], "-y", state="")
    assert first.code == 0, first.out + first.err
    assert not link.is_symlink()


def test_something_is_in_the_way(project: Stranger, tmp_path: Path) -> None:
    tmp_path.joinpath("current").write_text("theirs")
    project.state({"current": {"my-link": {"path": str(tmp_path / "current"), "target": "x"}}})
    ended = project.say("apply", "-y")
    assert ended.code == 1
    assert "is in the way: it is not a symbolic link" in ended.out
    assert tmp_path.joinpath("current").read_text() == "theirs"


def test_what_the_engine_knows_of_it(project: Stranger) -> None:
    listed = project.say("engine", "kinds", state="")
    assert re.search(r"^my-link +A path is a symbolic link\.$", listed.out, re.MULTILINE)
    reference = project.say("engine", "kinds", "my-link", state="").out
    assert "- `target` (text)" in reference
    assert "my-link: { path: /srv/app/current, target: releases/42 }" in reference
    assert '"my-link"' in project.say("engine", "schema", state="").out
    project.state({"current": {"my-link": {"path": "/x", "tarlet": "y"}}})
    assert "did you mean `target`?" in project.say("plan").err
    project.state({"current": {"my-lnk": {"path": "/x"}}})
    assert "my-link" in project.say("plan").err


def test_its_contract_suite(installed: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_kinds.py"]
    env = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=installed, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout


def test_its_cases(installed: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "test_cases", "test_my_kinds.py"]
    env = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=installed, env=env, capture_output=True, text=True, check=False)
    assert re.search(r"^2 passed", done.stdout, re.MULTILINE), done.stdout[-3000:]


CARELESS = {
    "no pin": ('pin "$path"', "name=$path"),
    "looks": (
        '-h "$name" ]; then\n      found=$(readlink -- "$name")',
        '-h "$path" ]; then\n      found=$(readlink -- "$path")',
    ),
    "makes": ('ln -sfn -- "$target" "$name"', 'ln -sfn -- "$target" "$path"'),
    "removes": ('rm -f -- "$name"', 'rm -f -- "$path"'),
}
"""What a page holds, and what a careless one would."""
SAID = {
    "no pin": ("pin the path first", "root made something in another user's directory"),
    "looks": ("test_it_probes_only_where_it_has_pinned", "after `pin`, name `$name`"),
    "makes": ("test_it_writes_only_where_it_has_pinned", "after `pin`, name `$name`"),
    "removes": ("test_it_writes_only_where_it_has_pinned", "after `pin`, name `$name`"),
}


@pytest.mark.parametrize("name", CARELESS)
def test_the_contract_suite_asks_for_the_pin(name: str, installed: Path, tmp_path: Path) -> None:
    """And for nothing but `$name` after it."""
    if os.geteuid() != 0:
        pytest.skip("only root can be led astray")
    careful, careless = CARELESS[name]
    text = printed()["my_link.py"]
    assert careful in text
    write(tmp_path)
    tmp_path.joinpath("my_link.py").write_text(text.replace(careful, careless))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "another_users or made_as_the_owner" if name == "no pin" else "where_it_has_pinned",
        "test_my_kinds.py",
    ]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for words in SAID[name]:
        assert words in done.stdout, done.stdout[-3000:]
    if name == "no pin":
        assert " passed" not in done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def machine() -> Iterator[str]:
    with systemd.machine() as name:
        yield name


def test_a_unit(project: Stranger, machine: str) -> None:
    unit = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n"
    docker("exec", machine, "sh", "-c", f"printf '{unit}' >/etc/systemd/system/web.service; systemctl daemon-reload")
    project.inventory({"box": systemd.variables(machine)})
    project.state({"web": {"my-unit": {"unit": "web.service"}}})

    def state() -> str:
        return docker("exec", machine, "sh", "-c", "systemctl is-enabled web; systemctl is-active web; true")

    assert project.say("plan", "--detailed-exitcode").code == 2
    assert state() == "disabled\ninactive\n"
    applied = project.say("apply", "-y")
    assert applied.code == 0, applied.out + applied.err
    assert state() == "enabled\nactive\n"
    assert project.say("apply", "-y", "--format", "json").verdicts() == {"web": "unchanged"}
    docker("exec", machine, "systemctl", "stop", "web")
    drifted = project.say("apply", "-y", "--format", "json")
    assert drifted.verdicts() == {"web": "changed"}
    assert state() == "enabled\nactive\n"
    first = project.say("engine", "rollback", project.runs()[0], "-y", state="")
    assert first.code == 0, first.out + first.err
    assert state() == "disabled\ninactive\n"
    project.state({"web": {"my-unit": {"unit": "nope.service"}}})
    missing = project.say("plan")
    assert missing.code == 1
    assert "there is no unit nope.service" in missing.out
