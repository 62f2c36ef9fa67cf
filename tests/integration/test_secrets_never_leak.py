"""Secrets never show: not in any output, any file, any process, in no form and not in pieces."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from demo import image
from tests.integration import careless_kinds
from tests.integration.main_job import IMAGE, missing
from tests.integration.project import Project, Ran, own_sshd
from tests.leaks import Canary, Watch, in_files, shown
from tests.sshd import needs_sshd

FULL = Canary("Kq7vT2mXw9\"pL4cZr8B$n3Vd6Hs5k'Jf1Gc0Yt\\b%41Uo{{jz}}${Ex}éß世界Wm2Qx8Ep7Ra")
OTHER = Canary("Bw5nM8xKe3'Tq1Zy6Gd$7Hv0Ls4P\\n%25Rc2{{ka}}\"Fj9Uo5Xi1ÄñWs8Ob3Nd6Pt")
LINES = Canary("Xe6pV1sHa8'Ck3\nNz5Rb0Wu7$Lf2Tg9\n  Dy4Mq8\\Jo6\"Is1{{Ah}}%0AüKv3Be7Pn5")
DOTENV = Canary('Gt3wQ9jPd5"Yl7\\Ub1Xn6$Ko4Rf8%41Sh2{{me}}éVz0Ci5Ew9Ja3Tx7')
TOKEN = Canary("ghpLw4Yc8Rk2Vj6Nb0Qs5Xt9Hf3")
OURS = Canary("Pz8dN3uWk6'Ov1$Bq5Ie9{{Mf}}%22\\tTy7Gx2Lh4ñCs0Jr")
ALL = (FULL, LINES, DOTENV, TOKEN, OURS)
FORMATS = ("text", "json", "markdown", "html", "junit")


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Every process of the machine is looked at, so no two of these tests may run at the same time, not even those of
    another run of the tests."""
    with Path(tempfile.gettempdir(), "onetrip-silence.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Echo(BaseHTTPRequestHandler):
    """Sends back all that came, plainly and as base64, after a while in which processes can be looked at."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        time.sleep(0.2)
        told = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}
        query = unquote_plus(self.path.partition("=")[2])
        plain = "\n".join([query, self.headers["Authorization"] or "", self.headers["X-Key"] or "", body])
        told["encoded"] = base64.b64encode(plain.encode("latin-1", "ignore")).decode()
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Body", base64.b64encode(body.encode()).decode())
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


SSH = [pytest.mark.sshd, needs_sshd]


@pytest.fixture(params=["local", pytest.param("ssh", marks=SSH)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project with the secrets from everywhere, on a host that has a home and temporary files of its own."""
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path)
    project.write(".secrets/full", FULL.value + "\n")
    project.write(".secrets/lines", LINES.value + "\n")
    project.write(".secrets/dotenv", DOTENV.value + "\n")
    project.write(".secrets/token", TOKEN.value + "\n")
    project.write("template.j2", "before\nkey = {{ secrets.full }}\nafter\n")
    if request.param == "local":
        yield project
        return
    with own_sshd(tmp_path, f"TMPDIR={tmp_path}/tmp") as server:
        project.inventory({"here": server.variables()})
        yield project


SECRETS: dict[str, Any] = {
    "full": {"file": ".secrets/full"},
    "lines": {"command": ["cat", ".secrets/lines"]},
    "dotenv": {"command": "cat .secrets/dotenv"},
    "token": {"file": ".secrets/token"},
    "ours": {"env": "OUR_SECRET"},
}


def files(target: Path) -> dict[str, Any]:
    """Every way in which a file can hold a secret."""
    return {
        "content": {"file-sync": {"path": f"{target}/content", "content": "a {{ secrets.full }} b\n"}},
        "lines": {"file-sync": {"path": f"{target}/lines", "content": "{{ secrets.lines }}"}},
        "first-line": {"file-sync": {"path": f"{target}/first-line", "first_line": "{{ secrets.full }}"}},
        "dotenv": {"file-sync": {"path": f"{target}/.env", "dotenv": {"TOKEN": "{{ secrets.dotenv }}"}}},
        "template": {"file-sync": {"path": f"{target}/template", "template": "template.j2", "backup": 1}},
        "ours": {"file-sync": {"path": f"{target}/ours", "content": "{{ secrets.ours }}", "mode": "0644"}},
        "unsaid": {"file-sync": {"path": f"{target}/unsaid", "content": FULL.value.replace("{{jz}}", "")[:4]}},
    }


def requests(url: str) -> dict[str, Any]:
    """Every way in which a request can carry a secret, and answers that send it back to be shown."""
    show = {"show": {"Path": "path", "Headers": "headers.authorization", "Body": "body", "All": "encoded"}}
    return {
        "bearer": {"http-assert": {"url": url, "bearer": "{{ secrets.token }}", **show}},
        "odd-bearer": {"http-assert": {"url": url, "bearer": "{{ secrets.full }}", **show}},
        "query": {"http-assert": {"url": url, "query": {"token": "{{ secrets.full }}"}, **show}},
        "header": {"http-assert": {"url": url, "headers": {"X-Key": "k={{ secrets.dotenv }}"}, **show}},
        "body": {
            "http-assert": {"url": url, "method": "POST", "body": {"a": ["{{ secrets.lines }}"]}, **show},
            "timeout": 20,
        },
        "text-body": {
            "http-assert": {"url": url, "method": "POST", "body": "t={{ secrets.full }}", **show},
            "timeout": 20,
        },
    }


@contextmanager
def watched(project: Project) -> Iterator[Watch]:
    """What of the secrets shows in processes and in temporary files meanwhile. `ours` was put into the environment
    by whoever started the engine, so there it may be."""
    directories = [
        project.root.parent / "tmp",
        project.root / ".engine",
        project.home / ".local/state/engine/staging",
    ]
    with Watch(ALL, [canary for canary in ALL if canary is not OURS], directories) as watch:
        yield watch
    assert not watch.found
    assert watch.shared > 3
    assert watch.processes > 1


def run(
    project: Project, verb: str, *words: str, env: Mapping[str, str] | None = None, state: str = "state.yaml"
) -> Ran:
    """Run a command and look at all it has left behind."""
    ran = project.run(verb, *words, env={"OUR_SECRET": OURS.value, **(env or {})}, state=state)
    for text in (ran.out, ran.err):
        assert not [line for line in text.splitlines() if shown([*ALL, OTHER], line)]
    assert not in_files([*ALL, OTHER], project.root, [*(project.root / ".secrets").iterdir()])
    assert not in_files([*ALL, OTHER], project.home, kept(project))
    assert not in_files([*ALL, OTHER], project.root.parent / "tmp")
    return ran


def kept(project: Project) -> list[Path]:
    """What stood on the host before an apply replaced it, kept there where only its owner can look."""
    top = project.home / ".local/state/engine"
    if not top.exists():
        return []
    assert top.stat().st_mode & 0o077 == 0
    return [path for path in (top / "kept").rglob("*") if path.is_file()]


def test_what_is_written_and_sent_shows_nowhere(project: Project, tmp_path: Path, echo: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    project.state({**files(target), **requests(echo)}, secrets=SECRETS)
    with watched(project):
        ran = run(project, "plan", "-vv", "--diff", "--out", "saved.json")
        assert ran.code == 0, ran.err
        assert "<secret>" in ran.err, "-vv did not show the programs"
        assert re.search(r"content +secret:[0-9a-f]{6}", ran.out)
        saved = run(project, "apply", "saved.json", "-vv", "--diff", state="")
        assert saved.code == 0, saved.out + saved.err
    assert (target / "content").read_text() == f"a {FULL.value} b\n"
    assert (target / "lines").read_text() == LINES.value
    assert (target / "first-line").read_text() == FULL.value + "\n"
    assert DOTENV.value in (target / ".env").read_text()
    assert FULL.value in (target / "template").read_text()
    assert (target / "ours").read_text() == OURS.value
    # What else stands there now is the host's own, and what is compared with it must not show either.
    for name in ("content", "template", "ours", ".env", "first-line"):
        (target / name).write_text(f"TOKEN={OTHER.value}\nkey = {FULL.value} and\nours\n")
        (target / name).chmod(0o644)
    project.write(".secrets/other", OTHER.value)
    project.state({**files(target), **requests(echo)}, secrets={**SECRETS, "other": {"file": ".secrets/other"}})
    for format_ in FORMATS[:-1]:
        assert run(project, "plan", "--diff", "-vv", "--format", format_).code == 0
    with watched(project):
        ran = run(project, "apply", "-vv", "--diff")
        assert ran.code == 0, ran.out + ran.err
    for format_ in FORMATS:
        assert run(project, "apply", "-v", "--diff", "--format", format_).code == 0
    history = run(project, "engine", "history", state="")
    assert history.code == 0, history.err


RECORDED = (
    "awk base64 cat chmod chown cp curl cut date dd env find git grep head id install ln ls mkdir mktemp mv od ps "
    "readlink rm sed setsid sha256sum sleep sort stat tail tar touch tr uname wc xargs"
)


def recorders(directory: Path, log: Path) -> None:
    """Programs that note what they were started with, arguments and environment, and go on as what they stand for."""
    directory.mkdir()
    for name in RECORDED.split():
        real = shutil.which(name)
        if real is None:
            continue
        program = directory / name
        program.write_text(
            f"#!/bin/sh\n{{ printf '%s\\n' \"$0\" \"$@\"; {shutil.which('tr')} '\\0' '\\n' </proc/$$/environ; }} "
            f'>>{log}\nexec {real} "$@"\n'
        )
        program.chmod(0o755)


def test_no_program_is_told_a_secret(tmp_path: Path, echo: str) -> None:
    """Every program that is started on a host, however short it lives."""
    (tmp_path / "tmp").mkdir()
    target, log = tmp_path / "target", tmp_path / "log"
    target.mkdir()
    recorders(tmp_path / "bin", log)
    project = Project(tmp_path)
    for name, canary in (("full", FULL), ("lines", LINES), ("dotenv", DOTENV), ("token", TOKEN)):
        project.write(f".secrets/{name}", canary.value + "\n")
    project.write("template.j2", "key = {{ secrets.full }}\n")
    repo = "http://me:{{ secrets.token }}@127.0.0.1:9/repo.git"
    clone = {"git-clone": {"repo": repo, "path": f"{target}/clone"}, "needs": []}
    project.state({**files(target), **requests(echo), "clone": clone}, secrets=SECRETS)
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for _ in range(2):
        ran = run(project, "apply", "--format", "json", env=path)
        assert ran.verdicts()["clone"] == "failed"
    assert set(ran.verdicts().values()) == {"failed", "unchanged", "passed"}
    noted = log.read_text()
    assert {"curl", "git", "mv"} <= {Path(line).name for line in noted.splitlines() if line.startswith(str(tmp_path))}
    assert not shown([FULL, LINES, DOTENV, TOKEN], noted)


@pytest.mark.parametrize(
    ("project", "format_"),
    [*(("local", format_) for format_ in FORMATS), pytest.param("ssh", "json", marks=SSH)],
    indirect=["project"],
)
def test_what_fails_shows_nothing(project: Project, tmp_path: Path, echo: str, format_: str) -> None:
    """Actions, checks and refusals that show secrets in what they say of their failure."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "occupied").mkdir()
    kinds = careless_kinds.install(tmp_path / "kinds")
    wrong = {"path": "no", "body": "no", "encoded": {"matches": "^no$"}}
    project.state(
        {
            **{
                f"shout-{name}": {"shout": {"value": f"{{{{ secrets.{name} }}}}"}, "needs": []}
                for name in ("full", "lines", "dotenv", "ours")
            },
            "refuse": {"refuse": {"value": "x {{ secrets.lines }}"}, "needs": []},
            "occupied": {
                "file-sync": {"path": f"{target}/occupied", "content": "{{ secrets.full }}"},
                "needs": [],
            },
            "query": {
                "http-assert": {"url": echo, "query": {"t": "{{ secrets.full }}"}, "json": wrong},
                "needs": [],
                "timeout": 4,
            },
            "body": {
                "http-assert": {
                    "url": echo,
                    "method": "POST",
                    "body": ["{{ secrets.lines }}"],
                    "text": "no",
                    "response_headers": {"X-Body": "no"},
                },
                "needs": [],
                "timeout": 4,
            },
            "clone": {
                "git-clone": {
                    "repo": "http://me:{{ secrets.token }}@127.0.0.1:9/repo.git",
                    "path": f"{target}/clone",
                },
                "needs": [],
            },
            "pip": {
                "pip-install": {
                    "python": sys.executable,
                    "packages": ["no-such-package-at-all"],
                    "options": {"no-index": True, "find-links": "/nowhere/{{ secrets.token }}"},
                },
                "needs": [],
            },
        },
        secrets=SECRETS,
    )
    env = {"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"}
    # pip takes its options from its environment: that is where nobody but the host's own user can look.
    with Watch(ALL, [FULL, LINES, DOTENV], [project.home]) as watch:
        ran = run(project, "apply", "-vv", "--format", format_, env=env)
    assert not watch.found
    assert ran.code == 1, ran.out + ran.err
    if format_ == "json":
        verdicts = ran.verdicts()
        assert verdicts.pop("refuse") == verdicts.pop("occupied") == "refused", verdicts
        assert set(verdicts.values()) == {"failed"}, verdicts
        outcomes = {outcome["step"]["name"]: outcome for outcome in ran.data["hosts"][0]["outcomes"]}
        assert outcomes["shout-full"]["words"] == "cannot log in with <secret>: giving up"
        assert outcomes["shout-full"]["output"].count("<secret>") >= 6
        assert outcomes["refuse"]["words"] == "what was found, x <secret>, must not be touched"
    assert "<secret>" in ran.err


def test_what_breaks_shows_nothing(project: Project, tmp_path: Path) -> None:
    """An exception nobody thought of, told in short and as a traceback."""
    kinds = careless_kinds.install(tmp_path / "kinds")
    env = {"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"}
    project.state({"burst": {"burst": {"value": "{{ secrets.full }}"}}}, secrets=SECRETS)
    short = run(project, "apply", env=env)
    assert short.code == 1
    assert "RuntimeError" in short.out + short.err
    long = run(project, "apply", env={**env, "ENGINE_DEBUG": "1"})
    assert long.code == 1
    assert "RuntimeError: no way to use '<secret>' (<secret>)" in long.err + long.out
    assert "Traceback (most recent call last):" in long.err


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (
            {"file-sync": {"path": "/nowhere/x", "first_line": "{{ secrets.lines }}"}},
            "state.yaml:1:{}: file-sync `first_line`: the value holds a line break, so it cannot be one line",
        ),
        (
            {"file-sync": {"path": "/nowhere/x", "dotenv": {"TOKEN": "{{ secrets.lines }}"}}},
            "state.yaml:1:{}: file-sync `dotenv`: the value of TOKEN holds a line break, which Compose would not "
            "read back",
        ),
        (
            {"http-assert": {"url": "http://127.0.0.1:9", "bearer": "{{ secrets.lines }}"}},
            "state.yaml:1:{}: http-assert: bearer has a line break in it; a header is one line",
        ),
    ],
)
def test_a_line_break_is_refused_where_it_cannot_be(tmp_path: Path, resource: Any, message: str) -> None:
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path)
    project.write(".secrets/lines", LINES.value)
    project.state({"it": resource}, secrets={"lines": {"file": ".secrets/lines"}})
    ran = run(project, "apply", "-vv")
    assert ran.code == 3
    assert re.sub(r":\d+: ", ":{}: ", ran.err) == message + " [OT1118]\n"


@pytest.mark.docker
def test_a_service_that_tells_its_token_is_not_quoted(tmp_path: Path) -> None:
    """ComfyUI-Login prints the hash into the container's log; Compose warns with pieces of one in `.env`."""
    import bcrypt

    lacking = missing("v2")
    if lacking:
        pytest.skip(lacking)
    image.make(IMAGE)
    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
    canary = Canary(hashed)
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path)
    project.write(".secrets/token", hashed + "\n")
    service = tmp_path / f"engine-silence-{uuid.uuid4().hex[:8]}"
    service.mkdir()
    (service / ".env").write_text(f"TOKEN={hashed}\nBARE=x\n")
    says = "token = open('/w/PASSWORD').readline().strip(); print('For direct API calls, use token=' + token)"
    says += "; import base64; print(base64.b64encode(token.encode())); exit(3)"
    (service / "docker-compose.yml").write_text(
        f"services:\n  it:\n    image: {IMAGE}\n    network_mode: none\n    environment: {{ TOKEN: $TOKEN }}\n"
        f"    volumes: ['./:/w:ro']\n    command: {json.dumps([image.PYTHON, '-c', says])}\n"
    )
    project.state(
        {
            "password": {
                "file-sync": {"path": f"{service}/PASSWORD", "first_line": "{{ secrets.token }}", "mode": "0644"}
            },
            "it": {"compose-restart": {"project_dir": str(service), "service": "it"}, "timeout": 15},
        },
        secrets={"token": {"file": ".secrets/token", "format": "bcrypt"}},
    )
    try:
        # The container has it in its environment, for that is what the service wants.
        with Watch([canary], []) as watch:
            for words in (["-vv"], ["-vv", "--format", "json"], ["--format", "html"]):
                ran = project.run("apply", *words)
                assert ran.code == 1, ran.out + ran.err
                assert not shown([canary], ran.out)
                assert not shown([canary], ran.err)
                if words[-1] == "-vv":
                    assert "token=<secret>" in ran.out, ran.out
        assert not watch.found
        assert not in_files([canary], project.root, [project.root / ".secrets/token"])
        assert not in_files([canary], project.home, kept(project))
    finally:
        subprocess.run(["docker", "compose", "down", "-t", "0", "-v"], cwd=service, capture_output=True, check=False)


@pytest.mark.docker
@pytest.mark.parametrize("declared", ["rotated", "not at all"])
def test_the_log_of_a_container_is_not_quoted_with_its_hash(tmp_path: Path, declared: str) -> None:
    """ComfyUI-Login logs its hash at each start: after a rotation the old one is still there to be read, and without
    a secret in the state the live one is."""
    import bcrypt

    lacking = missing("v2")
    if lacking:
        pytest.skip(lacking)
    image.make(IMAGE)
    old, new = (bcrypt.hashpw(word, bcrypt.gensalt(4)).decode() for word in (b"old", b"new"))
    plain = "former-credential-of-17-parts"
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path)
    service = tmp_path / f"engine-silence-{uuid.uuid4().hex[:8]}"
    service.mkdir()
    (service / "PASSWORD").write_text(f"{old}\nartist\n")
    (service / "OTHER").write_text(f"{plain}\n")
    (service / "log").write_text(f"token={old}\nhash {old}!\nescaped {old.replace('$', '$$')}\nwas '{plain}'\n")
    says = json.dumps([image.PYTHON, "-c", "print(open('/w/log').read()); exit(3)"])
    (service / "docker-compose.yml").write_text(
        f"services:\n  it:\n    image: {IMAGE}\n    network_mode: none\n    volumes: ['./:/w:ro']\n"
        f"    command: {says}\n"
    )
    resources: dict[str, Any] = {
        "it": {"compose-restart": {"project_dir": str(service), "service": "it"}, "timeout": 15, "needs": []}
    }
    secrets: dict[str, Any] = {}
    if declared == "rotated":
        for name, value in (("PASSWORD", new), ("OTHER", "another-credential-of-18-parts")):
            project.write(f".secrets/{name}", value)
            secrets[name] = {"file": f".secrets/{name}"}
            put = {"path": f"{service}/{name}", "first_line": f"{{{{ secrets.{name} }}}}"}
            resources = {name: {"file-sync": put, "needs": []}, **resources}
    project.state(resources, secrets=secrets)
    try:
        ran = project.run("apply", "-y", "-vv")
        texts = [ran.out, ran.err]
        assert ran.code == 1, ran.out + ran.err
        assert "token=<secret>" in ran.out, ran.out
        assert "hash <secret>!" in ran.out, ran.out
        texts.append(project.run("engine", "show", project.runs()[0], state="").out)
        texts += [path.read_text() for path in (project.root / ".engine/runs").iterdir()]
        texts += [project.run("apply", "-y", "--format", format_).out for format_ in FORMATS]
        for text in texts:
            assert not shown([Canary(old), Canary(new)], text)
        if declared == "rotated":
            assert "was '<secret>'" in texts[0], texts[0]
            assert plain not in texts[0] + texts[1] + texts[2] + texts[3]
    finally:
        subprocess.run(["docker", "compose", "down", "-t", "0", "-v"], cwd=service, capture_output=True, check=False)


def test_what_looks_for_secrets_finds_them(tmp_path: Path) -> None:
    """The tests above prove something only if a leak would be seen."""
    encoded = base64.b64encode(f"user:{FULL.value}".encode()).decode()
    for text in (
        FULL.value,
        FULL.value[20:32],
        encoded,
        encoded[12:30],
        json.dumps([FULL.value]),
        FULL.value.encode().hex(),
    ):
        assert shown([FULL], f"before {text} after")
    assert not shown(ALL, "<secret>")
    (tmp_path / "dir").mkdir()
    with Watch([TOKEN], [FULL], [tmp_path / "dir"]) as watch:
        (tmp_path / "dir/leak").write_text(TOKEN.value)
        child = subprocess.Popen(["sh", "-c", "sleep 2; :", TOKEN.value], env={"KEY": FULL.value})
        child.wait()
    kinds = sorted(text.split()[0] for text in watch.found)
    assert {"arguments", "environment"} <= set(kinds), watch.found
    assert any("leak held" in text for text in watch.found)
