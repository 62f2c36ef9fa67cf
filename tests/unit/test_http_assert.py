"""http-assert without a shell: the request that is written, the answer that is read, what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.bounds import BODY
from engine.errors import InvalidParameter
from engine.kinds.http_assert import HttpAssert
from engine.model import Secret, Unknown

URL = "http://127.0.0.1:8188/system_stats"
STATS = (
    '{"system": {"comfyui_version": "0.3.64", "ram_total": 67324084224}, "devices": [{"name": "A"}, {"name": "B"}]}'
)


def config(**parameters: Any) -> str:
    value = HttpAssert(**{"url": URL, **parameters}).probe().vars["config"]
    return value.reveal() if isinstance(value, Secret) else str(value)


def facts(body: str = "", status: int | None = 200, *headers: str, code: int = 0, said: str = "") -> dict[str, str]:
    """As the probe reports them."""
    head = "\r\n".join([f"HTTP/1.1 {status} Whatever", *headers, "", ""]) if status else ""
    return {"asked": "yes", "answer": f"{body}\n\x1e{head}{said}\n{code}"}


def differing(check: HttpAssert, found: dict[str, str]) -> dict[str, Any]:
    """attribute → (found, wanted), of those that differ."""
    actual, desired = check.actual(found), check.desired(found)
    assert list(actual) == list(desired)
    return {name: (actual[name], desired[name]) for name in desired if actual[name] != desired[name]}


def test_the_request_is_configuration_for_curl() -> None:
    assert config().split("\n") == ["globoff", "path-as-is", f'url = "{URL}"']
    written = config(
        method="PUT", headers={"X-One": 'a "b" \\c', "X-None": ""}, body={"a": [1, "é"]}, follow=True, insecure=True
    )
    assert written.split("\n")[3:] == [
        'request = "PUT"',
        'header = "X-One: a \\"b\\" \\\\c"',
        'header = "X-None;"',
        'header = "Content-Type: application/json"',
        'data-binary = "@/dev/fd/5"',
        "location",
        "max-redirs = 10",
        "insecure",
    ]
    assert HttpAssert(url=URL, method="PUT", body={"a": [1, "é"]}).probe().vars["body"] == '{"a": [1, "é"]}'


def test_the_address_is_encoded() -> None:
    assert '"http://h/a%20b?x=1&name=a+b%26%3D&empty="' in config(
        url="http://h/a b?x=1#part", query={"name": "a b&=", "empty": ""}
    )
    assert '"http://h/%C3%A9?token=%242b%24"' in config(url="http://h/é", query={"token": Secret("$2b$")})


def test_a_method_without_a_body() -> None:
    assert "head" in config(method="HEAD").split("\n")
    assert 'request = "DELETE"' in config(method="DELETE")
    assert "data-binary" not in config(method="DELETE")
    assert 'data-binary = "@/dev/fd/5"' in config(method="POST")


@pytest.mark.parametrize(
    "parameters",
    [{"bearer": Secret("s3cret")}, {"query": {"t": Secret("s3cret")}}, {"headers": {"X": Secret("s3cret")}}],
)
def test_a_request_with_a_secret_is_one(parameters: dict[str, Any]) -> None:
    written = HttpAssert(url=URL, **parameters).probe().vars
    assert isinstance(written["config"], Secret)
    assert "s3cret" in written["config"].reveal()


@pytest.mark.parametrize("body", [Secret("s3cret"), {"token": Secret("s3cret")}, [Secret("s3cret")]])
def test_a_body_with_a_secret_is_one(body: Any) -> None:
    sent = HttpAssert(url=URL, method="POST", body=body).probe().vars["body"]
    assert isinstance(sent, Secret)
    assert "s3cret" in sent.reveal()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"bearer": Secret("a\nb")}, "bearer has a line break in it; a header is one line"),
        ({"headers": {"X-A": "a\rb"}}, "headers: `X-A` has a line break in it; a header is one line"),
        ({"headers": {"X A": "a"}}, "headers: `X A` is not the name of a header"),
        ({"json": {"devices[": 1}}, "`devices[` is not JMESPath:"),
        ({"json": {"foo(bar)": 1}}, "`foo(bar)` is not JMESPath: Unknown function: foo()"),
        ({"show_": {"GPU": "a b"}}, "`a b` is not JMESPath:"),
        ({"json": {"a": {"matches": "("}}}, "json: `a`: `(` is not a regular expression:"),
        ({"text": {"version": "1"}}, "text: `1` gives no bounds of a version"),
        ({"response_headers": {"Server": {"matches": "["}}}, "response_headers: `Server`: `[` is not a regular"),
    ],
)
def test_what_could_never_be_asked_or_judged(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        HttpAssert(url=URL, **parameters)
    assert str(raised.value).startswith(said)


def test_a_secret_known_by_its_digest_alone_can_be_declared() -> None:
    HttpAssert(url=URL, bearer=Secret.seen(Secret("x").digest))


def test_as_expected() -> None:
    check = HttpAssert(
        url=URL,
        json={"system.comfyui_version": {"version": ">=0.3"}, "length(devices)": {"gte": 2}, "nothing": None},
        text={"contains": "comfyui"},
        response_headers={"content-type": {"matches": "json"}},
    )
    found = facts(STATS + "\n", 200, "Content-Type: application/json")
    assert differing(check, found) == {}
    assert check.actual(found)["json system.comfyui_version"] == ">=0.3"


def test_each_thing_that_differs_is_named() -> None:
    check = HttpAssert(
        url=URL,
        json={"system.comfyui_version": {"version": ">=1"}, "missing.key": "x", "devices[0].name": "A"},
        text={"contains": "login"},
        response_headers={"Server": "nginx"},
    )
    assert differing(check, facts(STATS)) == {
        "header Server": ("missing", "nginx"),
        "json system.comfyui_version": ("0.3.64", ">=1"),
        "json missing.key": ("missing", "x"),
        "text": (STATS, "contains login"),
    }


def test_where_the_status_is_wrong_nothing_else_is_judged() -> None:
    check = HttpAssert(url=URL, status=[200, 204], json={"a": 1})
    assert differing(check, facts('{"error": "Authentication required."}', 401)) == {"status": (401, "200 or 204")}
    assert differing(HttpAssert(url=URL, status=401), facts("{}", 401)) == {}
    assert differing(HttpAssert(url=URL), facts("", 302, "Location: /login")) == {"status": ("302 to /login", 200)}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (facts(status=None, code=7), "no answer: could not connect"),
        (facts(status=None, code=52), "no answer: the connection was closed without an answer"),
        (facts(status=None, code=28), "no answer: no answer in time"),
        (facts(status=None, code=3, said="curl: (3) URL is malformed"), "no answer: URL is malformed"),
        (facts(status=None, code=99), "no answer: curl ended with 99"),
        (facts("{", 200, code=56), "200, but the connection was cut"),
        ({"asked": "yes"}, "no answer: curl ended with no exit code"),
    ],
)
def test_no_answer(found: dict[str, str], said: str) -> None:
    assert differing(HttpAssert(url=URL, json={"a": 1}), found) == {"status": (said, 200)}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<h1>\x1bno\n</h1>", "the body is not JSON (text/html): <h1> no </h1>"),
        ("", "the body is empty"),
        ("x" * (BODY + 1), "the body is larger than 2 MiB"),
        ("\udcff{}", "the body is not JSON (text/html): \ufffd{}"),
    ],
)
def test_no_json(body: str, said: str) -> None:
    check = HttpAssert(url=URL, json={"a": 1, "b": 2})
    assert differing(check, facts(body, 200, "Content-Type: text/html")) == {"json": (said, "JSON")}


def test_text_in_the_character_set_of_the_answer() -> None:
    check = HttpAssert(url=URL, text="Grüße")
    assert differing(check, facts("Gr\udcfc\udcdfe\n", 200, "Content-Type: text/plain; charset=ISO-8859-1")) == {}
    assert differing(check, facts("Gr\udcfc\udcdfe", 200, "Content-Type: text/plain; charset=no-such")) == {
        "text": ("Gr\ufffd\ufffde", "Grüße")
    }


def test_the_last_of_several_responses_counts() -> None:
    head = "HTTP/1.1 302 Found\r\nServer: a\r\n\r\nHTTP/2 200 \r\nserver: b\r\nVia: HTTP/1.1 x\r\n\r\n\n0"
    check = HttpAssert(url=URL, follow=True, response_headers={"Server": "b"})
    assert differing(check, {"asked": "yes", "answer": "\n\x1e" + head}) == {}


def test_a_body_that_looks_like_the_rest() -> None:
    check = HttpAssert(url=URL, text={"contains": "HTTP/1.1 500"})
    assert differing(check, facts("x\n\x1eHTTP/1.1 500 No\r\n\r\n\n7")) == {}


def test_what_a_plan_does_not_ask_is_unknown() -> None:
    check = HttpAssert(url=URL, method="POST", json={"a": 1})
    actual = check.actual({"asked": "no"})
    assert actual == {"status": Unknown("asked only after apply")}
    assert list(check.desired({"asked": "no"})) == ["status"]


def test_show() -> None:
    labels = {
        "ComfyUI": "system.comfyui_version",
        "RAM": {"bytes": "system.ram_total"},
        "GPU": "devices[].name",
        "VRAM": {"bytes": "devices[].vram_total"},
        "first": "devices[0]",
        "none": "no.such",
    }
    check = HttpAssert(url=URL, show_=labels)
    assert check.show(facts(STATS)) == {
        "ComfyUI": "0.3.64",
        "RAM": "62.7 GiB",
        "GPU": "A, B",
        "VRAM": "none",
        "first": '{"name": "A"}',
        "none": "none",
    }
    assert check.show(facts("<p>")) == check.show({"asked": "no"}) == check.show(facts("", 401)) == {}


MISSING_MODEL = (
    '{"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", '
    '"details": "", "extra_info": {}}, "node_errors": {"1": {"errors": [{"type": "value_not_in_list", "message": '
    """"Value not in list", "details": "ckpt_name: 'qwen.safetensors' not in []", """
    '"extra_info": {"input_name": "ckpt_name"}}]}}}'
)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("\n  Internal Server Error\nTraceback", "Internal Server Error"),
        (MISSING_MODEL, MISSING_MODEL),
        ('{\n  "error": "no such\x1b[31m model"\n}\n', '{ "error": "no such [31m model" }'),
        ("<!DOCTYPE HTML>\n<html><head><title>Not &amp;\n found</title>", "Not & found"),
    ],
)
def test_an_unexpected_status_shows_the_first_line_of_the_body(body: str, shown: str) -> None:
    assert HttpAssert(url=URL).show(facts(body, 400)) == {"answer": shown}
    assert HttpAssert(url=URL, json={"a": 1}).show(facts(body, 500)) == {"answer": shown}
    assert HttpAssert(url=URL, status=400).show(facts(body, 400)) == {}


def test_a_body_that_is_cut_off_ends_before_the_word_it_was_cut_in() -> None:
    secret = "$2b$12$" + "x" * 53
    for length in range(430, 500, 7):
        (shown,) = HttpAssert(url=URL).show(facts("o " * (length // 2) + f'"token={secret}"', 400)).values()
        assert "$2b" not in shown or secret in shown
    (shown,) = HttpAssert(url=URL).show(facts(("\u00e9" * 480 + f" {secret}").encode()[:1024].decode(), 400)).values()
    assert "$2b" not in shown


def test_who_asks() -> None:
    assert HttpAssert(url=URL).where() == "host"
    assert HttpAssert(url=URL, from_="controller").where() == "controller"
