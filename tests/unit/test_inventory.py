"""The inventory beyond what Ansible's answers show: errors, templates, executables, defaults."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.declare.host_facts import HostNames
from engine.declare.inventory import Inventory, passwords
from engine.declare.inventory.ini import _words as split_words
from engine.declare.inventory.ranges import expand
from engine.declare.templates.scope import Scope, of_host
from engine.errors import InvalidInput, Position


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str, mode: int = 0o644) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def load(text: str | None = None) -> Inventory:
    if text is not None:
        write("inventory.yaml", text)
    return Inventory.load(None, Path.cwd())


def error(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        load(text)
    return str(caught.value)


def names(inventory: Inventory, pattern: str, limit: str | None = None) -> list[str]:
    return [host.name for host in inventory.hosts(pattern, limit)]


def refused(inventory: Inventory, pattern: str, limit: str | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        inventory.hosts(pattern, limit)
    return str(caught.value)


def test_without_an_inventory_there_is_this_machine() -> None:
    inventory = load()
    (host,) = inventory.hosts("localhost")
    assert (host.name, dict(host.vars)) == ("localhost", {"ansible_connection": "local"})
    assert inventory.sources == ()
    said = refused(inventory, "gpu")
    assert "`gpu` is neither a group nor a host" in said
    assert "only `localhost` is known; create inventory.yaml" in said
    assert "create inventory.yaml" in refused(inventory, "all")


def test_files_that_are_read() -> None:
    write("group_vars/gpu.yml", "a: 1")
    write("group_vars/nobody.yml", "a: 1")
    write("host_vars/gpu1/x.yml", "b: 2")
    inventory = load("gpu: {hosts: {gpu1: }}")
    here = Path.cwd()
    assert inventory.sources == (here / "inventory.yaml", here / "group_vars/gpu.yml", here / "host_vars/gpu1/x.yml")
    assert inventory.groups == {"all": ("gpu1",), "ungrouped": (), "gpu": ("gpu1",)}


def test_the_other_default_name() -> None:
    write("inventory.yml", "gpu: {hosts: {gpu1: }}")
    assert names(load(), "all") == ["gpu1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "inventory.yaml: is empty, expected an inventory"),
        ("# only a comment\n", "is empty, expected an inventory"),
        ("- gpu1\n- gpu2\n", "inventory.yaml:1:1: an inventory must be a map of groups, got a list"),
        ("gpu1", "an inventory must be a map of groups, got text"),
        ("gpu:\n\thosts:\n", "inventory.yaml:2:1: a tab where YAML allows only spaces"),
        ("gpu:\n  hosts: {gpu1: }\n  hosts: {gpu2: }\n", "3:3: duplicate key `hosts`\n  the first one is in line 2"),
        ("gpu:\n  hosts:\n    a:\n    b:\n    a:\n", "inventory.yaml:5:5: duplicate key `a`"),
        ("gpu: [gpu1]\n", "inventory.yaml:1:6: group `gpu` must be a map, got a list"),
        ("gpu:\n  hosts:\n    - gpu1\n", "inventory.yaml:3:5: `hosts` of group `gpu` must be a map, got a list"),
        ("gpu:\n  hosts: 7\n", "`hosts` of group `gpu` must be a map, got a number or the like"),
        ("gpu:\n  hosts:\n    10:\n", "inventory.yaml:3:5: the name of a host must be text, got 10\n  quote it"),
        ("7: {hosts: {a: }}", "the name of a group must be text, got 7"),
        ("gpu:\n  hosts:\n    gpu1: yes please\n", "3:11: variables of host `gpu1` must be a map, got text"),
        ("gpu: {hosts: {'gpu[1:2': }}", "the range in `gpu[1:2` has no closing `]`"),
        ("gpu: {hosts: {'gpu[5:2]': }}", "inventory.yaml:1:15: the range in `gpu[5:2]` must not start after its end"),
        ("gpu: {hosts: {'gpu[01:5]': }}", "must have the same number of digits"),
        ("gpu: {vars: {ansible_group_priority: high}}", "1:38: `ansible_group_priority` must be a whole number"),
        ("a: {children: {b: {children: {a: }}}}", "group `b` cannot be in `a`, which is in `b`"),
        ("a: {children: {a: }}", "group `a` cannot be in `a`"),
        ("all: {vars: {a: {{ b }}}}", "must be quoted"),
        ("a: &x {hosts: {b: }}\nc: *y\n", "inventory.yaml:2:3: not valid YAML: found undefined alias"),
        ("{'a': {[1]: 2}}", "a key must be text, not a list"),
    ],
)  # fmt: skip
def test_bad_inventories(text: str, message: str) -> None:
    assert message in error(text)


def test_all_problems_at_once() -> None:
    said = error("gpu:\n  hosts: [a]\nweb:\n  children: [b]\n  hosts:\n    1:\n")
    assert [line.split(": ")[0] for line in said.splitlines() if not line.startswith(" ")] == [
        "inventory.yaml:2:10",
        "inventory.yaml:4:13",
        "inventory.yaml:6:5",
    ]


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InvalidInput, match="no such file") as caught:
        Inventory.load("hosts.yaml", Path.cwd())
    assert f"tried {Path.cwd() / 'hosts.yaml'}" in str(caught.value)


def test_keys_that_mean_nothing_are_told() -> None:
    inventory = load("gpu:\n  host: {gpu1: }\n  hosts: {gpu2: }\n")
    assert names(inventory, "all") == ["gpu2"]
    (warning,) = inventory.warnings
    assert warning.startswith(
        "inventory.yaml:2:3: group `gpu`: `host` is ignored, only hosts, vars and children count"
    )
    assert "did you mean `hosts`?" in warning


FLEET = """
all:
  children:
    gpu: {hosts: {"gpu[1:3]": }}
    web: {hosts: {web1: }}
    none: {}
"""


@pytest.mark.parametrize(
    ("pattern", "limit", "message"),
    [
        ("gpus", None, "`gpus` is neither a group nor a host of the inventory\n  did you mean `gpu`?"),
        ("gpu9", None, "did you mean `gpu"),
        ("gpu,wep", None, "did you mean `web"),
        ("gpu:!gqu2", None, "`gqu2` is neither a group nor a host"),
        ("gpu:&wep", None, "did you mean `web"),
        ("none", None, "the pattern `none` matches no host\n  the inventory has 4 hosts: gpu1, gpu2, gpu3, web1"),
        ("gpu:!gpu", None, "the pattern `gpu:!gpu` matches no host"),
        ("x*", None, "the pattern `x*` matches no host"),
        ("~[", None, "the host pattern `~[` is invalid: unbalanced brackets"),
        ("~(", None, "the host pattern `~(` is invalid: "),
        ("gpu]", None, "the host pattern `gpu]` is invalid"),
        ("gpu:~", None, "a `&`, `!` or `~` with nothing after it"),
        ("gpu[7]", None, "there is no `gpu[7]`: `gpu` has 3 hosts, counted from 0"),
        ("gpu[5:6]", None, "the pattern `gpu[5:6]` matches no host"),
        ("gpu:!", None, "a `&`, `!` or `~` with nothing after it"),
        ("gpu", "web", "--limit web leaves none of the 3 hosts of `gpu`"),
        ("web1", "gpu1", "--limit gpu1 leaves no host of `web1`"),
        ("gpu", "wep", "did you mean `web"),
        ("gpu", "@missing", "--limit @missing: "),
    ],
)
def test_patterns_that_name_no_host(pattern: str, limit: str | None, message: str) -> None:
    assert message in refused(load(FLEET), pattern, limit)


def test_a_limit_from_a_file() -> None:
    write("retry", "gpu2\ngone\n\nweb1\n")
    assert names(load(FLEET), "gpu", "@retry") == ["gpu2"]
    assert names(load(FLEET), "all", "@retry,gpu3") == ["gpu2", "gpu3", "web1"]
    write("nobody", "\n")
    assert "--limit @nobody leaves none" in refused(load(FLEET), "gpu", "@nobody")


def test_several_patterns() -> None:
    inventory = load(FLEET)
    assert [host.name for host in inventory.hosts(["web", "gpu:!gpu2"])] == ["web1", "gpu1", "gpu3"]


def test_templates_in_connection_variables() -> None:
    write("group_vars/gpu.yml", "domain: lan\nother: '{{ nothing_known }}'")
    inventory = load("""
all:
  vars:
    ansible_host: "{{ inventory_hostname }}.{{ domain }}"
    ansible_user: "{{ 'root' if inventory_hostname_short == 'gpu1' else owner }}"
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    ansible_ssh_common_args: -J {{ hostvars['bastion'].ansible_host }}:{{ groups['gpu'] | length }}
  hosts:
    bastion: {domain: net, ansible_ssh_common_args: "", owner: me}
  children:
    gpu: {hosts: {gpu1: , gpu2: {owner: jesse, plain: "{{ domain }}"}}}
""")
    first, second = inventory.hosts("gpu")
    assert first.vars["ansible_host"] == "gpu1.lan"
    assert first.vars["ansible_user"] == "root"
    assert first.vars["ansible_ssh_common_args"] == "-J bastion.net:2"
    assert second.vars["ansible_user"] == "jesse"
    # What is no connection variable is rendered where a state uses it.
    assert second.vars["plain"] == "{{ domain }}"
    assert second.vars["other"] == "{{ nothing_known }}"
    assert second.vars["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ansible_host": "{{ nmae }}", "name": "x"}, "gpu1: ansible_host cannot be rendered: `nmae` is not defined"),
        (
            {"ansible_host": "{{ a }}", "a": "{{ b }}", "b": "{{ a }}"},
            "circular reference between variables: `a` of gpu1 → `b` of gpu1 → `a` of gpu1",
        ),
        (
            {"ansible_host": "{{ hostvars['gpu1'].ansible_host }}"},
            "circular reference between variables: `ansible_host` of gpu1 → `ansible_host` of gpu1",
        ),
        ({"ansible_host": "{{ x | nofilter }}"}, "gpu1: ansible_host cannot be rendered: "),
    ],
)
def test_connection_variables_that_cannot_be_rendered(variables: dict[str, str], message: str) -> None:
    lines = "".join(f'    {name}: "{value}"\n' for name, value in variables.items())
    inventory = load(f"all:\n  hosts:\n    gpu1:\n  vars:\n{lines}")
    (host,) = inventory.hosts("gpu1")
    (problem,) = host.problems
    assert message in str(problem)
    # Who only lists needs no variable.
    assert inventory.names("all") == ("gpu1",)


def test_bad_variable_files() -> None:
    inventory = load("gpu: {hosts: {gpu1: }}\nweb: {hosts: {web1: }}")
    write("group_vars/gpu.yml", "- a\n")
    assert "group_vars/gpu.yml:1:1: variables must be a map, got a list" in refused(load(), "gpu")
    assert names(load(), "web") == ["web1"]
    write("group_vars/gpu.yml", "a: 1\na: 2\n")
    assert "group_vars/gpu.yml:2:1: duplicate key `a`" in refused(load(), "gpu")
    Path("group_vars/gpu.yml").write_bytes(b"a: \xff\n")
    assert "not UTF-8" in refused(load(), "gpu")
    assert names(inventory, "gpu") == ["gpu1"]


def script(text: str) -> Inventory:
    write("hosts", f"#!/bin/sh\n{text}\n", 0o755)
    return Inventory.load("hosts", Path.cwd())


def test_an_executable_with_meta_is_asked_once() -> None:
    inventory = script(
        "echo called >> calls\n"
        """echo '{"gpu": {"hosts": ["a", "b"], "vars": {"x": 1}}, "_meta": {"hostvars": {"b": {"x": 2}}}}'"""
    )
    assert {host.name: dict(host.vars) for host in inventory.hosts("gpu")} == {"a": {"x": 1}, "b": {"x": 2}}
    assert Path("calls").read_text() == "called\n"
    assert inventory.sources == (Path.cwd() / "hosts",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo no token >&2; exit 3", "hosts: hosts --list ended with status 3\n  no token"),
        ("echo '{not json'", "hosts --list did not print JSON: "),
        ("echo '[]'", "it must print one JSON object"),
        ("""echo '{"gpu": {"hosts": "a"}}'""", "`hosts` of group gpu must be a list"),
        ("""echo '{"gpu": {"hosts": [1]}}'""", "group gpu has a host that is not text: 1"),
        ("""echo '{"gpu": {"vars": []}}'""", "`vars` of group gpu must be an object"),
        ("""echo '{"_meta": {"hostvars": []}}'""", "`_meta.hostvars` must be an object"),
        ("""echo '{"a": {"children": ["b"]}, "b": {"children": ["a"]}}'""", "group `a` cannot be in `b`"),
        ("""[ "$1" = --list ] && echo '{"a": ["x"]}' || exit 4""", "hosts --host x ended with status 4"),
        ("""echo '{"gpu": ["a"], "_meta": {"hostvars": {"a": [1]}}}'""", "the variables of host a must be an object"),
    ],
)
def test_executables_that_fail(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        script(text)
    assert message in str(caught.value)


def test_where_every_file_may_be_executed_yaml_is_still_read() -> None:
    write("inventory.yaml", "gpu: {hosts: {gpu1: }}", 0o755)
    assert names(load(), "gpu") == ["gpu1"]


INI = """# a comment
alone ansible_host=192.0.2.9
[web]
web[01:03].lan:2222 size=2 note="two words" # and a comment
[db]
db1 tags="['a', 'b']" pin=0123
[site:children]
web
db
[site:vars]
debug=True
retries=3 # Python's comment
domain=example.com
"""


def ini(text: str) -> Inventory:
    write("hosts", text)
    return Inventory.load("hosts", Path.cwd())


def test_an_ini_inventory() -> None:
    inventory = ini(INI)
    assert inventory.groups["site"] == ("web01.lan", "web02.lan", "web03.lan", "db1")
    assert inventory.groups["ungrouped"] == ("alone",)
    given = {host.name: dict(host.vars) for host in inventory.hosts("web02.lan,db1,alone")}
    site = {"debug": True, "retries": 3, "domain": "example.com"}
    assert given == {
        "alone": {"ansible_host": "192.0.2.9"},
        "web02.lan": {**site, "ansible_port": 2222, "size": 2, "note": "two words"},
        "db1": {**site, "tags": ["a", "b"], "pin": "0123"},
    }


def test_an_ini_inventory_in_a_file_named_as_yaml() -> None:
    assert names(load("[gpu]\ngpu1 ansible_host=192.0.2.1\n\n[gpu:vars]\na=1\n"), "gpu") == ["gpu1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[web]\nweb1 a=1 b\n", "hosts:2:10: expected NAME=VALUE, got `b`\n  a host is followed by variables"),
        ("[web]\n  web1 a='1\n", "hosts:2:10: a quote is not closed"),
        ("[we b]\nweb1\n", "hosts:1:1: `[we b]` is not the header of a section"),
        ("[web:hosts]\nweb1\n[web:var]\na=1\n", "hosts:3:1: `[web:var]`: a section is one of hosts, vars, children"),
        ("[web]\nweb1\n[web:vars]\na: 1\n", "hosts:4:1: expected NAME=VALUE, got `a: 1`"),
        ("[web]\n[site:children]\nweb db\n", "hosts:3:1: expected the name of a group, got `web db`"),
        ("[site:children]\nweb\n", "hosts:2:1: `[site:children]` names `web`, which is not a group"),
        ("[web]\n[bw:vars]\na=1\n", "hosts:2:1: `[bw:vars]`: there is no group `bw`"),
        ("[a]\n[b]\n[a:children]\nb\n[b:children]\na\n", "hosts:6:1: group `a` cannot be in `b`"),
        ("[web]\nweb[1:3 a=1\n", "hosts:2:1: the range in `web[1:3` has no closing `]`"),
        ("[web]\n   web[5:1] a=1\n", "hosts:2:4: the range in `web[5:1]` must not start after its end"),
        ("[web]\nweb1: a=1\n", "hosts:2:1: the name of a host must not end with `:`"),
        ("[a]\n[a:vars]\nansible_group_priority=high\n", "hosts:3:1: `ansible_group_priority` must be a whole"),
    ],
)
def test_lines_of_an_ini_inventory_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ini(text)
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


def test_all_problems_of_an_ini_inventory_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        ini("[web]\nweb1 a\nweb2 'b\n[x:y]\nskipped\n[none:vars]\n")
    assert [str(problem.where) for problem in caught.value.problems] == [
        "hosts:2:6", "hosts:3:6", "hosts:4:1", "hosts:6:1",
    ]  # fmt: skip


WORDS = ("a", "b=", "'", '"', "\\", "#", " ", "\t", "  ", "''", '""', "é", "\x0c", "{{ x }}", '\\"', "\u00a0", ";")


def test_words_are_those_of_a_shell() -> None:
    random = Random(4711)  # noqa: S311
    for _ in range(20_000):
        line = "".join(random.choices(WORDS, k=random.randint(1, 9)))
        try:
            expected = shlex.split(line, comments=True)
        except ValueError:
            with pytest.raises(InvalidInput):
                split_words(line, Position("hosts", 1, 1))
        else:
            assert [word for word, _ in split_words(line, Position("hosts", 1, 1))] == expected, line


@pytest.mark.parametrize("line", ["x" * 4_000_000, "h1 " + "a=1 " * 1_000_000, "h1 a='" + "[1," * 1_000_000 + "'"])
def test_a_line_has_a_limit(line: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidInput, match="hosts:2:1: a line may have 65,536 characters, and this has"):
        ini(f"[web]\n{line}\n")
    assert time.process_time() - start < 2


def test_long_lines_take_no_time() -> None:
    start = time.process_time()
    lines = (
        "x" * 65_000,
        "h " + "a=1 " * 16_000,
        "h a='[" + "1," * 30_000 + "]'",
        "h " + "a" * 30_000 + "\\'" * 9_000,
    )
    with pytest.raises(InvalidInput):
        ini("[web]\n" + "".join(f"{line}\n" for line in lines) * 2)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("text", ["-" * 60_000 + "1", "[" * 5_000, "{{ 1 }}", "9" * 10_000, "{[]: 1}", "f'{x}'"])
def test_what_is_no_literal_is_text(text: str) -> None:
    (host,) = ini(f"[web]\nweb1\n[web:vars]\na={text}\n").hosts("web")
    assert host.vars["a"] == text


def test_a_directory_that_mixes_forms() -> None:
    write("inventory/a.yaml", "gpu: {hosts: {gpu1: }}")
    write("inventory/hosts.ini", "[web]\nweb1\n")
    write("inventory/notes.txt", "no hosts here")
    assert names(Inventory.load("inventory", Path.cwd()), "all") == ["gpu1", "web1"]
    write("inventory/script.sh", "exit 1 # cannot be executed")
    with pytest.raises(InvalidInput, match=r"inventory/script.sh:1:6: expected NAME=VALUE, got `1`"):
        Inventory.load("inventory", Path.cwd())


def found(project: Path | None = None) -> list[str]:
    return names(Inventory.load(None, project or Path.cwd()), "all")


def test_where_an_inventory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path.cwd()
    write("inventory/hosts", "in_directory\n")
    assert found() == ["in_directory"]
    write("fleet/prod.ini", "in_config\n")
    write("fleet/two", "second\n")
    config = write("ansible.cfg", "[defaults]\ninventory = fleet/prod.ini, ./fleet/two ; both\n")
    assert found() == ["in_config", "second"]
    assert Inventory.load(None, project).sources[0] == config.absolute()
    # From elsewhere: the project's; and the one of the working directory comes first.
    elsewhere = write("elsewhere/hosts", "near\n").parent
    monkeypatch.chdir(elsewhere)
    assert found(project) == ["in_config", "second"]
    write("ansible.cfg", "[defaults]\ninventory=hosts\n")
    assert found(project) == ["near"]
    monkeypatch.setenv("ANSIBLE_CONFIG", str(project))
    assert found(project) == ["in_config", "second"]
    # The project's own file comes first, and -i before all.
    (project / "inventory.yaml").write_text("all: {hosts: {own: }}")
    assert found(project) == ["own"]
    inventory = Inventory.load(None, project)
    assert inventory.warnings == (
        f"{project}/ansible.cfg: `inventory` is not used, because there is {project}/inventory.yaml; "
        f"use -i {project}/fleet/prod.ini to read what it names",
    )
    assert names(Inventory.load("hosts", project), "all") == ["near"]


def test_ansible_cfg_where_everyone_can_write_is_not_used() -> None:
    write("hosts", "from_config\n")
    write("ansible.cfg", "[defaults]\ninventory = hosts\n")
    assert found() == ["from_config"]
    Path.cwd().chmod(0o777)
    try:
        inventory = Inventory.load(None, Path.cwd())
        assert inventory.groups["all"] == ()
        (warning,) = inventory.warnings
        assert warning.startswith("ansible.cfg: ignored, because everyone on this machine can write in its directory")
    finally:
        Path.cwd().chmod(0o755)


def test_what_a_directory_leaves_out_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.ini", "b.md", "c.old", "d"):
        write(f"inventory/{name}", f"{name[0]}\n")
    assert found() == ["a", "c", "d"]
    write("ansible.cfg", "[inventory]\nignore_extensions = .old, .ini\nignore_patterns = ^x, b\n")
    assert found() == ["d"]
    write("ansible.cfg", "[defaults]\ninventory_ignore_extensions = .old\n")
    assert found() == ["a", "b", "d"]
    monkeypatch.setenv("ANSIBLE_INVENTORY_IGNORE", ".ini")
    assert found() == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inventory = hosts\n", "ansible.cfg: cannot be read: File contains no section headers"),
        ("[defaults]\ninventory_ignore_patterns = (\n", "inventory_ignore_patterns: `(` is not a regular expression"),
        ("[defaults]\ninventory = gone\n", "gone: cannot be read: no such file"),
    ],
)
def test_an_ansible_cfg_that_cannot_be_used(text: str, message: str) -> None:
    write("ansible.cfg", text)
    with pytest.raises(InvalidInput) as caught:
        found()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "aws.yml",
            "plugin: aws_ec2\nregions: [eu]\n",
            "aws.yml:1:1: this configures an inventory plugin, which only",
        ),
        ("hosts.toml", "[web.hosts.h1]\n", "hosts.toml: this is TOML, which only Ansible can read"),
    ],
)
def test_what_only_ansible_can_read(name: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(name, text)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InvalidInput) as caught:
        Inventory.load(name, Path.cwd())
    assert message in str(caught.value)
    assert "Install Ansible" in str(caught.value)


def test_an_inventory_that_is_encrypted_as_a_whole() -> None:
    with pytest.raises(InvalidInput, match="hosts: is encrypted as a whole\n  encrypt files of variables instead"):
        ini("$ANSIBLE_VAULT;1.1;AES256\n6162\n")


def test_a_list_of_hosts_on_the_command_line() -> None:
    inventory = Inventory.load([Path("gpu1,192.0.2.1:2222,")], Path.cwd())
    assert {host.name: dict(host.vars) for host in inventory.hosts("all")} == {
        "gpu1": {},
        "192.0.2.1": {"ansible_port": 2222},
    }
    assert inventory.sources == ()


def test_json_with_tabs() -> None:
    write("hosts.json", '{\n\t"gpu": {\n\t\t"hosts": {"gpu1": null}\n\t}\n}\n')
    assert names(Inventory.load("hosts.json", Path.cwd()), "gpu") == ["gpu1"]


def test_the_graph_of_one_group() -> None:
    inventory = load(FLEET)
    assert inventory.graph("gpu").splitlines() == ["@gpu:", "  |--gpu1", "  |--gpu2", "  |--gpu3"]
    with pytest.raises(InvalidInput, match="did you mean `gpu`"):
        inventory.graph("gpus")


@pytest.mark.parametrize(
    ("text", "hosts", "port"),
    [
        ("gpu[01:03]", ["gpu01", "gpu02", "gpu03"], None),
        ("gpu[1:3]:22", ["gpu1", "gpu2", "gpu3"], 22),
        ("[a:c]", ["a", "b", "c"], None),
        ("x[0:10:5]y", ["x0y", "x5y", "x10y"], None),
        ("[a:b][1:2]", ["a1", "a2", "b1", "b2"], None),
        ("2001:db8::5", ["2001:db8::5"], None),
        ("[2001:db8::5]:22", ["2001:db8::5"], 22),
        ("odd name", ["odd name"], None),
    ],
)
def test_ranges(text: str, hosts: list[str], port: int | None) -> None:
    assert expand(text) == (hosts, port)


@pytest.mark.parametrize("text", ["a[1]", "a[1:]", "a[1:2:0]", "a[1:2:3:4]", "a[1:b]", "a[aa:bb]", "a[1:9999999]"])
def test_ranges_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|more than"):
        expand(text)


def test_a_thousand_hosts_take_no_time() -> None:
    groups: dict[str, Any] = {
        f"group{number}": f"{{hosts: {{'host[0{number}00:0{number}99]': {{x: 1}}}}}}" for number in range(10)
    }
    text = "all:\n  vars: {y: 1}\n  children:\n" + "".join(f"    {name}: {hosts}\n" for name, hosts in groups.items())
    start = time.process_time()
    assert len(load(text).hosts("all:!host0000")) == 999
    assert time.process_time() - start < 2


def test_passwords_of_connections() -> None:
    inventory = load("""
all:
  vars: {ansible_password: hunter22, ansible_become_password: hunter22, ansible_user: me, password: no secret here}
  hosts:
    gpu1: {ansible_ssh_private_key_passphrase: 1234, ansible_ssh_pass: "", ansible_become_pass: swordfish}
""")
    assert [secret.reveal() for secret in passwords(inventory.hosts("all"))] == ["hunter22", "1234", "swordfish"]


def test_what_ansible_adds_is_there_for_templates_of_a_state() -> None:
    (host,) = load("all: {hosts: {gpu1.lan: {directory: '/srv/{{ inventory_hostname_short }}'}}}").hosts("all")
    scope = Scope(HostNames(host), [of_host(host)])
    assert scope.lookup("directory") == "/srv/gpu1"
    assert scope.lookup("group_names") == ["ungrouped"]
