"""What refers to facts of a host is put off; all else is rendered and checked before any host is reached."""

from __future__ import annotations

from typing import Any

import pytest

from engine.declare.build import Declarations
from engine.declare.host_facts import FACTS, REPRESENTATIVE
from engine.errors import InvalidInput
from engine.model import HostDeclaration, Secret
from tests.unit.declare.conftest import Project

MAC = {
    "os": "darwin", "arch": "arm64", "user": "me", "home": "/Users/me", "hostname": "mac", "distribution": "macos",
    "version": "14.5", "codename": "sonoma", "address": "10.0.0.7", "cores": "8", "memory": "16384",
    "init": "launchd",
}  # fmt: skip


def state(project: Project, *resources: str, head: str = "") -> None:
    """A state for the host `one`, with these entries of `resources`."""
    project.write("state.yaml", "\n".join(["hosts: one", head, "resources:", *(f"  {each}" for each in resources)]))


def pending(project: Project, **more: Any) -> Declarations:
    """What is loaded; its one host is pending."""
    loaded = project.load(**more)
    (host,) = loaded.hosts
    assert host.pending
    return loaded


def finished(project: Project, facts: dict[str, str] | None = None, **more: Any) -> HostDeclaration:
    """The one host, with the facts given."""
    loaded = pending(project, **more)
    return loaded.finish(loaded.hosts[0].host, facts or MAC)


def refused(project: Project, facts: dict[str, str] | None = None) -> str:
    """Why it cannot be finished."""
    with pytest.raises(InvalidInput) as caught:
        finished(project, facts)
    return str(caught.value)


def test_a_declaration_without_facts_is_finished_at_once(project: Project) -> None:
    state(project, "a: { note: { path: '/{{ host.name }}', public: '{{ host.groups | join }}' } }")
    (host,) = project.load().hosts
    assert not host.pending
    assert host.facts == {}
    assert host.resources[0].resource.public == "web"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_there_in_the_end(project: Project, name: str) -> None:
    state(project, f"a: {{ note: {{ path: /a, public: 'it is {{{{ host.{name} }}}}' }} }}")
    done = finished(project)
    assert done.resources[0].resource.public == f"it is {MAC[name]}"  # type: ignore[attr-defined]
    assert done.facts == {name: MAC[name]}
    assert not done.pending


@pytest.mark.parametrize(
    "text",
    [
        "{{ host.home }}",
        "{{ host['home'] }}",
        "{{ host['home'] | upper | lower | replace('/users', '/Users') }}",
        "{% for key, value in host.items() %}{% if key == 'home' %}{{ value }}{% endif %}{% endfor %}",
        "{{ (host | tojson).split('\"home\": \"')[1].split('\"')[0] }}",
        "{{ whole.home }}",
        "{{ place }}",
    ],
)
def test_however_a_fact_is_reached(project: Project, text: str) -> None:
    head = "vars: { whole: '{{ host }}', place: '{{ host.home }}' }"
    state(project, f"a:\n    note:\n      path: /a\n      public: |-\n        {text}", head=head)
    assert finished(project).resources[0].resource.public == "/Users/me"  # type: ignore[attr-defined]


def test_only_facts_that_were_referred_to_count(project: Project) -> None:
    text = "{% if host.os == 'linux' %}{{ host.home }}{% else %}{{ host.arch }}{% endif %}"
    state(project, f'a: {{ note: {{ path: /a, public: "{text}" }} }}')
    assert finished(project).facts == {"os": "darwin", "arch": "arm64"}
    assert finished(project, {**MAC, "os": "linux"}).facts == {"os": "linux", "home": "/Users/me"}


def test_when_and_for_each_over_facts(project: Project) -> None:
    state(
        project,
        "mac: { when: host.os == 'darwin', note: { path: /mac } }",
        "linux: { when: host.os == 'linux', note: { path: '/{{ only_there }}' } }",
        "each: { for_each: ['{{ host.user }}', root], note: { path: '{{ host.home }}/{{ each.key }}' } }",
        "last: { needs: [linux, mac, each/me, each], note: { path: /last } }",
    )
    done = finished(project)
    assert [(each.name, each.resource.path) for each in done.resources] == [  # type: ignore[attr-defined]
        ("mac", "/mac"),
        ("each/me", "/Users/me/me"),
        ("each/root", "/Users/me/root"),
        ("last", "/last"),
    ]
    assert done.resources[-1].needs == ("mac", "each/me", "each/root")
    assert "`only_there` is not defined" in refused(project, {**MAC, "os": "linux"})


def test_include_takes_facts(project: Project) -> None:
    project.write("part.yaml", "vars: { dir: /x }\nresources:\n  a: { note: { path: '{{ dir }}/a' } }\n")
    head = (
        "include:\n"
        "  - { file: part.yaml, as: home, vars: { dir: '{{ host.home }}' } }\n"
        "  - { file: part.yaml, as: each, for_each: ['{{ host.os }}'], vars: { dir: '/{{ each.key }}' } }\n"
    )
    state(project, "b: { needs: [home, each/darwin/a], note: { path: /b } }", head=head)
    done = finished(project)
    assert [(each.name, each.resource.path) for each in done.resources] == [  # type: ignore[attr-defined]
        ("home/a", "/Users/me/a"),
        ("each/darwin/a", "/darwin/a"),
        ("b", "/b"),
    ]


def test_what_is_wrong_whatever_the_facts_are_is_told_before(project: Project) -> None:
    state(
        project,
        "a: { note: { path: '{{ host.home }}/{{ undefned }}' } }",
        "b: { note: { path: '{{ host.home }}', mode: rw } }",
        "c: { needs: [nobody], note: { path: '{{ host.home }}/{{ host.nme }}' } }",
        "d: { when: host.os == 'linux', for_each: [x], note: { path: /d } }",
        "e: { needs: [d/x, d/typo], note: { path: '/{{ secrets.none }}' } }",
    )
    with pytest.raises(InvalidInput) as caught:
        project.load()
    said = [problem.message for problem in caught.value.problems]
    assert said == [
        "`undefned` is not defined",
        "note `mode`: expected permission bits such as 0600, got `rw`",
        "`c` needs `nobody`, but no resource has that name",
        "`host` has no `nme`",
        "there is no secret `none`",
    ]


def test_a_circle_is_told_before_unless_facts_may_break_it(project: Project) -> None:
    circle = ["a: { needs: [c], note: { path: /a } }", "c: { note: { path: '{{ host.home }}' } }"]
    state(project, *circle)
    with pytest.raises(InvalidInput, match="circular needs: a → c → a"):
        project.load()
    between = "b: { when: host.os == 'darwin', needs: [], note: { path: /b } }"
    state(project, circle[0], between, circle[1])
    assert len(finished(project).resources) == 3
    assert "circular needs: a → c → a" in refused(project, {**MAC, "os": "linux"})


def test_what_is_wrong_with_the_facts_is_told_with_its_place(project: Project) -> None:
    state(
        project,
        "a: { note: { path: '{{ host.user }}' } }",
        "b: { note: { path: /b, public: \"{{ {'linux': 'x'}[host.os] }}\" } }",
        "c: { when: host.arch, note: { path: /c } }",
    )
    said = refused(project).splitlines()
    assert (
        "state.yaml:4:22: note `path`: expected a path on the host, absolute or beginning with ~/, got `me`" in said
    )
    assert "state.yaml:5:34: there is no `darwin` in it" in said
    assert "state.yaml:6:14: `when` must give true or false, not the text `arm64`" in said


def test_a_fact_that_a_host_did_not_tell_is_an_error_only_where_it_is_used(project: Project) -> None:
    state(project, "a: { note: { path: '{{ host.home }}/a', public: '{{ host.os }}' } }")
    facts = {key: value for key, value in MAC.items() if key != "home"}
    assert "`host.home` is not known: the host did not report that user's home directory ($HOME)" in refused(
        project, facts
    )
    state(project, "a: { note: { path: /a, public: '{{ host.os }}' } }")
    assert finished(project, facts).facts == {"os": "darwin"}


def test_a_fact_is_data_and_never_a_template(project: Project) -> None:
    hostile = "{{ secrets.token }}{% raw %}$(id)`id`'\"\n"
    head = "secrets: { token: { command: [printf, hush] } }\nvars: { name: '{{ host.hostname }}' }"
    state(
        project,
        "a: { note: { path: /a, public: '{{ host.hostname }}', lines: ['{{ name | trim }}', '{{ name }}'] } }",
        head=head,
    )
    note = finished(project, {**MAC, "hostname": hostile}).resources[0].resource
    assert note.public == hostile  # type: ignore[attr-defined]
    assert note.lines == (hostile.strip(), hostile)  # type: ignore[attr-defined]


def test_a_secret_may_depend_on_a_fact_and_is_known_for_redaction(project: Project) -> None:
    project.write("mac.token", "for-the-mac").chmod(0o600)
    head = (
        "secrets:\n"
        "  own: { file: '{{ host.hostname }}.token' }\n"
        "  all: { command: 'echo x >>ran; printf for-everyone' }\n"
    )
    entries = (
        "a: { note: { path: /a, text: '{{ secrets.own }}' } }",
        "b: { note: { path: '{{ host.home }}', text: '{{ secrets.all | upper }} {{ host.hostname }}' } }",
    )
    state(project, *entries, head=head)
    loaded = project.load()
    assert [secret.reveal() for secret in loaded.secrets] == ["for-everyone"]
    (host,) = loaded.hosts
    assert host.pending
    done = loaded.finish(host.host, MAC)
    assert done.resources[0].resource.text == Secret("for-the-mac")  # type: ignore[attr-defined]
    assert {secret.reveal() for secret in loaded.secrets} == {"for-everyone", "for-the-mac", "FOR-EVERYONE mac"}
    assert project.root.joinpath("ran").read_text() == "x\n"
    with pytest.raises(InvalidInput, match=r"state.yaml:3:10: secret own.*no such file|secret own"):
        loaded.finish(host.host, {**MAC, "hostname": "other"})


def test_nobody_is_asked_for_a_secret_once_hosts_are_reached(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda text, *rest: asked.append(text) or "typed-in")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    head = "secrets:\n  first: { prompt: true }\n  late: { prompt: 'For {{ host.hostname }}' }\n"
    state(project, "a: { when: host.os == 'darwin', note: { path: /a, text: '{{ secrets.first }}' } }", head=head)
    loaded = pending(project)
    assert len(asked) == 1
    assert loaded.finish(loaded.hosts[0].host, MAC).resources[0].resource.text == Secret("typed-in")  # type: ignore[attr-defined]
    assert len(asked) == 1
    state(project, "a: { note: { path: /a, text: '{{ secrets.late }}' } }", head=head)
    assert "state.yaml:4:11: secret late cannot be asked for after connecting" in refused(project)
    assert len(asked) == 2


def test_facts_may_be_given_so_that_nothing_is_pending(project: Project) -> None:
    state(
        project,
        "a: { note: { path: '{{ host.home }}/a' } }",
        "b: { when: host.os == 'linux', note: { path: '{{ undefned }}' } }",
    )
    with pytest.raises(InvalidInput) as caught:
        project.load(facts=REPRESENTATIVE)
    (problem,) = caught.value.problems
    assert problem.message == "`undefned` is not defined"
    assert problem.hints[-1] == "assuming a host with os linux, home /home/user; `plan` asks each host"
    (host,) = project.load(facts=MAC).hosts
    assert not host.pending
    assert host.resources[0].resource.path == "/Users/me/a"  # type: ignore[attr-defined]


def test_hosts_are_finished_independently_and_by_many_threads(project: Project) -> None:
    from concurrent.futures import ThreadPoolExecutor

    hosts = "".join(f"        h{number}:\n" for number in range(30))
    project.write("inventory.yaml", f"all:\n  children:\n    web:\n      hosts:\n{hosts}")
    project.write(
        "state.yaml",
        "hosts: web\nsecrets: { own: { command: [printf, 'of-{{ host.hostname }}'] } }\nresources:\n"
        "  a: { note: { path: '/{{ host.name }}', text: '{{ secrets.own }}', public: '{{ host.hostname }}' } }\n",
    )
    loaded = project.load()

    def finish(host: HostDeclaration) -> Any:
        assert host.pending
        return loaded.finish(host.host, {**MAC, "hostname": f"name-{host.host.name}"}).resources[0].resource

    with ThreadPoolExecutor(8) as pool:
        notes = list(pool.map(finish, loaded.hosts))
    assert [(note.path, note.public, note.text) for note in notes] == [
        (f"/h{n}", f"name-h{n}", Secret(f"of-name-h{n}")) for n in range(30)
    ]
    assert len(loaded.secrets) == 30


def test_cores_and_memory_are_numbers(project: Project) -> None:
    state(
        project,
        "a: { when: host.memory >= 16000 and host.cores > 7, note: { path: /a, count: '{{ host.cores * 2 }}' } }",
        "b: { note: { path: /b, public: '{{ host.memory }} of {{ host.version }}' } }",
    )
    done = finished(project)
    assert [each.resource.path for each in done.resources] == ["/a", "/b"]  # type: ignore[attr-defined]
    assert done.resources[0].resource.count == 16  # type: ignore[attr-defined]
    assert done.resources[1].resource.public == "16384 of 14.5"  # type: ignore[attr-defined]
    assert done.facts == {"version": "14.5", "cores": "8", "memory": "16384"}


def test_a_fact_that_the_host_does_not_report_may_have_a_default(project: Project) -> None:
    few = {name: value for name, value in MAC.items() if name not in ("version", "codename")}
    for text in ("host.version | default('rolling')", "host['version'] | default('rolling')"):
        state(project, f'a: {{ note: {{ path: /a, public: "{{{{ {text} }}}}" }} }}')
        done = finished(project, few)
        assert done.resources[0].resource.public == "rolling"  # type: ignore[attr-defined]
        assert done.facts == {}
    state(project, "a: { when: host.codename is defined, note: { path: /a } }", "b: { note: { path: /b } }")
    assert [each.name for each in finished(project, few).resources] == ["b"]
    state(project, "a: { note: { path: /a, public: '{{ host | to_json }}' } }")
    assert '"version"' not in finished(project, few).resources[0].resource.public  # type: ignore[attr-defined]
    for text in ("{{ host.version }}", "{{ host.version | upper }}"):
        state(project, f'a: {{ note: {{ path: /a, public: "{text}" }} }}')
        assert "`host.version` is not known: the host did not report the version" in refused(project, few)
        assert "`host.version | default(...)`" in refused(project, few)
