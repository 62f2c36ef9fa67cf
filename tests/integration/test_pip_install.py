"""pip-install with real interpreters: on the host, and in the containers of real Compose services."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pip
import pytest

from engine.errors import InvalidParameter, Refused
from engine.kinds.compose_restart import ComposeRestart
from engine.kinds.pip_install import PipInstall
from engine.model import Change, HostPath, Secret, Unknown, Watch
from tests import docker_state
from tests.compose_lab import CLIENTS, Failed, Lab, labs, own_home, run_script, run_scripts
from tests.engine_images import docker, python
from tests.wheels import wheel


def offline(wheels: Path) -> dict[str, str | bool]:
    return {"no-index": True, "find-links": str(wheels)}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    wheel(directory, "alpha", "1.0")
    wheel(directory, "alpha", "2.0", ["beta>=1"])
    wheel(directory, "beta", "1.0")
    wheel(directory, "gamma", "1.0", ["delta; extra == 'more'", "nosuch; python_version < '3'"])
    wheel(directory, "delta", "0.1")
    wheel(directory, "Under_Score", "1.0rc1")
    return directory


class Host:
    """An interpreter of its own on this machine."""

    def __init__(self, root: Path, wheels: Path) -> None:
        self.root, self.wheels = root, wheels
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
        # A copy of the tests' own pip: installing one anew takes seconds.
        (site,) = (root / "venv/lib").glob("python3*/site-packages")
        for part in Path(pip.__path__[0]).parent.glob("pip*"):
            shutil.copytree(part, site / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        self.python = str(root / "venv/bin/python")
        self.file = root / "requirements.txt"

    def resource(self, *packages: str, **keys: Any) -> PipInstall:
        options = offline(self.wheels)
        return PipInstall(packages=packages, python=self.python, **{"options": options, **keys})

    def found(self, resource: PipInstall, shell: tuple[str, ...] = ("sh",)) -> object:
        return (resource.actual(run_script(resource.probe(), shell=shell)) or {})["requirements"]

    def listed(self, text: str) -> object:
        self.file.write_text(text)
        return self.found(self.resource(requirements=HostPath(self.file)))

    def apply(self, resource: PipInstall, shell: tuple[str, ...] = ("sh",)) -> bool:
        facts = run_script(resource.probe(), shell=shell)
        change = Change(resource.actual(facts), resource.desired(facts), facts)
        (action,) = resource.actions(change)
        done = run_script(action.script, "apply", shell)
        assert self.found(resource, shell) == "satisfied"
        return done.get("changed") != "no"


@pytest.fixture
def host(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    own_home(monkeypatch, tmp_path / "home")
    return Host(tmp_path, wheels)


@pytest.mark.parametrize("shell", [("dash",), ("bash",), ("bash", "--posix"), ("busybox", "sh")], ids=" ".join)
def test_its_life_on_a_host(host: Host, shell: tuple[str, ...]) -> None:
    host.file.write_text("alpha>=1\n")
    both = host.resource("gamma[more]", requirements=HostPath(host.file))
    assert host.found(both, shell) == "2 missing: alpha>=1, gamma"
    assert host.apply(both, shell)
    assert not host.apply(both, shell)
    if shell != ("dash",):
        return
    host.file.write_text("alpha<2\n")
    assert host.found(both, shell) == "1 missing: alpha<2 (is 2.0)"
    assert host.apply(both, shell)
    subprocess.run([host.python, "-m", "pip", "uninstall", "-qy", "delta"], check=True)
    assert host.found(both, shell) == "1 missing: delta"


def test_how_requirements_are_read(host: Host) -> None:
    host.apply(host.resource("alpha==2.0", "gamma", "under-score>=1.0rc0"))
    below = host.root / "below"
    below.mkdir()
    (below / "more.txt").write_text("-r ../requirements.txt\ndelta\n-rthird.txt\n")
    (below / "third.txt").write_text("epsilon==1.*\n")
    for text, expected in {
        "": "satisfied",
        "# nothing\n\n   \n": "satisfied",
        "\ufeffalpha\r\nbeta\r\n": "satisfied",
        "ALPHA >= 2.0, < 3   # a comment\n": "satisfied",
        "Under.Score\n": "satisfied",
        "alpha==2.0 --hash=sha256:00 \\\n    --hash=sha256:11\n": "satisfied",
        "--index-url https://example.org/simple\n--no-binary :all:\nalpha\n": "satisfied",
        'nosuch; python_version < "3"\nnosuch; sys_platform == "win32"\n': "satisfied",
        "gamma[more]\n": "1 missing: delta",
        "gamma[other]\n": "satisfied",
        "nosuch==1.0 ; python_version > '3'\n": "1 missing: nosuch==1.0",
        "alpha==1.0\nbeta!=1.0\n": "2 missing: alpha==1.0 (is 2.0), beta!=1.0 (is 1.0)",
        "-r below/more.txt\n": "2 missing: delta, epsilon==1.*",
        "--requirement=below/third.txt\n": "1 missing: epsilon==1.*",
        "nosuch @ https://user:secret@example.org/nosuch.zip\n": "1 missing: nosuch",
        "git+https://user:secret@example.org/x.git#egg=nosuch\n": "1 missing: nosuch",
        "https://user:secret@example.org/x.zip\n": "1 missing: https://example.org/x.zip",
        "./wheels/alpha-2.0-py3-none-any.whl\n": "satisfied",
        "./wheels/alpha-1.0-py3-none-any.whl\n": "1 missing: alpha==1.0 (is 2.0)",
    }.items():
        assert host.listed(text) == expected, text
    missing = host.root / "below/third.txt"
    missing.unlink()
    assert host.listed("-r below/more.txt\n") == Unknown(
        f"the requirements file {missing} is not there", upstream=True
    )


def test_a_project_on_the_host_by_its_path(host: Host) -> None:
    project = host.root / "project"
    project.mkdir()
    (project / "local.py").write_text("")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "local"\nversion = "1"\n'
    )
    (project / "backend.py").write_text(
        "import pathlib, sys\n"
        f"sys.path.insert(0, {str(Path.cwd())!r})\n"
        "from tests.wheels import wheel\n"
        "def build_wheel(directory, settings=None, metadata=None):\n"
        "    return wheel(pathlib.Path(directory), 'local', '1').name\n"
        "build_editable = build_wheel\n"
    )
    resource = host.resource(requirements=HostPath(host.file))
    for line in ("./project", "-e ./project"):
        host.file.write_text(line + "\n")
        assert host.found(resource) == "1 missing: ./project"
        assert host.apply(resource)
        subprocess.run([host.python, "-m", "pip", "uninstall", "-qy", "local"], check=True)


def test_the_file_comes_with_something_else(host: Host) -> None:
    resource = host.resource(requirements=HostPath(host.root / "nowhere/requirements.txt"))
    assert host.found(resource) == Unknown(
        f"the requirements file {resource.requirements} is not there", upstream=True
    )
    with pytest.raises(Failed, match=r"nowhere/requirements.txt is not there; nothing was installed"):
        host.apply(resource)
    assert resource.volatile


def test_what_cannot_be_done_is_said(host: Host) -> None:
    with pytest.raises(Failed, match=r"(?s)No matching distribution.*pip could not install what is required"):
        host.apply(host.resource("nosuch"))
    with pytest.raises(Failed, match="/nowhere/python is not installed on this host"):
        host.found(host.resource("alpha").replace(python="/nowhere/python"))
    with pytest.raises(InvalidParameter, match="nothing is required"):
        PipInstall()
    with pytest.raises(InvalidParameter, match="must be absolute"):
        PipInstall(requirements=HostPath("~/x"), container={"project_dir": "/x", "service": "x"})
    with pytest.raises(Failed, match="may not hold line breaks") as failed:
        host.found(host.resource("alpha", options={"index-url": Secret("https://x/\ncanary-secret")}))
    assert "canary" not in str(failed.value)


def test_options_never_show(host: Host) -> None:
    canary = "canary-with-$-and-'-and-\""
    spy = host.root / "python"
    spy.write_text(
        f'#!/bin/sh\nfor process in /proc/[0-9]*; do cat "$process/cmdline"; done 2>/dev/null >>{host.root}/ps\n'
        f'exec {host.python} "$@"\n'
    )
    spy.chmod(0o755)
    quiet = host.resource("alpha").replace(
        python=str(spy),
        options={**offline(host.wheels), "proxy": Secret(f"http://u:{canary}@localhost")},
    )
    assert host.apply(quiet)
    assert canary not in (host.root / "ps").read_text(errors="replace")
    assert "check" in (host.root / "ps").read_text(errors="replace")


def test_an_option_reaches_pip(host: Host) -> None:
    resource = host.resource(
        "alpha", options={**offline(host.wheels), "constraint": str(host.root / "constraints.txt")}
    )
    (host.root / "constraints.txt").write_text("alpha<2\n")
    host.apply(resource)
    assert host.found(host.resource("alpha==1.0")) == "satisfied"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_an_interpreter_of_another_user_runs_as_that_user(host: Host) -> None:
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        home = Path(directory)
        home.chmod(0o777)
        spy = home / "python"
        spy.write_text("#!/bin/sh\nid -u >>ran\nprintf '#missing\\n#count 0\\n'\n".replace("ran", f"{home}/ran"))
        spy.chmod(0o755)
        for path in (home, spy):
            os.chown(path, 1, 1)
        assert host.found(host.resource("alpha").replace(python=str(spy))) == "satisfied"
        assert (home / "ran").read_text() == "1\n"
        (home / "requirements.txt").write_text("alpha\n")
        os.chown(home / "requirements.txt", 2, 2)
        both = host.resource(requirements=HostPath(home / "requirements.txt")).replace(python=str(spy))
        with pytest.raises(Refused, match=r"several users can write .*; nothing of it was run"):
            host.found(both)
        assert (home / "ran").read_text() == "1\n"


def given(path: Path, text: str = "", uid: int = 0) -> Path:
    """A file that everybody may read and run, of this user's, in directories of root's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    os.chown(path, uid, uid)
    return path


def owned(path: Path, uid: int) -> Path:
    """A directory of this user's."""
    path.mkdir(parents=True)
    os.chown(path, uid, uid)
    return path


def linked(path: Path, target: str, uid: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    os.chown(path, uid, uid, follow_symlinks=False)
    return path


SITE = "env/lib/python3.11/site-packages"
HERS: dict[str, Callable[[Path], object]] = {
    "a relative link to hers": lambda at: (
        (at / "env/bin/python").unlink(),
        (at / "spy").rename(owned(at / "hers", 1) / "spy"),
        linked(at / "env/bin/python", "../../hers/spy"),
    ),
    "the way to root's through hers": lambda at: (
        (at / "env").rename(owned(at / "hers", 1) / "env"),
        linked(at / "env", "hers/env"),
    ),
    "pyvenv.cfg": lambda at: given(at / "env/pyvenv.cfg", "", 1),
    "pyvenv.cfg beside it": lambda at: given(at / "env/bin/pyvenv.cfg", "", 1),
    "what pyvenv.cfg calls its home": lambda at: given(
        at / "env/pyvenv.cfg", f"home = {owned(at / 'hers/bin', 1)}\n"
    ),
    "its modules": lambda at: owned(at / SITE, 1),
    "a .pth file": lambda at: given(at / SITE / "x.pth", "", 1),
    "what a .pth file names": lambda at: given(at / SITE / "x.pth", f"# hers\n{owned(at / 'hers', 1)}\n"),
    "what a .pth file names from there": lambda at: (
        owned(at / SITE / "hers", 1),
        given(at / SITE / "x.pth", "hers"),
    ),
    "requirements": lambda at: given(at / "requirements.txt", "", 1),
    "requirements that are included": lambda at: (
        given(at / "more.txt", f"-r {given(at / 'hers.txt', '', 1)}\n"),
        given(at / "requirements.txt", "-r more.txt\n"),
    ),
    "a constraint": lambda at: (
        given(at / "hers.txt", "", 1),
        given(at / "requirements.txt", "--constraint=hers.txt\n"),
    ),
    "a project": lambda at: (owned(at / "hers", 1), given(at / "requirements.txt", "./hers\n")),
    "an editable project": lambda at: given(at / "requirements.txt", f"-e {owned(at / 'hers', 1)}\n"),
    "a project by its URL": lambda at: given(at / "requirements.txt", f"x @ file://{owned(at / 'hers', 1)}\n"),
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of root's that all can reach, with an interpreter of root's that notes who runs it."""
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        at = Path(directory)
        at.chmod(0o755)
        given(at / "ran").chmod(0o666)
        given(at / "spy", f'#!/bin/sh\nid -u >>{at}/ran\nexec {sys.executable} "$@"\n')
        linked(at / "env/bin/python", str(at / "spy"))
        given(at / "requirements.txt")
        yield at


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize("hers", HERS)
def test_what_somebody_else_can_write_is_not_run_by_root(place: Path, hers: str) -> None:
    pip = PipInstall(python=str(place / "env/bin/python"), requirements=HostPath(place / "requirements.txt"))
    for _ in range(2):
        run_script(pip.probe())
        assert set((place / "ran").read_text().split()) == {"0"}
    (place / "ran").write_text("")
    HERS[hers](place)
    # Whether that user can run this Python is another thing.
    run_scripts({"it": pip.probe()}, "plan")
    # What a file of root's names is only known once root has read it.
    ran = (place / "ran").read_text().split()
    assert ran[-1] == "1", ran
    assert ran[:-1] in ([], ["0"], ["0", "0"]), ran


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_modules_beside_a_requirements_file_are_not_run(host: Host) -> None:
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        at = Path(directory)
        at.chmod(0o1777)
        for name in ("pip", "json", "runpy", "packaging"):
            given(at / f"{name}.py", f"open({str(at / 'ran')!r}, 'w')\nraise SystemExit(3)\n", 1)
        given(at / "requirements.txt", "alpha\n")
        assert host.apply(host.resource(requirements=HostPath(at / "requirements.txt")))
        assert not (at / "ran").exists()


def watched(resource: PipInstall) -> tuple[str, str]:
    script = resource.watched()
    assert script is not None
    facts = run_script(script)
    return facts["fingerprint"], facts["ctime"]


def test_watched_on_a_host(host: Host) -> None:
    resource = host.resource("alpha")
    absent = watched(resource)
    assert absent[1] == ""
    host.apply(host.resource("alpha==1.0"))
    first = watched(resource)
    assert watched(resource) == first
    assert first[0] != absent[0]
    seconds, nanoseconds = first[1].split(".")
    assert int(seconds) > 1_600_000_000
    assert len(nanoseconds) == 9
    host.apply(host.resource("alpha==2.0"))
    second = watched(resource)
    assert second[0] != first[0]
    assert float(second[1]) > float(first[1])
    host.apply(host.resource("gamma"))
    assert watched(resource) == second


SERVE = """
import importlib.metadata, sys, time
try:
    print("serves with alpha", importlib.metadata.version("alpha"), flush=True)
except importlib.metadata.PackageNotFoundError:
    print("serves without", flush=True)
while True:
    time.sleep(1)
"""


class Service(Lab):
    """A Compose service with an interpreter, whose process says at each start what it found installed."""

    def __init__(self, lab: Lab, wheels: Path) -> None:
        self.__dict__ |= vars(lab)
        self.image = python()
        wheels.mkdir(exist_ok=True)
        self.wheels = wheels
        (self.path / "requirements.txt").write_text("alpha\n")
        self.compose()

    def compose(self, **keys: Any) -> None:
        volumes = [f"{self.wheels}:/wheels:ro", "./requirements.txt:/app/requirements.txt:ro"]
        command = ["/opt/venv/bin/python", "-B", "-c", SERVE.replace("$", "$$")]
        self.write(volumes=volumes, command=command, stop_grace_period="0s", **keys)

    def pip(self, **keys: Any) -> PipInstall:
        container = {"project_dir": str(self.dir), "service": "web", "client": self.client}
        given = {"requirements": HostPath("/app/requirements.txt"), "options": offline(Path("/wheels")), **keys}
        return PipInstall(python="/opt/venv/bin/python", container=container, **given)

    def web(self, *pips: PipInstall) -> ComposeRestart:
        scripts = [pip.watched() for pip in pips]
        watches = tuple(Watch(f"pip{n}", script) for n, script in enumerate(scripts) if script is not None)
        return ComposeRestart(project_dir=self.dir, service="web", client=self.client, restart_on=watches)

    def logs(self) -> list[str]:
        (container,) = self.containers()
        return docker("logs", container["Id"]).splitlines()

    def state(self, pip: PipInstall) -> object:
        return (self.observe(pip).before or {})["requirements"]

    def install(self, pip: PipInstall) -> bool:
        (facts,) = self.act(pip, self.observe(pip))
        return facts.get("changed") != "no"


@pytest.fixture(params=[pytest.param(CLIENTS[0], marks=pytest.mark.full), CLIENTS[1]])
def service(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: Path
) -> Iterator[Service]:
    for lab in labs(request.param, tmp_path, monkeypatch):
        yield Service(lab, wheels)


@pytest.fixture
def service2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: Path) -> Iterator[Service]:
    for lab in labs("docker compose", tmp_path, monkeypatch):
        yield Service(lab, wheels)


@pytest.mark.docker
def test_a_service_never_runs_without(service: Service) -> None:
    pip = service.pip()
    web = service.web(pip)
    assert service.state(pip) == Unknown("service web has no container yet")
    assert service.install(pip)
    assert service.state(pip) == "satisfied"
    assert not service.install(pip)
    assert service.apply(web)[0] == "start"
    assert service.logs() == ["serves with alpha 2.0"]
    assert service.state(pip) == "satisfied"
    assert service.apply(web) == ("", False)
    assert len(service.containers()) == 1

    # A container that is replaced loses its packages; the new one has them before it starts.
    service.compose(environment={"A": "b"})
    assert service.state(pip) == Unknown("the container of service web will be replaced")
    service.install(pip)
    assert service.logs() == ["serves with alpha 2.0"]
    assert service.apply(web) == ("recreate", True)
    assert service.logs() == ["serves with alpha 2.0"]
    assert service.state(pip) == "satisfied"
    assert service.apply(web) == ("", False)
    assert not any((service.path.parent / "home/.local/state/engine/prepared").iterdir())
    assert len(service.containers()) == 1


@pytest.mark.docker
def test_in_a_running_service(service: Service) -> None:
    pip = service.pip()
    web = service.web(pip)
    service.call("up", "-d")
    assert service.state(pip) == "1 missing: alpha"
    assert service.install(pip)
    assert service.state(pip) == "satisfied"
    assert not service.install(pip)
    change = service.observe(web)
    assert change.differing() == ("pip0",)
    assert service.apply(web) == ("restart", True)
    assert service.logs() == ["serves without", "serves with alpha 2.0"]
    assert service.apply(web) == ("", False)
    (service.path / "requirements.txt").write_text("alpha<2\n")
    service.call("restart")
    assert service.state(pip) == "1 missing: alpha<2 (is 2.0)"


@pytest.mark.docker
def test_in_a_stopped_service(service2: Service) -> None:
    pip, web = service2.pip(), service2.web(service2.pip())
    service2.call("up", "-d")
    service2.install(pip)
    service2.call("stop")
    # What it has is another version than is wanted now, and nothing can be deleted while it does not run.
    (service2.path / "requirements.txt").write_text("alpha<2\n")
    assert service2.state(pip) == Unknown("service web does not run")
    before = service2.containers()[0]["Id"]
    assert service2.install(pip)
    assert service2.containers()[0]["Id"] == before
    assert service2.state(pip) == "satisfied"
    assert service2.apply(web)[0] == "start"
    assert service2.logs()[-1] == "serves with alpha 1.0"
    assert service2.state(pip) == "satisfied"
    site = docker("exec", before, "sh", "-c", "ls /opt/venv/lib/python*/site-packages")
    assert "alpha-1.0.dist-info" in site
    assert "alpha-2.0.dist-info" not in site
    assert "only_in_alpha_1_0.py" in site
    assert "only_in_alpha_2_0.py" not in site
    assert "state_engine" not in site
    service2.call("stop")
    (service2.path / "requirements.txt").write_text("beta\n")
    assert service2.state(pip) == Unknown("service web does not run")


@pytest.mark.docker
def test_what_the_image_has_already(service2: Service) -> None:
    pip = service2.pip(requirements=None, packages=("pip>=1",))
    assert not service2.install(pip), "nothing was installed"
    assert service2.state(pip) == "satisfied"
    assert service2.apply(service2.web(pip))[0] == "start"
    assert service2.logs() == ["serves without"]
    service2.compose(environment={"A": "b"})
    assert not service2.install(pip), "nothing was installed"
    assert service2.apply(service2.web(pip))[0] == "recreate"
    assert service2.apply(service2.web(pip)) == ("", False)


@pytest.mark.docker
def test_a_plan_leaves_no_trace(service2: Service) -> None:
    pip = service2.pip()
    for prepare in (lambda: None, lambda: service2.call("up", "-d"), lambda: service2.call("stop")):
        prepare()
        before = docker_state.project(service2.name)
        service2.state(pip)
        watched(pip)
        assert docker_state.differing(before, docker_state.project(service2.name)) == {}
    assert not (service2.path.parent / "home/.local").exists()


def test_looking_compiles_nothing(host: Host) -> None:
    host.apply(host.resource("alpha"))
    for cache in (host.root / "venv").rglob("__pycache__"):
        shutil.rmtree(cache)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in host.root.rglob("*"))
    host.found(host.resource("alpha", "nosuch"))
    watched(host.resource("alpha", "nosuch"))
    assert sorted((str(path), path.stat().st_mtime_ns) for path in host.root.rglob("*")) == before


@pytest.mark.docker
def test_a_killed_install_is_taken_up_again(service2: Service) -> None:
    pip = service2.pip()
    change = service2.observe(pip)
    (action,) = pip.actions(change)
    service2.call(
        "run", "-d", "--no-deps", "--name", f"{service2.name}-web-pip-install", "--entrypoint", "sleep", "web", "999"
    )
    assert service2.state(pip) == Unknown("service web has no container yet")
    run_script(action.script, "apply")
    assert [c["Name"] for c in service2.containers()] == [f"/{service2.name}-web-1"]
    assert service2.state(pip) == "satisfied"


@pytest.mark.docker
def test_options_stay_out_of_the_containers(service2: Service) -> None:
    canary = "canary-with-$-and-'"
    pip = service2.pip(options={**offline(Path("/wheels")), "proxy": Secret(f"http://u:{canary}@localhost")})
    events = subprocess.Popen(
        [
            "docker",
            "events",
            "--format",
            "{{json .}}",
            "--filter",
            f"label=com.docker.compose.project={service2.name}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    result = run_scripts({"it": next(iter(pip.actions(service2.observe(pip)))).script}, "apply")["it"]
    assert result.status == 0, result.output
    events.terminate()
    said, _ = events.communicate()
    assert "exec_create" in said
    for text in (said, result.output, str(service2.containers())):
        assert "canary" not in text
    for path in (service2.path.parent / "home").rglob("*"):
        assert not path.is_file() or "canary" not in path.read_text(errors="replace")


@pytest.mark.docker
def test_what_a_container_lacks_is_said(service2: Service) -> None:
    with pytest.raises(Failed, match=r"/app/other.txt is not in the container of service web; nothing was installed"):
        service2.install(service2.pip(requirements=HostPath("/app/other.txt")))
    service2.call("up", "-d")
    absent = service2.pip(requirements=HostPath("/app/other.txt"))
    assert service2.state(absent) == Unknown("the requirements file /app/other.txt is not there", upstream=True)
    with pytest.raises(Failed, match=r"/app/other.txt is not in the container of service web"):
        service2.install(absent)
    with pytest.raises(Failed, match=r"(?s)/nowhere/python failed in a container of service web.*no such file"):
        service2.state(service2.pip().replace(python="/nowhere/python"))
    with pytest.raises(Failed, match="No matching distribution"):
        service2.install(service2.pip(requirements=None, packages=("nosuch",)))
    gone = service2.pip().replace(container={"project_dir": "/nowhere", "service": "web"})
    assert service2.state(gone) == Unknown("/nowhere is not there", upstream=True)


# --- the interpreter that a service runs ---------------------------------------------------------------------------

PYTHON = "/opt/venv/bin/python"
WAIT = "-c 'import time; time.sleep(1000)'"
STARTED = {
    "by its path": (f"exec {PYTHON} {WAIT}", f"python {PYTHON}"),
    "by its name": (f"PATH=/bin:/opt/venv/bin exec python {WAIT}", f"python {PYTHON}"),
    "from its directory": (f"cd /opt/venv && exec bin/python {WAIT}", f"python {PYTHON}"),
    "by a shell": (f"{PYTHON} {WAIT}; exit 1", f"python {PYTHON}"),
    "by a shell of a shell": (
        "sleep 1000 & (sh -c '/opt/venv/bin/python /tmp/wait.py; exit 1'; exit 1)",
        f"python {PYTHON}",
    ),
    "by a script": ("exec /tmp/script", f"python {PYTHON}"),
    "with another one below it": (
        f'exec {PYTHON} -c \'import subprocess; subprocess.run(["/opt/other/bin/python", "/tmp/wait.py"])\'',
        f"python {PYTHON}",
    ),
    "under two names": (f"/opt/venv/bin/python3 {WAIT} & exec {PYTHON} {WAIT}", f"python {PYTHON}"),
    "by another user from its directory": (
        "cd /opt/venv && exec /opt/other/bin/python -c 'import os; os.setgid(7); os.setuid(7); "
        'os.execv("bin/python", ["bin/python", "/tmp/wait.py"])\'',
        f"python {PYTHON}",
    ),
    "not": ("sleep 1000 & sleep 1000; exit", "why no Python runs in it, but sh, sleep"),
    "as two of them": (
        f"/opt/other/bin/python {WAIT} & {PYTHON} {WAIT}; exit",
        "why several Pythons run in it: /opt/other/bin/python, /opt/venv/bin/python",
    ),
    "under a name that leads nowhere": (
        f'exec {PYTHON} -c \'import os; os.execv("/opt/venv/bin/python", ["/gone/python", "/tmp/wait.py"])\'',
        "why no Python runs in it, but /gone/python",
    ),
}
PREPARED = """
mkdir -p /opt/other/bin
ln -s "$(readlink /opt/venv/bin/python)" /opt/other/bin/python
ln -s python /opt/venv/bin/python3
echo 'import time; time.sleep(1000)' >/tmp/wait.py
printf '#!/opt/venv/bin/python\nimport time; time.sleep(1000)\n' >/tmp/script
chmod 755 /tmp/script
"""


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A container in which anything can be started."""
    made = docker(
        "run", "-d", python(), "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"
    ).strip()
    docker("exec", made, "sh", "-euc", PREPARED)
    yield made
    docker("rm", "-f", made)


def finds(container: str, process: str, *options: str) -> str:
    folder = Path(__file__).parents[2] / "engine/kinds/pip_install"
    texts = [(folder / name).read_text() for name in ("any_python.sh", "interpreter.py")]
    return docker("exec", *options, container, "sh", "-c", texts[0], "sh", texts[1], process).strip()


@pytest.mark.docker
@pytest.mark.parametrize("how", STARTED)
def test_the_interpreter_that_is_started(container: str, how: str) -> None:
    command, expected = STARTED[how]
    file = f"/tmp/{abs(hash(how))}"
    docker("exec", "-d", container, "sh", "-c", f"echo $$ >{file}; {command}")
    end = time.monotonic() + 15
    while True:
        process = docker("exec", container, "cat", file).strip()
        if (said := finds(container, process)) == f"#{expected}" or time.monotonic() > end:
            break
        time.sleep(0.2)
    docker("exec", container, "sh", "-c", f"kill -9 {process}; kill -9 -1 2>/dev/null; true")
    assert said == f"#{expected}"


@pytest.mark.docker
def test_processes_that_cannot_be_read(container: str) -> None:
    assert finds(container, "999999").startswith("#why its processes cannot be read (/proc/999999/cmdline: No such")
    # Without a Python that could read them, too.
    assert finds(container, "1", "-e", "PATH=/bin") == "#why no Python runs in it, but sh, sleep"


@pytest.mark.docker
def test_no_interpreter_need_be_named(service2: Service) -> None:
    # What the container is to run is not what runs in it, and it takes a while.
    service2.compose(entrypoint=["sh", "-c", 'sleep 2; "$$@"; exit 1', "sh"])
    pip = service2.pip(requirements=None, packages=("alpha",)).replace(python="")
    never = "service web has never run, so its interpreter is not known: name it in `python`"
    for refused in (service2.state, service2.install):
        with pytest.raises(Failed, match=never):
            refused(pip)
    service2.call("up", "-d")
    assert service2.state(pip) == "1 missing: alpha", "what starts the interpreter is waited for"
    assert service2.install(pip)
    assert service2.state(pip) == "satisfied"
    assert not service2.install(pip)
    assert service2.apply(service2.web(pip)) == ("restart", True)
    assert service2.logs() == ["serves without", "serves with alpha 2.0"]
    service2.call("stop")
    with pytest.raises(
        Failed, match="service web does not run, so its interpreter is not known: name it in `python`"
    ):
        service2.state(pip)


@pytest.mark.docker
def test_a_replacement_is_never_kept_up_by_what_it_cures(service2: Service) -> None:
    """What runs has no interpreter at all, so nothing can be asked of it, and pip cannot run in it."""
    service2.compose(entrypoint=["sh", "-c", "mv /opt/venv/bin/python /opt/venv/bin/gone; sleep 1000"])
    service2.call("up", "-d")
    named, found = service2.pip(), service2.pip().replace(python="")
    for it in (named, found):
        with pytest.raises(Failed):
            service2.state(it)
        with pytest.raises(Failed):
            service2.observe(service2.web(it))
    service2.compose()
    for it in (found, named):
        assert service2.state(it) == Unknown("the container of service web will be replaced")
        assert service2.observe(service2.web(it)).before != {}, "as with --only"
    assert not service2.install(found), "nothing tells the interpreter yet"
    assert service2.install(named)
    assert (service2.observe(named, "verify").before or {})["requirements"] == "satisfied", "for the new container"
    assert service2.apply(service2.web(named)) == ("recreate", True)
    assert service2.logs() == ["serves with alpha 2.0"]
    assert service2.state(found) == "satisfied"


def test_the_program_runs_on_old_and_new_interpreters() -> None:
    program = Path(__file__).parents[2] / "engine/kinds/pip_install/program.py"
    others = sorted(Path(os.path.expanduser("~/.pyenv/versions")).glob("3.*/bin/python"))
    new_enough = [path for path in others if int(path.parts[-3].split(".")[1]) >= 8]
    for interpreter in [Path(sys.executable), *new_enough]:
        done = subprocess.run(
            [interpreter, "-c", program.read_text(), "check"],
            input="package pip>=1\npackage nosuch\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (interpreter, done.stderr)
        assert "#missing nosuch\n#count 1\n" in done.stdout
