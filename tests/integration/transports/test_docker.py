"""What is particular to containers as hosts."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Unreachable
from engine.model import Host
from engine.transports import Options, connect
from tests.transports import run


def host(**variables: object) -> Host:
    return Host("web", vars={"ansible_connection": "docker", **variables})


def test_the_hosts_name_is_the_containers(container: str, options: Options) -> None:
    transport = connect(Host(container, vars={"ansible_connection": "docker"}), options)
    assert run(transport, "echo", "hello").stdout == b"hello\n"
    transport.close()


def test_as_a_user(container: str, options: Options) -> None:
    transport = connect(host(ansible_host=container, ansible_user="1234"), options)
    assert b"uid=1234" in run(transport, "id").stdout
    transport.close()


def test_no_such_container(options: Options) -> None:
    with pytest.raises(Unreachable, match=r"^web: the Docker engine at .* has no container `engine-none`") as caught:
        run(connect(host(ansible_host="engine-none"), options), "true")
    assert caught.value.exit_code == 4


def test_a_container_that_is_stopped(options: Options) -> None:
    from tests.engine_images import tiny

    name = f"engine-transports-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "create", "--name", name, tiny()], check=True, capture_output=True)
    try:
        with pytest.raises(Unreachable, match=f"^web: cannot exec in container `{name}`: .*not running"):
            run(connect(host(ansible_host=name), options), "true")
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def test_no_engine(options: Options, tmp_path: Path) -> None:
    transport = connect(host(ansible_docker_host=f"unix://{tmp_path}/none.sock"), options)
    with pytest.raises(Unreachable, match=r"^web: the Docker engine at unix:///.*none.sock does not answer"):
        run(transport, "true")


def test_an_engine_behind_ssh(options: Options) -> None:
    with pytest.raises(Unreachable, match="cannot be used directly"):
        run(connect(host(ansible_docker_host="ssh://somewhere"), options), "true")


# --- an engine behind TLS


class TlsFront:
    """Passes what comes over TLS on to the engine's socket; an end of input on one side is one on the other.
    What comes back is gathered for `delay` seconds, as a slow line does."""

    delay = 0.0

    def __init__(self, directory: Path) -> None:
        certificate, key = directory / "cert.pem", directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        (directory / "ca.pem").write_bytes(certificate.read_bytes())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, name="tls-front", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), name="tls-front", daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect("/var/run/docker.sock")
        with self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as client, engine:

            def inward() -> None:
                try:
                    while data := client.recv(65536):
                        engine.sendall(data)
                    engine.shutdown(socket.SHUT_WR)
                except OSError:
                    engine.close()

            reader = threading.Thread(target=inward, daemon=True)
            reader.start()
            try:
                while data := (time.sleep(self.delay), engine.recv(65536))[1]:
                    client.sendall(data)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def tls(tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsFront]:
    front = TlsFront(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://localhost:{front.port}")
    # requests would put these before the certificate authority of the engine.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    yield front
    front.close()


def test_over_tls(tls: TlsFront, container: str, options: Options) -> None:
    transport = connect(host(ansible_host=container), options)
    data = bytes(range(256)) * 8000
    ran = run(transport, "sh", "-c", "cat; echo end >&2; exit 3", stdin=[data])
    assert ran.stdout == data
    assert (ran.stderr, ran.status) == (b"end\n", 3)
    transport.close()


def test_output_that_comes_with_the_header_is_not_lost(tls: TlsFront, container: str, options: Options) -> None:
    """The reader of the engine's answer has then read it ahead."""
    transport = connect(host(ansible_host=container), options)
    run(transport, "true")
    tls.delay = 0.3
    for number in range(3):
        assert run(transport, "echo", str(number)).stdout == f"{number}\n".encode()
    transport.close()
