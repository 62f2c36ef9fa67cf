"""The demo, and the further states that come with the project, on real parts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

import demo.__main__ as demo
from demo import image
from demo.sandbox import free_port, run
from tests.integration.main_job import IMAGE, TOP, missing, sandbox

pytestmark = pytest.mark.docker

GATEWAY = """\
services:
  gateway:
    image: {image}
    command: ["{python}", "-m", "http.server", "8090"]
    working_dir: /srv
    stop_grace_period: 1s
    environment: ["COMFYUI_TOKEN=${{COMFYUI_TOKEN}}"]
    ports: ["127.0.0.1:{port}:8090"]
    volumes: ["./srv:/srv:ro"]
"""


def engine(command: str, state: Path, inventory: Path, *words: str) -> str:
    """What a command of the engine prints; it must end with 0."""
    argv = [
        str(Path(sys.executable).with_name(command)),
        str(state),
        "-i",
        str(inventory),
        "-C",
        str(inventory.parent),
    ]
    done = subprocess.run([*argv, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    if lacking := missing("v1"):
        pytest.skip(lacking)
    for name in ("states", "inventory.yaml"):
        (shutil.copytree if (TOP / name).is_dir() else shutil.copy)(TOP / name, tmp_path / name)
    monkeypatch.setattr(demo, "TOP", tmp_path)
    monkeypatch.setattr(demo, "TAG", f"engine-demo-{uuid.uuid4().hex[:8]}")
    try:
        assert demo.main(["up"]) == 0, capfd.readouterr()
        out, _ = capfd.readouterr()
    finally:
        assert demo.main(["down"]) == 0
    answers = [line.split()[-1] for line in out.splitlines() if line.startswith("  GET ")]
    assert answers == ["200", "200", "200", "401", "401", "200"]
    assert out.count("Plan: 1 to create, 1 to change, 1 to restart, 3 checks after apply") == 1
    assert out.count("Converged: 1 created, 2 changed, 1 restarted, 3 checks passed, 2 unchanged.") == 1
    assert out.count("Converged: 3 checks passed, 6 unchanged.") == 1
    assert not (tmp_path / ".demo").exists()
    assert run(["docker", "images", "-q", demo.TAG]) == ""
    assert run(["docker", "ps", "-aq", "--filter", f"name={demo.TAG}"]) == ""
    assert demo.main(["down"]) == 0


def test_several_nodes_and_one_restart(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        box.build("absent", "right", "before")
        nodes: dict[str, Any] = {
            "ComfyUI-Login": {"repo": str(box.repository), "revision": "main", "offers": "SaveImage"},
            "Second": {"repo": str(box.repository), "revision": box.commits[0], "offers": "EmptyImage"},
        }
        box.write_inventory(nodes=nodes, comfyui_dir=str(box.comfyui))
        state = TOP / "states" / "custom-nodes.yaml"
        started = box.started_at()
        assert "1 restarted" in engine("apply", state, box.inventory, "-y")
        assert started != box.started_at()
        assert (box.status(), box.status(token=box.token)) == (401, 200)
        started = box.started_at()
        assert "3 checks passed, 5 unchanged" in engine("apply", state, box.inventory, "-y")
        assert started == box.started_at()


def test_two_services_share_a_credential(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        box.build("right", "stale-user", "before")
        port, gateway = free_port(), box.root / f"{box.root.name}-gateway"
        (gateway / "srv").mkdir(parents=True)
        (gateway / "srv" / "health").write_text("fine\n")
        (gateway / "docker-compose.yml").write_text(GATEWAY.format(image=IMAGE, python=image.PYTHON, port=port))
        (gateway / ".env").write_text("# what the gateway reads\nCOMFYUI_TOKEN='old'\nLEVEL=info\n")
        try:
            run([*box.compose, "up", "-d"], cwd=gateway)
            before = container(gateway)
            box.write_inventory(gateway_dir=str(gateway), gateway_url=f"http://127.0.0.1:{port}")
            state = TOP / "states" / "shared-credential.yaml"
            engine("apply", state, box.inventory, "-y")
            assert (box.status(), box.status(token=box.token)) == (401, 200)
            assert (gateway / ".env").read_text() == (
                f"# what the gateway reads\nCOMFYUI_TOKEN='{box.token}'\nLEVEL=info\n"
            )
            after = container(gateway)
            assert after != before
            assert f"COMFYUI_TOKEN={box.token}" in run(["docker", "inspect", "-f", "{{json .Config.Env}}", after])
            engine("apply", state, box.inventory, "-y")
            assert container(gateway) == after
        finally:
            run([*box.compose, "down", "-t", "0"], cwd=gateway)


def test_who_gets_in(tmp_path: Path) -> None:
    """auth-regression.yaml: passes behind the login node, and fails where the door is open."""
    import bcrypt

    with sandbox(tmp_path) as box:
        box.token = bcrypt.hashpw(b"sesame-open", bcrypt.gensalt(10)).decode()
        box.build("right", "right", "current")
        password = box.root / "password"
        password.touch(mode=0o600)
        password.write_text("sesame-open\n")
        box.write_inventory(password_file=str(password), patience="10s")
        state = TOP / "states" / "auth-regression.yaml"
        planned = engine("plan", state, box.inventory)
        assert "refuses-post" in planned
        out = engine("apply", state, box.inventory, "-y")
        assert "Converged: 8 checks passed." in out
        assert box.token not in out
        # A node that cannot be loaded leaves the door open.
        (box.node / "__init__.py").write_text("raise ImportError\n")
        box.restart()
        words = [str(state), "-i", str(box.inventory), "-C", str(box.root), "-y"]
        called = [str(Path(sys.executable).with_name("apply")), *words]
        done = subprocess.run(called, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=180)
        assert done.returncode == 1
        said = " ".join(done.stdout.split())
        assert "refuses-strangers 401 got 200" in said
        assert "refuses-password 401 got 200" in said
        assert "sesame-open" not in done.stdout + done.stderr


def container(project: Path) -> str:
    """Id of the one container of a Compose project."""
    return run(["docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={project.name}"]).strip()
