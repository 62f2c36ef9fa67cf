"""Each way to lose a bcrypt hash has its own diagnosis, and none shows the value."""

from __future__ import annotations

import subprocess

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.declare.secrets.bcrypt_format import doubts, fault

SALT, DIGEST = "N9qo8uLOickgx2ZMRZoMye", "IjZAgcfl7p92ldGxad68LJZdL17lhWy"
BODY = SALT + DIGEST
HASH = f"$2b$12${BODY}"

CASES = {
    "empty": ("", "it is empty"),
    "newline only": ("\n", "only white space"),
    "BOM only": ("\ufeff", "only white space"),
    "BOM": (f"\ufeff{HASH}", "byte-order mark (BOM)"),
    "CR": (f"{HASH}\r\n", "carriage return (CR)"),
    "space before": (f" {HASH}", "white space before it"),
    "space after": (f"{HASH} \n", "white space after it"),
    "padding": (f"\t{HASH} ", "white space before and after it"),
    "empty line before": (f"\n{HASH}\n", "empty lines before it"),
    "empty line after": (f"{HASH}\n\n", "empty lines after it"),
    "PASSWORD": (f"{HASH}\njesse", "two lines: a hash and something else, as ComfyUI-Login's PASSWORD"),
    "two hashes": (f"{HASH}\n{HASH}\n", "2 hashes, expected one"),
    "three lines": ("one\ntwo\nthree", "3 lines, expected one"),
    "raw password": ("correct horse", "looks like the password itself"),
    "raw password like a hash": ("b2secret", "looks like the password itself"),
    "only $ lost": (HASH[1:], "it starts with `2b$12$`, not `$2b$12$`"),
    "$2 lost": (HASH[2:], "it starts with `b$12$`, not `$2b$12$`"),
    "$2b lost": (HASH[3:], "it starts with `$12$`, not `$2b$12$`"),
    "2 lost": (f"$b$12${BODY}", "it starts with `$b$12$`, not `$2b$12$`"),
    "$2b$ lost": (HASH[4:], "it starts with `12$`, not `$2b$12$`"),
    "$2 and $1 lost": (f"b2${BODY}", "it starts with `b2$`, not `$2b$12$`"),
    "$1 lost": (f"$2b2${BODY}", "it starts with `$2b2$`, not `$2b$12$`"),
    "cost lost too": (f"b$10${BODY}", "not `$2b$10$`"),
    "all names lost": ("b2", "it starts with `b2` and has no `$`"),
    "all names lost, rest left": ("b2./JZAgcfl7", "it starts with `b2` and has no `$`"),
    "only the rest": (BODY, "only the 53 characters"),
    "third part lost": ("$2b$12", "what follows `$2b$12` is missing"),
    "third part cut": ("$2b$12./JZAgcfl7", "what follows `$2b$12` is missing"),
    "cut off": (HASH[:-2], "the last 2 characters of it are missing"),
    "too long": (f"{HASH}ab", "2 more characters after 60"),
    "wrong character": (f"$2b$12${BODY[:20]}-{BODY[21:]}", "character 28 is not valid"),
    "cost too low": (f"$2b$03${BODY}", "its cost is 3, bcrypt knows 4 to 31"),
    "cost too high": (f"$2b$32${BODY}", "its cost is 32, bcrypt knows 4 to 31"),
    "cost insane": (f"$2b$24${BODY}", "about 16 minutes"),
    "cost of one digit": (f"$2b$4${BODY}a", "its cost has 1 digits"),
    "version x": (f"$2x$12${BODY}", "`$2x$` is an old, faulty one"),
    "version missing": (f"$2$12${BODY}a", "`$2$` is an old, faulty one"),
    "quoted": (f"'{HASH}'", "it is in quotes"),
    "doubled": (HASH.replace("$", "$$"), "doubled, as Compose files need it"),
    "escaped": (HASH.replace("$", "\\$"), "has a backslash before it"),
    "URL": (HASH.replace("$", "%24"), "written as `%24`"),
    "dotenv": (f"TOKEN={HASH}", "a name and `=`"),
    "dotenv quoted": (f"TOKEN='{HASH}'", "a name and `=`"),
    "htpasswd": (f"jesse:{HASH}", "a user name and `:`"),
    "Bearer": (f"Bearer {HASH}", "`Bearer` comes before it"),
    "argon2": ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA", "an Argon2 hash"),
    "sha512": ("$6$salt$hash", "a SHA-512 crypt hash"),
    "sha256": ("$5$salt$hash", "a SHA-256 crypt hash"),
    "yescrypt": ("$y$j9T$salt$hash", "a scrypt or yescrypt hash"),
    "hex": ("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "a hexadecimal hash"),
    "LDAP": ("{SSHA}abcdef", "an LDAP hash"),
    "not ASCII": ("pässwörd", "looks like the password itself"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_has_its_own_diagnosis(case: str) -> None:
    text, message = CASES[case]
    found = fault(text)
    assert found is not None
    assert message in found.message
    assert_silent(text, found.message + found.fix)


def assert_silent(text: str, said: str) -> None:
    """Of what stands in the secret no 5 characters in a row may be told, but for the known parts of a hash."""
    for start in range(len(text) - 4):
        piece = text[start : start + 5]
        assert piece not in said or piece in f"{HASH[:7]} b$10$ $b$12$ $2b2$ Bearer argon2", (piece, said)


@pytest.mark.parametrize("text", [HASH, HASH + "\n", f"$2a$10${BODY}", f"$2y$04${BODY}", f"$2b$20${BODY}"])
def test_one_hash_is_fine(text: str) -> None:
    assert fault(text) is None


def test_what_bcrypt_makes_leaves_no_doubt() -> None:
    made = bcrypt.hashpw(b"x", bcrypt.gensalt(10)).decode()
    assert fault(made) is None
    assert doubts(made) == ()


def test_doubts() -> None:
    assert "low cost 4" in doubts(bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode())[0]
    assert "cannot be the output of bcrypt" in doubts(f"$2b$12${'a' * 53}")[0]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
@pytest.mark.parametrize("body", [BODY, "9" + BODY[1:], "NineOrMore/" + BODY[11:], "." + BODY[1:]])
def test_what_shells_really_make_of_a_hash(shell: str, body: str) -> None:
    for quoted in (f'"$2b$12${body}"', f"$2b$12${body}", f'"\\$2b$12\\${body}"', f'"$2b\\$12\\${body}"'):
        script = f"printf %s {quoted}"
        text = subprocess.run([*shell.split(), "-c", script], capture_output=True, check=True).stdout.decode()
        found = fault(text)
        assert found is not None
        assert "shell" in found.message + found.fix, (quoted, found)
        assert "single quotes" in found.fix


@settings(max_examples=500)
@given(text=st.text(st.sampled_from("$2bay./01Zé \n\r'\"=:\\%"), max_size=70) | st.text(max_size=70))
def test_any_text_gets_an_answer(text: str) -> None:
    found = fault(text)
    assert found is not None
    assert found.message
