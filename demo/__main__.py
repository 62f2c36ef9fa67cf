"""The demo: `python -m demo up` builds a sandbox in .demo/ and runs the main job in it; `down` removes it all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from demo import image
from demo.sandbox import USER, Sandbox, run

TOP = Path(__file__).resolve().parents[1]
TAG = "onetrip-demo"
STATE = "states/qwen.yaml"
INVENTORY = ".demo/inventory.yaml"


class Failed(Exception):
    """The demo did not show what it is there to show."""


def sandbox() -> Sandbox:
    """As slow as it takes to see what happens: it ignores SIGTERM, and PASSWORD is read 2 seconds after the start."""
    client = ("docker", "compose")
    if subprocess.run([*client, "version"], capture_output=True).returncode:
        client = ("docker-compose",)
    environment = {"COMFYUI_DEVICE": "none (a stand-in)"}
    return Sandbox(TOP / ".demo", image=TAG, name=TAG, compose=client, environment=environment, grace=2)


def up() -> None:
    down(quiet=True)
    box = sandbox()
    say(
        "A sandbox in .demo/: a git repository for the login node, and a Compose service with a small stand-in for",
        f"ComfyUI on {box.url}. The node is not installed there, PASSWORD holds an old hash, and the user name",
        f"`{USER}` in line 2, which the state must leave alone.",
    )
    image.make(TAG)
    box.build(node="absent", password="stale-user", service="before")
    show_door(box, strangers=200, token=200)
    say("The door is open to everyone. What would have to change?")
    engine("plan", STATE, "-i", INVENTORY)
    say("Make it so.")
    engine("apply", STATE, "-i", INVENTORY, "-y")
    show_door(box, strangers=401, token=200)
    say("Nobody gets in without the token now. Once more: nothing is left to change.")
    before = (box.started_at(), box.password.stat().st_ino)
    engine("apply", STATE, "-i", INVENTORY, "-y")
    if before != (box.started_at(), box.password.stat().st_ino):
        raise Failed("the second apply restarted the service or wrote PASSWORD again")
    if box.password.read_text().splitlines()[1:] != [USER]:
        raise Failed("line 2 of PASSWORD was not left alone")
    say(
        f"The service was not restarted, PASSWORD was not written, and its line 2 is still `{USER}`.",
        "",
        "Go on with it:",
        f"  . .venv/bin/activate; plan {STATE} -i {INVENTORY}",
        f"  echo changed > {box.password.relative_to(TOP)}; plan {STATE} -i {INVENTORY}",
        "  make demo-down     removes the containers, the network, the image and .demo/",
    )


def down(quiet: bool = False) -> None:
    if not (TOP / ".demo").exists() and not run(["docker", "images", "-q", TAG]):
        if not quiet:
            say("There is no sandbox.")
        return
    sandbox().destroy()
    if not quiet:
        run(["docker", "rmi", "-f", TAG])
        say("The sandbox is gone: containers, network, image and .demo/.")


def show_door(box: Sandbox, *, strangers: int, token: int) -> None:
    """Print who gets in. Raises Failed where that is not as expected."""
    asked = (
        ("without a token", box.status(), strangers),
        ("with an empty ?token=", box.status("/system_stats?token="), strangers),
        ("with the token", box.status(token=box.token), token),
    )
    print()
    for how, found, expected in asked:
        print(f"  GET /system_stats {how:<22} {found}", flush=True)
        if found != expected:
            raise Failed(f"{how}: expected {expected}, got {found}; its log: docker logs {box.container()[:12]}")


def engine(command: str, *words: str) -> None:
    """Run a command of the engine as a user would. Raises Failed where it fails."""
    print(f"\n$ {command} {' '.join(words)}", flush=True)
    done = subprocess.run([str(Path(sys.executable).with_name(command)), *words], cwd=TOP)
    if done.returncode:
        raise Failed(f"{command} ended with exit code {done.returncode}")


def say(*lines: str) -> None:
    print("", *lines, sep="\n", flush=True)


def main(words: list[str]) -> int:
    try:
        if words == ["up"]:
            up()
        elif words == ["down"]:
            down()
        else:
            print("say what: python -m demo up, or python -m demo down", file=sys.stderr)
            return 3
    except (Failed, image.Unsuitable, TimeoutError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"\ndemo: {' '.join(map(str, error.cmd))} failed:\n{error.stdout}{error.stderr}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
