"""Inventories of every form, each a set of files, for the comparison with `ansible-inventory`."""

# ruff: noqa: E501

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.declare.inventory import Inventory
from engine.declare.inventory.vault import Given
from engine.declare.templates.names import evaluated
from engine.model import Secret


@dataclass(frozen=True)
class Form:
    """An inventory: its files by path (one that begins with `#!` is executable), and what `-i` is given.

    `vault_ids` are those of the command line. `needs_ansible`: the engine asks `ansible-inventory`. `refused`: the
    engine says this of it, and Ansible does not, a difference that docs/inventories.md names.
    """

    files: dict[str, str]
    sources: tuple[str, ...] = ("hosts",)
    vault_ids: tuple[str, ...] = ()
    needs_ansible: bool = False
    refused: str = ""

    def write(self, directory: Path) -> None:
        """Put the files into a directory."""
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            path.chmod(0o755 if text.startswith("#!") else 0o600)


def ansible_says(tool: Path | str, form: Form, directory: Path) -> dict[str, Any]:
    """Hosts with their variables and groups with what is in them, of a form's files in a directory, by Ansible."""
    env = {
        "PATH": f"{Path(tool).parent}:{os.environ['PATH']}",
        "HOME": str(directory),
        "ANSIBLE_LOCAL_TEMP": str(directory / ".ansible"),
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "LC_ALL": "C.UTF-8",
    }
    words = [word for source in form.sources for word in ("-i", source)]
    passwords = [word for each in form.vault_ids for word in ("--vault-id", each)]

    def decrypted(found: dict[str, Any]) -> Any:
        if list(found) == ["__ansible_vault"]:
            argv = [str(Path(tool).with_name("ansible-vault")), "decrypt", *passwords, "--output", "-"]
            return _output(argv, env, directory, found["__ansible_vault"])
        return found.get("__ansible_unsafe", found)

    # No directory of a playbook, of which the engine knows nothing.
    argv = [str(tool), *words, *passwords, "--playbook-dir", "/nonexistent", "--list"]
    data = json.loads(_output(argv, env, directory), object_hook=decrypted)
    hosts = data.pop("_meta")["hostvars"]
    groups = {name: {key: sorted(value) for key, value in group.items()} for name, group in data.items()}
    for group in groups.values():
        hosts.update({name: {} for name in group.get("hosts", ()) if name not in hosts})
    return {"hosts": hosts, "groups": {name: group for name, group in groups.items() if group}}


def _output(argv: list[str], env: dict[str, str], cwd: Path, given: str = "") -> str:
    done = subprocess.run(argv, input=given, capture_output=True, text=True, env=env, cwd=cwd, check=True)
    return done.stdout


def engine_says(form: Form, directory: Path) -> dict[str, Any]:
    """The same by the engine; the working directory must be that of the files."""
    inventory = Inventory.load(list(form.sources), directory, Given(form.vault_ids))
    names = inventory.groups["all"]
    hosts = {host.name: _opened(host.vars) for host in (inventory.hosts("all") if names else ())}
    tree = inventory.graph().splitlines()
    groups: dict[str, dict[str, list[str]]] = {}
    parents: list[str] = []
    for line in tree:
        depth, name = line.count("  |"), line.split("--", 1)[-1]
        if depth:
            kind = "children" if name.startswith("@") else "hosts"
            entries = groups.setdefault(parents[depth - 1], {}).setdefault(kind, [])
            if name.strip("@:") not in entries:
                entries.append(name[1:-1] if kind == "children" else name)
        if name.startswith("@"):
            parents[depth:] = [name[1:-1]]
    found = {
        name: {kind: sorted(dict.fromkeys(each)) for kind, each in group.items()} for name, group in groups.items()
    }
    return {"hosts": json.loads(json.dumps(hosts)), "groups": found}


def _opened(value: Any) -> Any:
    value = evaluated(value, lambda text: text)
    if isinstance(value, dict):
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return value.reveal() if isinstance(value, Secret) else value


VAULT = Path(__file__).parent / "vault"
PASSWORDS = {"pw": "open sesame\n", "pw2": "other\n", "script": "#!/bin/sh\necho open sesame\n"}


def kept(name: str) -> str:
    """A file that `ansible-vault` has made; its passwords are in `PASSWORDS`."""
    return (VAULT / name).read_text()


GENERATOR = """plugin: ansible.builtin.generator
hosts:
  name: "{{ operation }}-{{ application }}"
  parents:
    - name: "{{ application }}"
      parents:
        - name: apps
          vars: {tier: one}
      vars: {application: "{{ application }}"}
layers:
  operation: [build, launch]
  application: [web, api]
"""
SCRIPT = """#!/bin/sh
echo '{"cloud": {"hosts": ["vm1", "vm2"], "vars": {"zone": "eu"}}, "_meta": {"hostvars": {"vm1": {"size": 2}}}}'
"""

FORMS: dict[str, Form] = {
    "ini-bare": Form({"hosts": "web1\nweb2.example.com\n192.0.2.7\n2001:db8::7\n"}),
    "ini-empty": Form({"hosts": "# nothing yet\n"}),
    "ini-groups": Form({"hosts": "loose\n[web]\nweb1\nweb2\n\n[db]\ndb1\nweb2\n"}),
    "ini-extension": Form({"prod.ini": "[web]\nweb1\n"}, ("prod.ini",)),
    "ini-odd-extension": Form({"hosts.production": "[web]\nweb1 a=1\n"}, ("hosts.production",)),
    "ini-ranges": Form({
        "hosts": "[web]\nweb[01:12].lan\nodd[1:9:2]\n[letters]\nnode-[a:d]\nrack[1:2]-[x:z]:2200 side=left\n[:3]up\n"
    }),
    "ini-ports": Form({"hosts": "[web]\nweb1:2222\n192.0.2.1:2022\n[2001:db8::1]:2201\nweb1:99\nweb3 ansible_port=7\n"}),
    "ini-aliases": Form({
        "hosts": "jump ansible_host=192.0.2.5 ansible_user=me ansible_port=5555\n"
        "local ansible_connection=local\n[web]\nweb1 ansible_host=web1.example.com\n"
    }),
    "ini-types-of-hosts": Form({
        "hosts": "h1 i=1 f=1.5 t=True n=None y=yes z=0644 o=0o644 l='[1, \"two\", (3, 4)]' m=\"{'a': 1}\" e= c=1j\n"
        "h2 s='\"1\"' b=\"b'x'\" v=1.10 neg=-3 w=\"two words\" mixed=a\"b c\"d u=1_000 d=... x=0x1f big=1e3\n"
        "h3 quoted=\"it's\" eq=a=b empty_list=[] tmpl=\"{{ other }}\" not_set='{{ 1 }}x' back=a\\\\b bs='a\\b'\n"
    }),
    "ini-types-of-groups": Form({
        "hosts": "[web]\nweb1\n[web:vars]\ni=1\nf = 1.5\nt=True\nlist=[1, 2]\nquoted=\"quoted\"\ns='single'\nplain=two words\n"
        "cut=1 # cut\nkept=a # kept\nempty=\nno=no\npath=C:\\new\nhash=#1\nmap={'a': {'b': [1]}}\nspaces = a  b \n"
        "text='1'\nsemi=a;b\n"
    }),
    "ini-comments": Form({
        "hosts": "; one\n# two\n[web] # three\nweb1 a=1 # four\nweb2 b='#5' c=x#6\n   web3   d=7\n"
        "[site:children]   # eight\nweb # nine\n[site:vars]# ten\nx=1\n"
    }),
    "ini-children-before": Form({
        "hosts": "[top:children]\nmid\n[mid:children]\nlow\nlower\n[low]\na\n[lower]\nb\n[top:vars]\nx=1\n[mid:vars]\nx=2\n"
    }),
    "ini-children-shared": Form({
        "hosts": "[a]\nh1\n[b]\nh2\n[east:children]\na\nb\n[west:children]\nb\n[east:vars]\nside=e\n[west:vars]\nside=w\n"
    }),
    "ini-all-vars": Form({"hosts": "h1\n[web]\nweb1\n[all:vars]\na=1\nansible_user=root\n[ungrouped:vars]\nb=2\n"}),
    "ini-all-group": Form({"hosts": "[all]\nh1\nh2 a=1\n[web]\nh2\n"}),
    "ini-same-host-twice": Form({"hosts": "[web]\nh1 a=1 b=1\n[db]\nh1 b=2 c=3\nh1 a=9\n"}),
    "ini-same-group-twice": Form({"hosts": "[web]\nh1\n[db]\nh2\n[web]\nh3\n[web:vars]\na=1\n[web:vars]\na=2\nb=3\n"}),
    "ini-priority": Form({
        "hosts": "[a]\nh1\n[b]\nh1\n[a:vars]\nx=a\nansible_group_priority=10\n[b:vars]\nx=b\n"
    }),
    "ini-vars-before-group": Form({"hosts": "[web:vars]\na=1\n[web]\nweb1\n"}),
    "ini-ungrouped": Form({"hosts": "[ungrouped]\nh1\n[web]\nweb1\n[ungrouped]\nweb1\nh2\n"}),
    "ini-empty-groups": Form({"hosts": "[none]\n[web]\nweb1\n[parent:children]\nnone\n[lonely:children]\n"}),
    "ini-odd-names": Form({"hosts": "[web-1]\nh_1\nh-2\nh.3.example\n[größe]\nbär\n[0group]\n007\n"}),
    "ini-windows-lines": Form({"hosts": "[web]\r\nweb1 a=1\r\n[web:vars]\r\nb = two \r\n"}),
    "ini-vars-beside": Form({
        "hosts": "[web]\nweb1 a=host b=host\n[web:vars]\na=group\nc=group\nd=group\n",
        "group_vars/all.yml": "d: all file\ne: all file\n",
        "group_vars/web": "c: group file\na: group file\n",
        "host_vars/web1.yaml": "b: host file\n",
    }),
    "ini-in-yaml-name": Form({"inventory.yaml": "[web]\nweb1 a=1\n"}, ("inventory.yaml",)),
    "yaml-without-extension": Form({"hosts": "all:\n  hosts:\n    h1: {a: 1}\n  children: {web: {hosts: {web1: }}}\n"}),
    "yaml-undefined": Form({"hosts.yml": "all: {hosts: {h1: {ansible_host: '{{ nowhere }}', a: '{{ b }}'}}}"}, ("hosts.yml",)),
    "yaml-nested": Form({
        "hosts.yml": "all:\n  vars: {x: 0}\n  children:\n    a:\n      vars: {x: 1}\n      children:\n"
        "        b: {vars: {y: 2}, hosts: {'h[1:3]': }}\n    c: {hosts: {h2: {x: 9}}}\n"
    }, ("hosts.yml",)),
    "json": Form({"hosts.json": '{"all": {"hosts": {"h1": {"a": [1, null]}}, "children": {"w": {"hosts": {"h2": {}}}}}}'},
                 ("hosts.json",)),
    "list": Form({}, ("h1,h2:2222,192.0.2.1,",)),
    "script": Form({"hosts": SCRIPT}),
    "dir-mixed": Form({
        "inv/01.yaml": "web: {hosts: {web1: {a: yaml}}, vars: {g: yaml}}",
        "inv/02-hosts": "[web]\nweb1 a=ini\nweb2\n[db]\ndb1\n[web:vars]\ng=ini\n",
        "inv/03.json": '{"db": {"hosts": {"db1": {"a": "json"}}}}',
        "inv/04-cloud": SCRIPT,
        "inv/group_vars/cloud.yml": "zone: us\n",
        "inv/host_vars/db1/one.yml": "b: 1\n",
        "inv/host_vars/db1/two": "b: 2\n",
    }, ("inv",)),
    "dir-order": Form({
        "inv/b.ini": "[web]\nh1 x=b\n[web:vars]\ng=b\n",
        "inv/a.yml": "web: {hosts: {h1: {x: a, y: a}}, vars: {g: a}}",
        "inv/c": "h1 x=c\n",
    }, ("inv",)),
    "dir-ignored": Form({
        "inv/hosts": "[web]\nweb1\n", "inv/readme.md": "# [no]\n", "inv/a.txt": "no1\n", "inv/b.cfg": "[no]\nno2\n",
        "inv/c.retry": "no3\n", "inv/d.bak": "no4\n", "inv/.hidden": "no5\n", "inv/e~": "no6\n", "inv/f.orig": "no7\n",
        "inv/g.rst": "no8\n", "inv/h.pyc": "no9\n", "inv/i.rpm": "no10\n", "inv/vars_plugins/x.yml": "no11\n",
    }, ("inv",)),
    "dir-nested": Form({
        "inv/hosts": "[web]\nweb1\n[top:children]\nweb\n", "inv/more/hosts.ini": "[db]\ndb1\n",
        "inv/more/group_vars/db.yml": "only: below\n", "inv/group_vars/all.yml": "above: 1\n",
    }, ("inv",)),
    "dir-children-across": Form({
        "inv/1": "[web]\nweb1\n[db]\ndb1\n", "inv/2": "[site:children]\nweb\ndb\n[site:vars]\nx=1\n[web:vars]\ny=2\n",
    }, ("inv",)),
    "several": Form({
        "one/hosts": "[web]\nweb1 a=1\n[web:vars]\ng=1\n", "one/group_vars/web.yml": "f: one\n",
        "two/hosts.yml": "web: {hosts: {web1: {a: 2}, web2: }, vars: {g: 2}}", "two/group_vars/web.yml": "f: two\n",
    }, ("one/hosts", "two/hosts.yml", "web3,")),
    "several-same-host": Form({"a": "h1:22 x=1\n", "b": "h1:23 y=1\n"}, ("a", "b")),
    "vault-file": Form({
        **PASSWORDS, "hosts": "[web]\nweb1\n", "group_vars/web.yml": kept("types-1.1"), "host_vars/web1.yml": "a: 1\n",
    }, vault_ids=("pw",)),
    "vault-ids": Form({
        **PASSWORDS, "hosts": "[web]\nweb1\nweb2\n", "host_vars/web1": kept("types-1.1"),
        "host_vars/web2.yml": kept("types-1.2"),
    }, vault_ids=("prod@pw2", "dev@script")),
    "vault-values": Form({
        **PASSWORDS, "hosts": "[web]\nweb1\n", "group_vars/all.yml": "a: 1\n" + kept("inline"),
    }, vault_ids=("dev@pw",)),
    "plugin": Form({"inv.yml": GENERATOR, "group_vars/web.yml": "tier: file\n"}, ("inv.yml",), needs_ansible=True),
    "plugin-in-directory": Form({
        "inv/1-hosts": "[web]\nown tier=host\n[apps:children]\nweb\n", "inv/2-more.yml": GENERATOR,
        "inv/group_vars/api.yml": "port: 80\n",
    }, ("inv",), needs_ansible=True),
    "toml": Form({"hosts.toml": "[web.hosts.h1]\na = 1\n[web.vars]\nb = true\n"}, ("hosts.toml",), needs_ansible=True),
    "refused-empty-yaml": Form({"hosts.yml": "# nothing\n"}, ("hosts.yml",), refused="is empty, expected an inventory"),
    "refused-text-in-yaml": Form({"hosts.yml": "web1\n"}, ("hosts.yml",), refused="must be a map of groups, got text"),
    "refused-part-of-directory": Form({"inv/a": "web1\n", "inv/b.sh": "exit 1\n"}, ("inv",), refused="expected NAME=VALUE"),
    "refused-encrypted-inventory": Form({**PASSWORDS, "hosts.yml": kept("inventory")}, ("hosts.yml",), ("pw",),
                                        refused="is encrypted as a whole"),
}  # fmt: skip
