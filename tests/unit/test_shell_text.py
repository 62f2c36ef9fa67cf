"""The constant shell text that every host has to run, as ShellCheck sees it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from engine.execute import hold, lock, prelude, upload, watch

PROGRAM = "\n".join(
    [
        "_engine_nonce=x _engine_steps=x _engine_who=x _engine_wait=1 p=x",
        *(prelude.SECTIONS, watch.PROCESSES, watch.WATCHDOG, prelude.RUN, hold.HOLD),
        "_engine_staged() { :; }",
        "_engine_sections() { :; }",
        prelude.START,
    ]
)
TEXTS = {
    "program": PROGRAM,
    "launcher": prelude.LAUNCHER,
    "stream launcher": prelude.STREAM_LAUNCHER,
    "upload": f"id=x largest=0\n{upload.STAGE}",
    "holder": lock.HOLDER,
    "unlock": lock.UNLOCK,
    "stop": f"pid=1 born=x\n{lock.STOP}",
}
ACCEPTED = {
    "SC1007": "`a= b=` makes two empty variables",
    "SC1010": "`done` is a word here",
    "SC2030": "a pipeline's last part is meant to keep its variables to itself",
    "SC2031": "a pipeline's last part is meant to keep its variables to itself",
    "SC2034": "variables are used by another text",
    "SC2046": "fields of ps and of /proc are to be split",
    "SC2086": "fields of ps and of /proc are to be split",
    "SC2016": "text that another shell expands",
    "SC2154": "variables come from another text",
    "SC2317": "functions are called from another text",
    "SC3044": "shopt is only called by bash",
}


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is missing")
@pytest.mark.parametrize("name", TEXTS)
def test_shellcheck(name: str) -> None:
    command = ["shellcheck", "-s", "sh", "-e", ",".join(ACCEPTED), "-"]
    done = subprocess.run(command, input=TEXTS[name], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_is_for_one_shell_only(name: str) -> None:
    for argv in (["dash"], ["bash", "--posix"], ["busybox", "sh"]):
        if shutil.which(argv[0]):
            done = subprocess.run([*argv, "-n"], input=TEXTS[name], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
