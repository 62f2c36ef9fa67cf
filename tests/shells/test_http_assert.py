"""http-assert against a real server, with real curl, under every shell."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.kinds.http_assert import HttpAssert
from engine.model import Host, HostPath, Phase, Secret
from engine.program.compose import compose, run
from engine.program.parser import Finished, Result
from engine.program.section import Section
from engine.transports import Options, connect
from tests.web import Reset, Silence, Web, answer, web

SHELLS = {"dash": ("dash",), "bash": ("bash",), "posix": ("bash", "--posix"), "busybox": ("busybox", "sh")}
CANARY = "$2b$10$\"q'uo\\te%s{}é`x`"


@pytest.fixture(params=SHELLS.values(), ids=SHELLS.keys())
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as served:
        yield served


def ask(check: HttpAssert, shell: tuple[str, ...], phase: Phase = "verify", timeout: float = 10) -> Result:
    """Run the probe as the engine does, and hand back what it reported."""
    transport = connect(Host("here", (), {"ansible_connection": "local"}), Options(Path.cwd()))
    program = compose([Section("check", check.probe(), timeout=timeout, phase=phase)], shell=shell)
    try:
        ended = [event.result for event in run(transport, program) if isinstance(event, Finished)]
    finally:
        transport.close()
    assert len(ended) == 1
    assert not ended[0].timed_out
    return ended[0]


def differing(check: HttpAssert, result: Result) -> dict[str, Any]:
    """attribute → found, of those that are not as expected."""
    assert result.status == 0, result.output
    actual, desired = check.actual(result.facts), check.desired(result.facts)
    return {name: actual[name] for name in desired if actual[name] != desired[name]}


def test_what_is_sent_arrives_as_it_was_declared(server: Web, shell: tuple[str, ...]) -> None:
    check = HttpAssert(
        url=f"{server.url}/a b/../c?x=1",
        method="POST",
        headers={"X-Odd": "a \"b\" \\c\t'd'", "X-Empty": ""},
        query={"token": Secret("$2b$&=+ é\n")},
        bearer=Secret(CANARY),
        body=Secret('line one\n"two" $HOME `id` \\n %s é\n\n'),
    )
    result = ask(check, shell)
    assert differing(check, result) == {}
    (request,) = server.requests
    assert request.method == "POST"
    assert request.target == "/a%20b/../c?x=1&token=%242b%24%26%3D%2B+%C3%A9%0A"
    assert request.headers["authorization"] == f"Bearer {CANARY}"
    assert request.headers["x-odd"] == "a \"b\" \\c\t'd'"
    assert request.headers["x-empty"] == ""
    assert request.body.decode() == 'line one\n"two" $HOME `id` \\n %s é\n\n'


@pytest.mark.parametrize("first", [Reset(), Silence(), answer(502), answer(503), answer(504)], ids=str)
def test_not_yet_is_asked_again(server: Web, shell: tuple[str, ...], first: Any) -> None:
    server.says(first, first, answer(200, '{"a": 1}'))
    check = HttpAssert(url=server.url, json={"a": 1})
    result = ask(check, shell)
    assert differing(check, result) == {}
    assert len(server.requests) == 3
    assert "not_yet" not in result.facts


def test_a_server_that_starts_late(shell: tuple[str, ...], tmp_path: Path) -> None:
    with web() as served:
        port = served.port
    command = ["sh", "-c", f"sleep 0.6; exec {sys.executable} -m http.server -b 127.0.0.1 {port}"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as late:
        check = HttpAssert(url=f"http://127.0.0.1:{port}/")
        assert differing(check, ask(check, shell)) == {}
        late.kill()


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_any_other_status_is_final(server: Web, shell: tuple[str, ...], status: int) -> None:
    server.says(answer(status), answer(204))
    check = HttpAssert(url=server.url, status=204)
    assert differing(check, ask(check, shell)) == {"status": status}
    assert len(server.requests) == 1


def test_a_status_that_is_expected_is_final(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(503), answer(200))
    check = HttpAssert(url=server.url, status=[204, 503])
    assert differing(check, ask(check, shell)) == {}


def test_the_deadline(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(503))
    check = HttpAssert(url=server.url)
    started = time.monotonic()
    result = ask(check, shell, timeout=3)
    assert 1 <= time.monotonic() - started < 3
    assert differing(check, result) == {"status": 503}
    assert result.facts["not_yet"] == "yes"
    assert len(server.requests) > 2


def test_a_server_that_hangs_does_not_outlast_the_deadline(server: Web, shell: tuple[str, ...]) -> None:
    server.says(Silence(8))
    check = HttpAssert(url=server.url)
    started = time.monotonic()
    assert differing(check, ask(check, shell, timeout=3)) == {"status": "no answer: no answer in time"}
    assert time.monotonic() - started < 3.5


def test_an_answer_that_breaks_off(server: Web, shell: tuple[str, ...]) -> None:
    cut = answer(200, '{"a": 1}').replace(b"Content-Length: 8", b"Content-Length: 80")
    server.says(cut)
    check = HttpAssert(url=server.url, json={"a": 1})
    (said,) = differing(check, ask(check, shell, timeout=2)).values()
    assert said.startswith("200, but ")
    assert len(server.requests) > 1


def test_a_plan_asks_once_and_only_reads(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(503), answer(200))
    check = HttpAssert(url=server.url)
    result = ask(check, shell, "plan")
    assert differing(check, result) == {"status": 503}
    assert result.facts["not_yet"] == "yes"
    assert len(server.requests) == 1
    posting = HttpAssert(url=server.url, method="POST")
    result = ask(posting, shell, "plan")
    assert result.facts == {"asked": "no", "not_yet": "yes"}
    assert len(server.requests) == 1


def test_a_plan_does_not_wait_long(server: Web, shell: tuple[str, ...]) -> None:
    server.says(Silence(4))
    started = time.monotonic()
    check = HttpAssert(url=server.url, answer_within=1)
    assert differing(check, ask(check, shell, "plan", 60)) == {"status": "no answer: no answer in time"}
    assert time.monotonic() - started < 3


def test_redirects(server: Web, shell: tuple[str, ...]) -> None:
    there = answer(302, "", "Location: /login", "X-First: yes")
    server.says(there)
    check = HttpAssert(url=server.url, headers={"Accept": "text/html"})
    assert differing(check, ask(check, shell)) == {"status": "302 to /login"}
    assert differing(HttpAssert(url=server.url, status=302), ask(HttpAssert(url=server.url, status=302), shell)) == {}
    server.says(there, answer(200, "in"))
    check = HttpAssert(url=server.url, follow=True, text="in", response_headers={"X-First": {"exists": False}})
    assert differing(check, ask(check, shell)) == {}
    assert [request.target for request in server.requests] == ["/", "/login"]
    server.says(there, answer(503), there, answer(200, "in"))
    assert differing(check, ask(check, shell)) == {}


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"5\r\n{\"a\":\r\n3\r\n 1}\r\n0\r\n\r\n"
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (CHUNKED, {"json": {"a": 1}}),
        (answer(200, '{"a": 1}', length=False), {"json": {"a": 1}}),
        (
            b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + answer(200, "x"),
            {"response_headers": {"Link": {"exists": False}}},
        ),
        (answer(200, b"Gr\xfc\xdfe", kind="text/plain; charset=latin-1"), {"text": "Grüße"}),
        (answer(200, b"a\0b\xff", kind="image/png"), {"text": "ab\ufffd"}),
        (answer(200, "\n\nx\n\n\n"), {"text": "\n\nx\n\n"}),
        (answer(200, "\n\x1eHTTP/1.1 500 No\r\n\r\n\n7"), {"text": {"contains": "500 No"}}),
        (answer(204), {"status": 204, "text": ""}),
    ],
    ids=["chunked", "until the end", "103", "latin-1", "binary", "line breaks", "forged", "204"],
)
def test_bodies(server: Web, shell: tuple[str, ...], said: bytes, expected: dict[str, Any]) -> None:
    server.says(said)
    check = HttpAssert(url=server.url, **expected)
    assert differing(check, ask(check, shell)) == {}


def test_no_json_is_told(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(200, "<h1>Welcome</h1>", kind="text/html"))
    check = HttpAssert(url=server.url, json={"a": 1})
    assert differing(check, ask(check, shell)) == {"json": "the body is not JSON (text/html): <h1>Welcome</h1>"}


def test_a_large_body(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(200, '{"big": "' + "x" * 700_000 + '", "last": 1}\n'))
    check = HttpAssert(url=server.url, json={"length(big)": 700_000, "last": 1})
    assert differing(check, ask(check, shell)) == {}


def test_a_body_that_is_too_large(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(200, b"[" + b" " * 3_000_000 + b"]"))
    check = HttpAssert(url=server.url, json={"a": 1})
    assert differing(check, ask(check, shell)) == {"json": "the body is larger than 2 MiB"}
    unread = HttpAssert(url=server.url)
    result = ask(unread, shell)
    assert differing(unread, result) == {}
    assert len(result.facts["answer"]) < 3000


def test_head(server: Web, shell: tuple[str, ...]) -> None:
    server.says(answer(200, "", "X-A: b"))
    check = HttpAssert(url=server.url, method="HEAD", response_headers={"X-A": "b"}, text="")
    assert differing(check, ask(check, shell, "plan")) == {}
    assert server.requests[0].method == "HEAD"


def test_a_large_body_is_sent(server: Web, shell: tuple[str, ...]) -> None:
    body = {"text": "é\n" * 100_000}
    check = HttpAssert(url=server.url, method="PUT", body=body)
    assert differing(check, ask(check, shell)) == {}
    (request,) = server.requests
    assert request.headers["content-type"] == "application/json"
    assert len(request.body) == 400_000 + len('{"text": ""}')


def test_what_cannot_be_asked(shell: tuple[str, ...]) -> None:
    check = HttpAssert(url="http://no-such-name.invalid/")
    started = time.monotonic()
    result = ask(check, shell)
    assert differing(check, result) == {"status": "no answer: the name of the server is not known"}
    assert time.monotonic() - started < 5
    assert "not_yet" not in result.facts


def test_not_http(shell: tuple[str, ...], server: Web) -> None:
    server.says(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    check = HttpAssert(url=server.url)
    (said,) = differing(check, ask(check, shell, timeout=2)).values()
    assert said.startswith("no answer: ")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "it's a certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([*command, *more], check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def test_tls(shell: tuple[str, ...], certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("HOME", str(certificate.parent))
    with web(tls=context) as server:
        check = HttpAssert(url=server.url)
        result = ask(check, shell)
        assert differing(check, result) == {"status": "no answer: the server's certificate is not trusted"}
        assert "not_yet" not in result.facts
        for check in (
            HttpAssert(url=server.url, insecure=True),
            HttpAssert(url=server.url, ca=HostPath(certificate)),
            HttpAssert(url=server.url, ca=HostPath(f"~/{certificate.name}")),
        ):
            assert differing(check, ask(check, shell)) == {}


def test_without_curl(tmp_path: Path, shell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (Path(folder) / name for folder in ("/usr/bin", "/bin") for name in ("sh", *SHELLS, "cat", "sleep")):
        if path.exists() and not (tmp_path / path.name).exists():
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = ask(HttpAssert(url="http://127.0.0.1/"), shell)
    assert result.status == 1
    assert "curl is not installed on this host" in result.output


def test_no_proxy_and_no_curlrc(
    server: Web, shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".curlrc").write_text('user-agent = "mine"\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    check = HttpAssert(url=server.url)
    assert differing(check, ask(check, shell)) == {}
    assert server.requests[0].headers["user-agent"].startswith("curl/")


def test_a_credential_shows_in_no_process_list_and_no_file(
    server: Web, shell: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    server.says(Silence(1.5))
    check = HttpAssert(url=server.url, bearer=Secret("canary-of-http"), query={"t": Secret("canary-of-http")})
    lists: list[str] = []

    def watch() -> None:
        for _ in range(20):
            lists.append(subprocess.run(["ps", "axeww"], capture_output=True, text=True).stdout)
            lists.extend(str(path) for path in tmp_path.rglob("*"))
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    result = ask(check, shell, timeout=3)
    thread.join()
    assert any("curl -q --noproxy" in text for text in lists)
    assert not any("canary-of-http" in text for text in lists)
    assert list(tmp_path.iterdir()) == []
    assert "canary-of-http" not in result.output + str(result.facts)


def test_a_body_from_a_file_is_sent_as_it_is(server: Web, shell: tuple[str, ...], tmp_path: Path) -> None:
    content = b"{{ not.rendered }} {% if %} \xff\r\n'\"$HOME`id`\\n\n\n"
    (tmp_path / "body").write_bytes(content)
    (tmp_path / "inventory.yaml").write_text("all: { hosts: { here: {} } }\n")
    state = tmp_path / "state.yaml"
    parameters = f'{{ url: "{server.url}", method: POST, body_file: body, status: 200 }}'
    state.write_text(f"hosts: all\nresources:\n  it: {{ http-assert: {parameters} }}\n")
    found = load([state], project=tmp_path, inventory=Inventory.load(None, tmp_path), extra={}, limit=None)
    check = found.hosts[0].resources[0].resource
    assert isinstance(check, HttpAssert)
    assert differing(check, ask(check, shell)) == {}
    assert server.requests[-1].body == content
    assert tmp_path / "body" in found.sources
