"""A secret must vanish from a text, whatever wrote it there."""

from __future__ import annotations

import base64
import copy
import html
import json
import random
import re
import shlex
import subprocess
import time
import urllib.parse
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.declare.secrets.redact import SHOWN, Redactor
from engine.model import Outside, Secret, Sentence, joined, said
from engine.model.sentence import without_name

HASH = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
CANARY = "cän$ary'q\"b\\s%{br}\n{{x}} é€😀`w/+&<z"

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": json.dumps,
    "json, not ASCII": lambda v: json.dumps(v, ensure_ascii=False),
    "json in json": lambda v: json.dumps(json.dumps(v)),
    "json with escaped slashes": lambda v: json.dumps(v).replace("/", "\\/"),
    "json with escaped dollars": lambda v: json.dumps(v).replace("$", "\\u0024"),
    "url": urllib.parse.quote,
    "url, all of it": lambda v: urllib.parse.quote(v, safe=""),
    "url, lower case": lambda v: re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(v)),
    "url, plus": urllib.parse.quote_plus,
    "url, twice": lambda v: urllib.parse.quote(urllib.parse.quote(v)),
    "url, only dollars": lambda v: v.replace("$", "%24"),
    "shlex": shlex.quote,
    "shlex twice": lambda v: shlex.quote(shlex.quote(v)),
    "double quotes": lambda v: '"' + re.sub(r'([$`"\\])', r"\\\1", v) + '"',
    "double quotes in json": lambda v: json.dumps('"' + re.sub(r'([$`"\\])', r"\\\1", v) + '"'),
    "only dollars escaped": lambda v: v.replace("$", "\\$"),
    "Compose": lambda v: v.replace("$", "$$"),
    "doubled percent": lambda v: v.replace("%", "%%"),
    "doubled braces": lambda v: v.replace("{", "{{").replace("}", "}}"),
    "repr": repr,
    "ascii": ascii,
    "repr of repr": lambda v: repr(repr(v)),
    "repr of bytes": lambda v: repr(v.encode()),
    "html": html.escape,
    "CRLF": lambda v: v.replace("\n", "\r\n"),
    "hex": lambda v: v.encode().hex(),
    "HEX": lambda v: v.encode().hex().upper(),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64, url": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64, escaped": lambda v: urllib.parse.quote(base64.b64encode(v.encode()).decode(), safe=""),
    "yaml": lambda v: yaml.safe_dump(v, width=10**6, default_style="'"),
    "yaml, not ASCII": lambda v: yaml.safe_dump(v, width=10**6, allow_unicode=True, default_style='"'),
}


def redact(text: str, *values: str) -> str:
    return Redactor(Secret(value) for value in values).text(text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [HASH, CANARY, "p4ss'w\"rd", "it's", "a b c d", "ünïcödé", "x$y$z", "%25%25"])
def test_no_form_shows_a_secret(form: str, value: str) -> None:
    shown = redact(f"[[ {FORMS[form](value)} ]]", value)
    # Nothing but the quotes around it may be left, and the b of bytes.
    assert re.fullmatch(r"\[\[ b?[\\'\"\s]*<secret>[\\'\"\s]* \]\]", shown), shown


secrets = st.text(
    st.one_of(st.sampled_from("$'\"\\%{} \n/&+é€😀`"), st.sampled_from("abcXYZ0123456789_-.,:;=#!~^*()[]<>?@|")),
    min_size=4,
    max_size=40,
).filter(lambda value: sum(char.isalnum() for char in value) >= 3)


@settings(max_examples=400, deadline=None)
@given(value=secrets, before=st.text("ab'\"$\\= ", max_size=5), after=st.text("cd'\"$\\; ", max_size=5))
@example(value="a''''b\\\\\\c", before="'", after="'")
@example(value="\\\\n\\abcd", before="", after="n")
@example(value="$$$a$$$", before="", after="")
def test_every_form_of_any_secret_vanishes(value: str, before: str, after: str) -> None:
    redactor = Redactor([Secret(value)])
    for name, form in FORMS.items():
        written = form(value)
        if name.startswith("yaml") and yaml.safe_load(written) != value:
            continue
        shown = redactor.text(f"{before}[[{written}]]{after}")
        start, found, end = re.sub("<secret>(.*<secret>)?", "\0", shown, flags=re.S).partition("\0")
        left = start.partition("[[")[2] + end.rpartition("]]")[0]
        assert found, (name, written, shown)
        assert not re.search(r"[^\W_]{3}", left), (name, written, shown)
        assert value.strip() not in shown, (name, written, shown)


@settings(max_examples=200, deadline=None)
@given(value=st.text("ab$cdefgh1234", min_size=12, max_size=60), user=st.text("uv:", max_size=8))
def test_base64_of_a_text_around_the_secret(value: str, user: str) -> None:
    encoded = base64.b64encode(f"{user}:{value}\n".encode()).decode()
    kept = len(f"{user}:") * 8 // 6 + 1
    shown = redact(encoded, value)
    assert SHOWN in shown
    assert len(shown.replace(SHOWN, "")) <= kept + 5
    wrapped = base64.encodebytes(f"{user}:{value}\n".encode()).decode()
    assert len(redact(wrapped, value).replace(SHOWN, "").strip()) <= kept + 5


@pytest.mark.parametrize(
    "value", [HASH, CANARY.replace("\n", " "), "two\nlines of it", "-n \\t 'x' $y", "tab\there!"]
)
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_what_shells_print(value: str, shell: str) -> None:
    for script in ('set -x; : "$1"', 'printf "%s\\n" "$1"', "x=$1; export x; export -p; set", ': "${unset?$1}"'):
        done = subprocess.run(
            [*shell.split(), "-c", script, "sh", value], capture_output=True, env={"PATH": "/bin"}, check=False
        )
        shown = redact((done.stdout + done.stderr).decode("utf-8", "replace"), value)
        assert_gone(value, shown)


@pytest.mark.parametrize("value", [HASH, CANARY, "two\nlines of it", "a'b\"c d$e"])
def test_what_bash_and_coreutils_quote(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("names")
    name = value.replace("/", "_")
    (directory / name).touch()
    for locale in ("C", "C.UTF-8"):
        for argv in (
            [
                "bash",
                "-c",
                'printf "%q\\n" "$1"; declare -p 1 2>&1; x=$1; declare -p x; echo "${x@Q} ${x@E}"',
                "sh",
                name,
            ],
            ["ls", "--quoting-style=shell-escape", str(directory)],
            ["ls", "--quoting-style=c", str(directory)],
            ["ls", "--quoting-style=escape", str(directory)],
            ["ls", "--quoting-style=shell", str(directory / name) + ".missing"],
        ):
            done = subprocess.run(argv, capture_output=True, env={"PATH": "/bin", "LC_ALL": locale}, check=False)
            shown = redact((done.stdout + done.stderr).decode("utf-8", "replace"), name)
            assert_gone(name, shown)


def assert_gone(value: str, shown: str) -> None:
    for word in re.findall(r"[^\W_]{3,}", value):
        assert word not in shown, shown
    assert SHOWN in shown


def test_pieces_between_dollar_signs() -> None:
    piece = HASH.split("$")[-1]
    assert redact(f'The "{piece}" variable is not set.', HASH) == f'The "{SHOWN}" variable is not set.'
    # Compose takes a variable's name to end at the first dot or slash.
    cut = "$2b$12$NineOrMoreOfThem./JZAgcfl7p92ldGxad68LJZdL17lhWyIjZ."
    assert redact("NineOrMoreOfThem: unbound variable", cut) == f"{SHOWN}: unbound variable"
    assert redact("$2b$12./JZAgcfl7p92ldGxad68LJZdL17lhWyIjZ.", cut) == f"$2b$12{SHOWN}"
    assert redact(f"lost {piece[1:]}", HASH) == f"lost {SHOWN}"


def test_fragments() -> None:
    for length in range(12, len(HASH)):
        assert redact(f"... {HASH[-length:]}", HASH) == f"... {SHOWN}"
        assert redact(f"{HASH[:length]} ...", HASH) == f"{SHOWN} ..."
    encoded = base64.b64encode(HASH.encode()).decode()
    for start in range(len(encoded) - 12):
        assert SHOWN in redact(f"{encoded[start : start + 12]}!", HASH)


def test_lines_of_a_secret_of_several_lines() -> None:
    value = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n  indented line\nshort\n"
    text = "+MIIEvQIBADANBgkqhkiG\n- indented line\n short\n"
    assert redact(text, value) == f"+{SHOWN}\n- {SHOWN}\n short\n"
    assert redact(json.dumps(value), value) == f'"{SHOWN}"'


def test_a_long_secret_in_every_form() -> None:
    value = "".join(random.Random(1).choices([chr(code) for code in range(33, 127)], k=3001))  # noqa: S311
    for name, form in FORMS.items():
        shown = redact(form(value), value)
        left = shown.replace(SHOWN, "")
        assert len(left.strip("'\"b")) < 8, (name, left)


def test_short_secrets() -> None:
    assert redact("pin 401, 1401, 401x, x-401: '401'", "401") == f"pin {SHOWN}, 1401, 401x, x-{SHOWN}: '{SHOWN}'"
    assert redact("a+b a%2Bb", "a+b") == f"{SHOWN} {SHOWN}"
    assert redact("MQ== 31", "1") == "MQ== 31"
    assert redact("aab1c2dd b1c2", "b1c2") == f"aa{SHOWN}dd {SHOWN}"


def test_an_empty_secret_hides_nothing() -> None:
    assert redact("any text", "") == "any text"
    assert redact("any text") == "any text"


def test_white_space_is_no_secret() -> None:
    assert redact("a    b", "    ") == "a    b"


def test_white_space_around_a_secret() -> None:
    assert redact("password hunter22.", "  hunter22\n") == f"password {SHOWN}."


def test_digests_are_hidden_too() -> None:
    secret = Secret(HASH)
    for known in (secret, Secret.seen(secret.digest)):
        redactor = Redactor([known])
        assert redactor.text(f"sha256 {secret.digest} {secret.digest.upper()}") == f"sha256 {SHOWN} {SHOWN}"


def test_neighbours_are_left_alone() -> None:
    assert redact(f"a '{HASH}' b", HASH) == f"a '{SHOWN}' b"
    assert redact(f'{{"token": "{HASH}", "n": 1}}', HASH) == f'{{"token": "{SHOWN}", "n": 1}}'
    assert redact(f"{HASH}{HASH}", HASH) == SHOWN
    text = "secret:7c93bd $2b$12$ /home/jesse $HOME {{ workspace }} %d 'x' \\n ════════════ 100%"
    assert redact(text, HASH, CANARY) == text


def test_several_secrets_and_overlaps() -> None:
    assert redact("abcdefgh-12345678", "abcdefgh", "12345678") == f"{SHOWN}-{SHOWN}"
    assert redact("password1234", "password", "word1234") == SHOWN
    assert redact("the secret is secret-x", "secret", "secret-x") == f"the {SHOWN} is {SHOWN}"


def test_no_match_is_longer_than_its_width() -> None:
    for value in (HASH, CANARY, "%%%%abcd", "''\"\"x", "😀é" * 5 + "abc"):
        redactor = Redactor([Secret(value)])
        for form in redactor._forms:
            assert re._parser.parse(form.source).getwidth()[1] <= form.width, form.source  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    ["plain words and 'quotes' of output\n" * 30_000, "\\" * 1_000_000, "'\"" * 500_000, "$" * 1_000_000,
     "%25" * 300_000, "?" * 1_000_000, "2b" * 500_000, "\\303\\251" * 120_000],
)  # fmt: skip
def test_a_megabyte_takes_no_time(text: str) -> None:
    redactor = Redactor(
        Secret(value) for value in (HASH, CANARY, "''''''''''x\\\\\\\\\\y", "éééééééééé1", "%25%25%2525x")
    )
    redactor.text(HASH)
    start = time.process_time()
    redactor.text(text + HASH)
    assert time.process_time() - start < 3


def test_many_short_texts_take_no_time() -> None:
    redactor = Redactor(Secret(value) for value in (HASH, "some pass word", "hunter22x"))
    texts = ["login-node", "revision", "3f2c91a → 6910925", "", "/home/jesse/SD/workspace/comfyui-qwen/ComfyUI"]
    start = time.process_time()
    for _ in range(20_000):
        for text in texts:
            redactor.text(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        "2}ab2a%}a}}02%2%22%0b52b2a}5002b}020{0{%}b{00}{b0a}5a2b{0b{%bb%}20%}%%%%50",
        '\'"$a0"\\b' * 8,
        "é😀?é\\e9a" * 8,
        "a \n\\nb\t'n" * 8,
        "&amp;#39;<a>" * 6,
    ],
)
def test_nearly_a_secret_takes_no_time_either(value: str) -> None:
    redactor = Redactor([Secret(value)])
    start = time.process_time()
    for form in FORMS.values():
        written = form(value)
        redactor.text((written[:-1] + "!") * 20 + (written[: len(written) // 2] + "?") * 20)
        redactor.text((form(written[:-1]) + "!") * 5)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "text",
    [HASH, HASH.replace("$", "$$"), HASH.replace("$", "\\$"), urllib.parse.quote(HASH),
     urllib.parse.quote(HASH, safe=""), json.dumps(HASH).replace("$", "\\u0024"), HASH.replace("$", "&#36;"),
     HASH.replace("$2b", "$2y"), HASH.replace("$2b", "$2a"), HASH[:40]],
)  # fmt: skip
def test_a_hash_is_known_by_its_shape(text: str) -> None:
    for hide in (Redactor(()).text, Redactor(()).sentence):
        shown = hide(f"the hash is {text}, said the log")
        assert_gone(HASH, shown)
        assert re.fullmatch(rf"the hash is \"?{SHOWN}\"?, said the log", shown)


def test_a_token_is_known_by_its_name() -> None:
    redactor = Redactor(())
    assert redactor.text("GET /x?token=abc&page=2 HTTP/1.1") == f"GET /x?token={SHOWN}&page=2 HTTP/1.1"
    assert redactor.text("use API_TOKEN='a b' or password=x, api-key=y") == (
        f"use API_TOKEN='{SHOWN} b' or password={SHOWN}, api-key={SHOWN}"
    )
    for text in ("token= ", "tokens=3", "line 1 token=secret:7c93bd", "max_tokens: 3", f"token={SHOWN}"):
        assert redactor.text(text) == text
    assert redactor.sentence("apply -e token=abc") == "apply -e token=abc"


@pytest.mark.parametrize(
    "text",
    ["was {}", "was {}.", "HASH={}", "'{}'", '{{"key": "{}"}}', "key: {}", "a\n{}\r\nb", "x=(old:{})", "+ : '{}'"],
)
def test_what_a_probe_found_is_known_by_its_digest(text: str) -> None:
    for value in ("former-credential", "x9", "a pass phrase=of: four"):
        if " " in value and not text.endswith("{}"):
            continue
        redactor = Redactor([Secret.seen(Secret(value).digest)])
        shown = redactor.text(text.format(value))
        assert value not in shown, shown
        assert SHOWN in shown
        assert redactor.text(text.format("something-else")) == text.format("something-else")


def test_a_common_word_is_left_in_sentences_and_hidden_in_what_came_from_outside() -> None:
    redactor = Redactor([Secret("postgres"), Secret("1"), Secret("p4ssw0rd!")], ["web-postgres"])
    host = Outside("FATAL: postgres 1 p4ssw0rd!")
    sentence = Sentence("web-postgres: 1 check failed: ", host, "; use postgres, not p4ssw0rd!")
    assert redactor.sentence(sentence) == (
        f"web-postgres: 1 check failed: FATAL: {SHOWN} {SHOWN} {SHOWN}; use postgres, not {SHOWN}"
    )
    assert redactor.sentence(Outside("postgres")) == SHOWN
    assert redactor.sentence("postgres 1 p4ssw0rd!") == f"postgres 1 {SHOWN}"
    assert redactor.named == (Secret("postgres"),)


@pytest.mark.parametrize("value", ["hunter2", "Tr0ub4dor", "aBcDeF", "/srv/postgres/x", "http://me:ok@x/", "a" * 24])
def test_what_no_sentence_would_say_is_hidden_in_all(value: str) -> None:
    assert Redactor([Secret(value)]).sentence(f"see {value} there") == f"see {SHOWN} there"


def test_a_secret_that_is_part_of_a_name_stays_in_sentences() -> None:
    redactor = Redactor([Secret("db-7Fx"), Secret("other-9Q")], ["gpu-db-7Fx.lan", "settings"])
    assert redactor.named == (Secret("db-7Fx"),)
    assert redactor.sentence("gpu-db-7Fx.lan: other-9Q") == f"gpu-db-7Fx.lan: {SHOWN}"
    assert redactor.text("db-7Fx") == SHOWN


def test_sentences_keep_their_parts() -> None:
    inner = Sentence("a ", Outside("b\nc"), " d")
    whole = Sentence("x ", inner, Outside("e"))
    assert whole == "x a b\nc de"
    assert [type(part) for part in whole.parts] == [str, str, Outside, str, Outside]
    named = without_name("h", ValueError(Sentence("h: lost: ", Outside("h: e"))))
    assert named == "lost: h: e"
    assert isinstance(named.parts[1], Outside)  # type: ignore[attr-defined]
    assert said(ValueError(whole)) is whole
    assert said(KeyError("x")) == "'x'"
    assert joined("\n", [inner, Outside("f")]) == "a b\nc d\nf"
    assert copy.deepcopy(whole).parts == whole.parts
