"""Logging in over SSH with passwords, given and asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Unreachable
from engine.model import Secret
from engine.transports import Options
from tests.sshd import Sshd
from tests.transports import (
    FactsFirst,
    login,
    login_refusal,
    need_sshd,
    without_identity,
)


@pytest.fixture
def with_user(tmp_path: Path) -> Iterator[Sshd]:
    need_sshd()
    with Sshd(tmp_path / "sshd", config=["PasswordAuthentication yes"], users={"anna": "pä$$ 'word"}) as server:
        without_identity(server, "IdentityFile /nonexistent", "IdentityAgent none")
        yield server


def test_a_password(with_user: Sshd, options: Options) -> None:
    for password in ("pä$$ 'word", Secret("pä$$ 'word")):
        assert login(with_user, options, ansible_user="anna", ansible_password=password) == "anna"
    assert login(with_user, options, ansible_user="anna", ansible_ssh_pass="pä$$ 'word") == "anna"


def test_a_wrong_password(with_user: Sshd, options: Options) -> None:
    text = login_refusal(with_user, options, ansible_user="anna", ansible_password=Secret("canary-12cd"))
    assert "tried: the password given" in text
    assert "The server accepts: publickey, password" in text
    assert "canary" not in text


def test_a_password_typed_in(with_user: Sshd, options: Options) -> None:
    asked = FactsFirst("wrong", "pä$$ 'word")
    assert login(with_user, replace(options, prompt=asked), ansible_user="anna") == "anna"
    assert asked.questions == [f"Password for anna@127.0.0.1:{with_user.port}: "] * 2


def test_a_key_comes_before_the_password_where_both_are_given(with_user: Sshd, options: Options) -> None:
    variables = {"ansible_ssh_private_key_file": str(with_user.user_key), "ansible_password": "wrong"}
    assert login(with_user, options, **variables) == "root"
    assert "Failed password" not in with_user.log()


def test_no_password_is_asked_for_where_none_is_accepted(sshd: Sshd, options: Options) -> None:
    (sshd.directory / "authorized_keys").write_text("")
    asked = FactsFirst()
    login_refusal(sshd, replace(options, prompt=asked))
    assert asked.questions == []


def test_a_key_and_a_password_both_wanted(tmp_path: Path, options: Options) -> None:
    need_sshd()
    config = ["PasswordAuthentication yes", "AuthenticationMethods publickey,password"]
    with Sshd(tmp_path / "sshd", config=config, users={"anna": "second"}) as sshd:
        assert login(sshd, options, ansible_user="anna", ansible_password="second") == "anna"
        text = login_refusal(sshd, options, ansible_user="anna")
        assert "The server accepts: password" in text


def test_an_answer_that_never_comes(tmp_path: Path, options: Options) -> None:
    """A host that accepts the request to log in, and thinks about it for ever."""
    need_sshd()
    with Sshd(tmp_path / "sshd") as sshd:
        sshd.config = ("AuthorizedKeysCommand /bin/sleep 60", "AuthorizedKeysCommandUser root")
        (sshd.directory / "authorized_keys").write_text("")
        sshd.restart()
        with pytest.raises(Unreachable, match=r"gpu1: 127.0.0.1:\d+ did not answer the login within 1 s"):
            login(sshd, replace(options, banner_timeout=1))
