"""What is read of the answers of package managers, under each shell: as they print them, recorded.

tests/integration/test_package.py runs the real ones, where Debian has them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.kinds import package
from engine.kit.shell import texts
from engine.model import Script
from tests.harness import SHELLS, script

sh = texts(package.__file__)

TRANSACTIONS = {
    "apt": (
        """\
        NOTE: This is only a simulation!
        Inst libcurl4 [7.74.0-1] (7.88.1-10+deb12u5 Debian:12.5/stable [amd64]) []
        Inst curl:i386 (1:7.88.1-10 Debian:12.5/stable [i386])
        Remv wget [1.21.3-1+b2]
        Conf curl (7.88.1-10 Debian:12.5/stable [amd64])
        """,
        "+ libcurl4 7.88.1-10+deb12u5\n+ curl:i386 1:7.88.1-10\n- wget",
    ),
    "apk": (
        """\
        ( 1/12) Installing brotli-libs (1.0.9-r14)
        ( 2/12) Upgrading busybox (1.35.0-r17 -> 1.35.0-r29)
        ( 3/12) Downgrading curl (8.5.0-r0 -> 8.0.0-r1)
        (12/12) Purging nghttp2-libs (1.51.0-r0)
        OK: 9 MiB in 19 packages
        """,
        "+ brotli-libs 1.0.9-r14\n+ busybox 1.35.0-r29\n+ curl 8.0.0-r1\n- nghttp2-libs",
    ),
    "pacman": (":: Synchronizing\n+ curl 8.5.0-1\n", "+ curl 8.5.0-1"),
    "dnf": (
        """\
        Last metadata expiration check: 0:00:02 ago on Sat Nov 28 12:42:31 2026.
        Dependencies resolved.
        ================================================================================
         Package                                            Arch    Version
                                                                           Repo    Size
        ================================================================================
        Installing:
         tool                                               noarch  2:2.0-1
                                                                           local  5.4 k
             replacing  older-tool.noarch 1.0-1
        Installing dependencies:
         libtool-with-a-very-long-name-indeed-for-wrapping-it
                                                            noarch  3.0-1  local  5.5 k
        Removing dependent packages:
         other                                              noarch  0:1.0-1 @local   0

        Transaction Summary
        ================================================================================
        Install  2 Packages
        """,
        "+ tool 2:2.0-1\n- older-tool\n+ libtool-with-a-very-long-name-indeed-for-wrapping-it 3.0-1\n- other",
    ),
}


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.mark.parametrize("manager", TRANSACTIONS)
def test_what_a_transaction_would_do(manager: str, shell: Sequence[str]) -> None:
    answer, lines = TRANSACTIONS[manager]
    text = sh("common.sh", f"{manager}.sh") + f"\nlines=$(printf '%s\\n' \"$answer\" | {manager}_lines)\n"
    facts = script(Script(f'{text}fact lines "$lines"\n', {"answer": textwrap.dedent(answer)}), shell).facts
    assert facts["lines"] == lines


def test_what_apk_says_is_installed(shell: Sequence[str], tmp_path: Path) -> None:
    """A name that another one begins with is another one."""
    answer = (
        "py3-pip-23.1-r0 x86_64 {py3-pip} (MIT) [installed]\npy3-pip-doc-23.1-r0 x86_64 {py3-pip} (MIT) [installed]"
    )
    text = 'apk() { printf "%s\\n" "$answer"; }\n' + sh("common.sh", "apk.sh") + '\nfound=$(apk_installed "$@")\n'
    result = script(Script(f'{text}fact found "$found"\n', {"answer": answer}, ("py3-pip", "curl")), shell)
    assert result.facts["found"] == "py3-pip 23.1-r0"
