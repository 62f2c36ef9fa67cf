"""What Ansible Vault has encrypted is decrypted here, and never shows. The files were made by `ansible-vault`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.codes import Code
from engine.declare.host_facts import HostNames
from engine.declare.inventory import Inventory
from engine.declare.inventory.vault import Given
from engine.declare.templates.names import RenderError
from engine.declare.templates.scope import Scope, of_host
from engine.errors import InvalidInput
from engine.model import Host, Secret

KEPT = Path(__file__).parent.parent / "inventories" / "vault"
CANARIES = ("s3cret-canary-A", "54321", "inner-canary-B", "x-canary-C", "deploy-canary", "s3cret-inline")
LABELLED = "all: {hosts: {gpu1: {other: 1}, gpu2: }}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("inventory.yaml", LABELLED)
    write("pw", "open sesame\n")
    write("pw2", "other\n")
    write("wrong", "wrong-password\n")
    return tmp_path


def write(name: str, text: str, mode: int = 0o644) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def kept(name: str) -> str:
    return (KEPT / name).read_text()


def load(*ids: str, **given: Any) -> Inventory:
    return Inventory.load(None, Path.cwd(), Given(ids, **given))


def scope(host: Host) -> Scope:
    return Scope(HostNames(host), [of_host(host)])


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("file-1.1", ("pw",)),
        ("file-1.1", ("wrong", "prod@pw2", "pw")),
        ("file-1.2", ("prod@pw2",)),
        ("file-1.2", ("prod@wrong", "dev@pw", "pw2")),
    ],
)
def test_an_encrypted_file(name: str, ids: tuple[str, ...]) -> None:
    write("group_vars/all.yml", kept(name))
    inventory = load(*ids)
    (host,) = inventory.hosts("gpu1")
    assert host.problems == ()
    assert host.vars["db_password"] == Secret("s3cret-canary-A")
    assert host.vars["port"] == Secret("54321")
    assert host.vars["nested"] == {"key": Secret("inner-canary-B"), "list": [Secret("x-canary-C")]}
    assert (host.vars["flag"], host.vars["ansible_user"], host.vars["other"]) == (True, "deploy-canary", 1)
    # A template of an encrypted file is secret with all that it is rendered to.
    assert scope(host).lookup("url") == Secret("https://s3cret-canary-A@gpu1/")
    found = {secret.reveal() for secret in inventory.secrets}
    assert {"s3cret-canary-A", "54321", "inner-canary-B", "x-canary-C", "deploy-canary"} <= found


def test_an_encrypted_value() -> None:
    write("host_vars/gpu1.yml", kept("inline") + "plain: 1\nmap:\n  a: 1\n  " + kept("inline").replace("\n", "\n  "))
    inventory = load("dev@pw")
    (host,) = inventory.hosts("gpu1")
    assert inventory.secrets == ()
    found = scope(host).lookup("token")
    assert (found, found.name) == (Secret("s3cret-inline"), "token")
    assert scope(host).lookup("map") == {"a": 1, "token": Secret("s3cret-inline")}
    assert [secret.reveal() for secret in inventory.secrets] == ["s3cret-inline"]


def test_an_encrypted_value_is_a_problem_only_where_it_is_used() -> None:
    write("host_vars/gpu1.yml", kept("inline") + "plain: 1\n")
    (host,) = load().hosts("gpu1")
    assert (host.problems, scope(host).lookup("plain")) == ((), 1)
    with pytest.raises(
        RenderError, match=r"encrypted with Ansible Vault \(vault id `dev`\), and no password is given"
    ) as caught:
        scope(host).lookup("token")
    assert (str(caught.value.where), caught.value.code) == ("host_vars/gpu1.yml:1:8", Code.VAULT)
    assert "--vault-password-file" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((), "group_vars/all.yml: encrypted with Ansible Vault, and no password is given"),
        (("wrong",), "group_vars/all.yml: encrypted with Ansible Vault, and no password fits\n  tried: default@"),
        (("gone",), "gone: the password of Ansible Vault cannot be read: no such file or directory"),
        (("empty",), "empty: the password of Ansible Vault is empty"),
        (("fails",), "fails: the script that prints Ansible Vault's password ended with status 3\n  locked"),
        (("prompt",), "default: a password of Ansible Vault has to be typed on a terminal, and there is none"),
    ],
)
def test_passwords_that_do_not_do(ids: tuple[str, ...], message: str) -> None:
    write("group_vars/all.yml", kept("file-1.1"))
    write("empty", "\n")
    write("fails", "#!/bin/sh\necho locked >&2; exit 3\n", 0o755)
    (host, _) = load(*ids).hosts("all")
    (problem,) = host.problems
    assert message in str(problem)
    assert "wrong-password" not in str(problem)
    assert problem.code is Code.VAULT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "this begins as Ansible Vault's files do, but is damaged"),
        ("$ANSIBLE_VAULT;1.1;AES256\nnot hex\n", "is damaged"),
        ("$ANSIBLE_VAULT;1.0;AES\n6162\n", "encrypted in format `1.0` with `AES`; 1.1 and 1.2 with AES256 are read"),
        ("$ANSIBLE_VAULT;\n", "encrypted in format"),
    ],
)
def test_damaged_files(text: str, message: str) -> None:
    write("group_vars/all.yml", text)
    (host,) = load("pw").hosts("gpu1")
    assert message in str(host.problems[0])


def test_only_the_hosts_concerned_lack_their_variables() -> None:
    write("host_vars/gpu1.yml", kept("file-1.1"))
    first, second = load().hosts("all")
    assert first.problems
    assert second.problems == ()
    # Names need no variables.
    assert load("wrong").names("all") == ("gpu1", "gpu2")


def test_where_passwords_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    write("group_vars/all.yml", kept("file-1.1"))

    def opens(**given: Any) -> bool:
        (host,) = load(**given).hosts("gpu1")
        return not host.problems

    assert not opens()
    assert opens(files=("pw",))
    asked: list[str] = []
    assert opens(ask=True, prompt=lambda text: asked.append(text) or "open sesame")  # type: ignore[func-returns-value]
    assert asked == ["Vault password (default): "]
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "pw")
    assert opens()
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE")
    write("keys/script", "#!/bin/sh\nprintf 'open sesame\\n'\n", 0o755)
    write("ansible.cfg", "[defaults]\nvault_password_file = keys/script\n")
    assert opens()
    write("keys/x-client.sh", '#!/bin/sh\n[ "$1 $2" = "--vault-id dev" ] && echo "open sesame"\n', 0o755)
    write("ansible.cfg", "[defaults]\nvault_identity_list = prod@pw2, dev@keys/x-client.sh\n")
    assert opens()


def test_only_the_matching_password_where_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    write("group_vars/all.yml", kept("file-1.2"))
    assert not load("prod@wrong", "pw2").hosts("gpu1")[0].problems
    monkeypatch.setenv("ANSIBLE_VAULT_ID_MATCH", "1")
    assert "no password fits" in str(load("prod@wrong", "pw2").hosts("gpu1")[0].problems[0])


def test_a_connection_variable_made_of_an_encrypted_one() -> None:
    write("host_vars/gpu1.yml", kept("inline") + "ansible_host: 'x-{{ token }}'\nansible_password: '{{ token }}'\n")
    (host,) = load("pw").hosts("gpu1")
    assert host.vars["ansible_host"] == "x-s3cret-inline"
    assert host.vars["ansible_password"] == Secret("s3cret-inline")


STATE = """
name: canary
hosts: all
resources:
  file:
    file-sync: {{ path: "{path}", content: "a {{{{ db_password }}}} {{{{ nested.key }}}} {{{{ token }}}} z\\n" }}
"""


def test_a_run_shows_nothing_of_it(project: Path) -> None:
    write("inventory.yaml", "all: {hosts: {here: {ansible_connection: local}}}\n")
    write("group_vars/all/vault.yml", kept("file-1.2"))
    write("group_vars/all/inline.yml", kept("inline"))
    target = project / "target"
    write("state.yaml", STATE.format(path=target))
    options = ["--vault-id", "prod@pw2", "--vault-password-file", "pw"]
    runner = CliRunner()
    said = ""
    for words in (
        ["plan", "state.yaml", "--diff", "-vv", "--out", "plan.json"],
        ["apply", "plan.json", "-y"],
        ["apply", "state.yaml", "-y", "--diff", "-vv"],
        ["inventory", "--host", "here"],
    ):
        done = runner.invoke(cli, [*words, *options])
        assert done.exit_code == 0, done.output
        said += done.output
    assert target.read_text() == "a s3cret-canary-A inner-canary-B s3cret-inline z\n"
    said += Path("plan.json").read_text() + "".join(
        path.read_text() for path in Path(".engine/runs").rglob("*.jsonl")
    )
    assert "secret:" in said
    for canary in CANARIES:
        assert canary not in said


def test_a_run_with_the_wrong_password_shows_nothing_and_stops_only_what_needs_it(project: Path) -> None:
    local = "{ansible_connection: local}"
    write("inventory.yaml", f"all: {{hosts: {{open: {local}, closed: {local}}}}}\n")
    write("host_vars/closed.yml", kept("file-1.1"))
    write("state.yaml", f"name: s\nhosts: all\nresources: {{f: {{file-sync: {{path: {project}/f, content: x}}}}}}\n")
    done = CliRunner().invoke(cli, ["apply", "state.yaml", "-y", "--vault-password-file", "wrong"])
    assert done.exit_code == 4, done.output
    assert "no password fits" in done.output
    assert "OT1311" in done.output
    assert "wrong-password" not in done.output
    assert (project / "f").read_text() == "x"
    checked = CliRunner().invoke(cli, ["validate", "state.yaml"])
    assert (checked.exit_code, "no password is given" in checked.output) == (3, True)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("{ansible_connection: winrm}", "unknown connection `winrm`"),
        ("{ansible_connection: local, ansible_become: true, ansible_become_method: runas}", "runas"),
        ("{ansible_host: '{{ nowhere }}'}", "ansible_host cannot be rendered: `nowhere` is not defined"),
        ("{ansible_connection: command}", "ansible_command_argv is not set"),
    ],
)
def test_a_host_that_cannot_be_connected_to_is_its_own_error(project: Path, variables: str, message: str) -> None:
    write("inventory.yaml", f"all: {{hosts: {{good: {{ansible_connection: local}}, bad: {variables}}}}}\n")
    write("state.yaml", f"name: s\nhosts: all\nresources: {{f: {{file-sync: {{path: {project}/f, content: x}}}}}}\n")
    planned = CliRunner().invoke(cli, ["plan", "state.yaml"])
    assert (planned.exit_code, message in planned.output) == (4, True), planned.output
    done = CliRunner().invoke(cli, ["apply", "state.yaml", "-y"])
    assert (done.exit_code, message in done.output) == (4, True), done.output
    assert (project / "f").read_text() == "x"
    alone = CliRunner().invoke(cli, ["plan", "state.yaml", "--limit", "bad"])
    # With no other host there is nothing to run.
    assert isinstance(alone.exception, InvalidInput)
    assert message in str(alone.exception)
    listed = CliRunner().invoke(cli, ["inventory"])
    assert (listed.exit_code, listed.output) == (0, "good\nbad\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_password_is_typed_on_a_terminal(project: Path) -> None:
    import pty

    write("host_vars/gpu1.yml", kept("file-1.1"))
    main, other = pty.openpty()
    words = [sys.executable, "-c", "from engine.cli import cli; cli()", "inventory", "--host", "gpu1", "-J"]
    process = subprocess.Popen(words, stdin=other, stdout=other, stderr=other, start_new_session=True)
    os.close(other)
    said = b""
    while b"Vault password (default): " not in said:
        said += os.read(main, 1000)
    time.sleep(0.3)  # until the echo is off
    os.write(main, b"open sesame\n")
    with contextlib.suppress(OSError):
        while piece := os.read(main, 1000):
            said += piece
    os.close(main)
    assert process.wait(20) == 0, said
    assert b"db_password: <secret>" in said
    assert b"open sesame" not in said
