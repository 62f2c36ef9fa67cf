"""known_hosts files taken apart; whatever stands in one, reading it does not fail."""

from __future__ import annotations

import base64
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transports.ssh.known_hosts import add, glob, hash_name, host_name, matching, parse_line, read

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()


@pytest.mark.parametrize(
    ("hostname", "port", "alias", "expected"),
    [
        ("GPU1.lan", 22, None, "gpu1.lan"),
        ("GPU1.lan", 2222, None, "[gpu1.lan]:2222"),
        ("::1", 22, None, "::1"),
        ("::1", 23, None, "[::1]:23"),
        ("gpu1.lan", 2222, "Other", "other"),
    ],
)
def test_names(hostname: str, port: int, alias: str | None, expected: str) -> None:
    assert host_name(hostname, port, alias) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("gpu*", "gpu1", True), ("gpu*", "gpu", True), ("gpu?", "gpu12", False), ("*", "[h]:22", True),
        ("[h]:*", "[h]:22", True), ("[h]", "h", False), ("g.u", "gpu", False), ("*\n*", "a\nb", True),
        ("a", "a\n", False), ("*", "", True), ("?", "", False), ("**", "x", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert glob(pattern, name) is expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_line(text: str) -> None:
    entry = parse_line(Path("f"), 1, text)
    assert entry is None or entry.type


@given(st.binary())
def test_any_file(data: bytes) -> None:
    entry = parse_line(Path("f"), 1, data.decode("utf-8", "surrogateescape"))
    if entry is not None:
        matching([entry], "gpu1")


@given(st.text(alphabet="|1abc=!*?,[]:+/ ", max_size=40))
def test_any_pattern(pattern: str) -> None:
    entry = parse_line(Path("f"), 1, f"{pattern} {KEY}")
    if entry is not None:
        matching([entry], "a")


def test_lines_are_counted_as_editors_do(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"# one\n\nx\x0cy {KEY}\r\nb {KEY}\n")
    assert [(entry.patterns, entry.where) for entry in read([file])][-1] == ("b", f"{file}:4")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert read([tmp_path / "missing", tmp_path]) == []


def test_a_hashed_name_is_found_by_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{hash_name('gpu1.lan')} {KEY}\n")
    found = subprocess.run(["ssh-keygen", "-F", "gpu1.lan", "-f", str(file)], capture_output=True, check=False)
    assert found.returncode == 0


def test_a_name_hashed_by_ssh_keygen_is_found(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"gpu1.lan {KEY}\n[gpu2.lan]:77 {KEY}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], capture_output=True, check=True)
    entries = read([file])
    assert "gpu" not in file.read_text()
    assert [entry.line for entry in matching(entries, "gpu1.lan")] == [1]
    assert [entry.line for entry in matching(entries, "[gpu2.lan]:77")] == [2]
    assert matching(entries, "gpu3.lan") == []


def test_added_by_many_at_once(tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    blob = base64.b64decode(KEY.split()[1])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(file, f"h{number}", "ssh-ed25519", blob, False), range(50)))
    assert sorted(file.read_text().splitlines()) == sorted(f"h{number} {KEY}" for number in range(50))
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
