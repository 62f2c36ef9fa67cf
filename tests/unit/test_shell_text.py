"""The constant shell text that every host has to run, as ShellCheck sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import pytest

from engine.model import BatchedProbe, Script
from engine.program import bootstrap, lock, upload
from engine.program.compose import compose
from engine.program.section import Lock, Section

PROGRAM = "\n".join(
    [
        "_engine_nonce=x _engine_steps=x _engine_who=x _engine_wait=1 _engine_lock_id=x p=x",
        *(bootstrap.SECTIONS, bootstrap.PROCESSES, bootstrap.WATCHDOG, bootstrap.RUN, bootstrap.LOCK),
        "_engine_staged() { :; }",
        "_engine_sections() { :; }",
        bootstrap.START,
    ]
)
TEXTS = {
    "program": PROGRAM,
    "launcher": bootstrap.LAUNCHER,
    "stream launcher": bootstrap.STREAM_LAUNCHER,
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


def test_no_function_of_a_program_takes_the_place_of_another() -> None:
    shared = {"seen": BatchedProbe(":", args=("/x",)), "held": Script("echo")}
    sections = [
        Section("a", Script(":"), step=True, become="carol"),
        Section("b", Script(":"), step=True),
        Section("c", Script(":", shared=shared)),
    ]
    program = compose(sections, lock=Lock("me", 1)).text.decode()
    names = Counter(re.findall(r"^(_?[a-z][a-z0-9_]*)\(\) *[{(]", program, re.MULTILINE))
    twice = {name for name, times in names.items() if times > 1}
    # Each of these does nothing until a lock, or the looks, give it something to do.
    assert twice <= {"_engine_prepare", "_engine_finish", "sha256"}
    assert names["_engine_look"] == 1
