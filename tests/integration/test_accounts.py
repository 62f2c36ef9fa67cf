"""user, group and cron on a real system, in a container: never on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.kinds.cron import Cron
from engine.kinds.group import Group
from engine.kinds.user import User
from engine.kit.testing import SHELLS, Machine, contract_suite
from engine.model import HostPath, Resource, Unknown
from tests.accounts import Box, machine
from tests.harness import Failed, apply, converge, observe
from tests.integration.project import Project

pytestmark = pytest.mark.docker

EMPTY = """
for name in $(sed -n 's/^\\(them[^:]*\\):.*/\\1/p' /etc/passwd); do userdel -r $name 2>/dev/null || :; done
for name in $(sed -n 's/^\\(them[^:]*\\):.*/\\1/p' /etc/group); do groupdel $name; done
rm -rf /home/* /var/spool/cron/crontabs/*
"""
SHELL_PARAMETERS = [pytest.param(n, marks=[] if n == "busybox sh" else [pytest.mark.full]) for n in SHELLS]
"""Without --full the contract under one shell: all other tests run under dash."""
ONE, TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIone alice@laptop", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAItwo"


@pytest.fixture(scope="module")
def container() -> Iterator[Box]:
    with machine() as box:
        yield box


@pytest.fixture
def box(container: Box) -> Box:
    """A system without the users, groups and crontabs of these tests."""
    container.sh(EMPTY)
    return container


class InContainer:
    """The contract, under each shell, in the container."""

    @pytest.fixture(params=SHELL_PARAMETERS)
    def machine(self, request: pytest.FixtureRequest, tmp_path: Path, box: Box) -> Machine:
        return Machine(tmp_path, box.shell(SHELLS[request.param]))


class TestGroup(InContainer, contract_suite(Group, {"name": "them", "gid": 2000}, other={"gid": 2001})):  # type: ignore[misc]
    pass


class TestUser(
    InContainer,
    contract_suite(  # type: ignore[misc]
        User,
        {"name": "them", "uid": 2000, "groups": ["audio"], "authorized_keys": [ONE], "append": False},
        other={"uid": 2001, "comment": "Them", "groups": ["video", "audio"], "authorized_keys": [TWO]},
    ),
):
    pass


class TestCron(
    InContainer,
    contract_suite(  # type: ignore[misc]
        Cron,
        {"name": "them", "user": "games", "schedule": "*/5 * * * *", "job": "true"},
        other={"schedule": "@daily", "job": "date +%F"},
        absent={"name": "them", "user": "games", "state": "absent"},
    ),
):
    pass


def left(resource: Resource, box: Box) -> None:
    """Converge, where something is to be done."""
    assert converge(resource, box.shell()) is not None


def test_a_user_as_a_whole(box: Box) -> None:
    box.sh("groupadd them-all")
    user = User(
        name="them", uid=2000, group="audio", comment="The User", home=HostPath("/home/one"),
        shell=HostPath("/bin/bash"), groups=("them-all", "video"), authorized_keys=(ONE,),
    )  # fmt: skip
    left(user, box)
    assert box.sh("getent passwd them").strip() == "them:x:2000:29:The User:/home/one:/bin/bash"
    assert box.sh("id -Gn them").split() == ["audio", "video", "them-all"]
    assert box.sh("stat -c '%U %a' /home/one/.ssh /home/one/.ssh/authorized_keys") == "them 700\nthem 600\n"
    # Other groups and lines stay, and an older line of the same key does not.
    box.sh(
        f"printf '%s\\n' '# mine' '{TWO}' 'no-pty {ONE} old' >/home/one/.ssh/authorized_keys; usermod -aG cdrom them"
    )
    left(user, box)
    assert box.sh("cat /home/one/.ssh/authorized_keys") == f"# mine\n{TWO}\n{ONE}\n"
    assert "cdrom" in box.sh("id -Gn them")
    left(user.replace(append=False), box)
    assert box.sh("cat /home/one/.ssh/authorized_keys") == f"{ONE}\n"
    assert "cdrom" not in box.sh("id -Gn them")
    left(User(name="them", state="absent"), box)
    assert box.sh("ls -a /home/one/.ssh").split() == [".", "..", "authorized_keys"]


def test_a_home_is_removed_where_that_is_declared(box: Box) -> None:
    left(User(name="them"), box)
    left(User(name="them", state="absent", remove_home=True), box)
    assert box.sh("ls /home") == ""


def test_what_must_be_there_before(box: Box) -> None:
    found = observe(User(name="them", uid=1, groups=("them-too",), shell=HostPath("/bin/fish")), box.shell())
    assert {name for name, value in (found.desired or {}).items() if isinstance(value, Unknown)} == {
        "uid", "groups", "shell",
    }  # fmt: skip
    # A group of the user's own name that is there already is the user's.
    left(Group(name="them", gid=3000), box)
    left(User(name="them", groups=("audio",)), box)
    assert box.sh("id -g them").strip() == "3000"


def test_a_group_and_its_user_in_one_apply(box: Box, tmp_path: Path) -> None:
    """What the user needs is made before it, by the same state."""
    project = Project(tmp_path)
    project.inventory({"box": {"ansible_connection": "docker", "ansible_host": box.name}})
    user = {"name": "them", "uid": 2000, "group": "them-first", "groups": ["them-all"], "authorized_keys": [ONE]}
    job = {"name": "it", "user": "them", "schedule": "@daily", "job": "true"}
    project.state(
        {
            "first": {"group": {"name": "them-first"}},
            "all": {"group": {"name": "them-all"}},
            "user": {"user": user},
            "own": {"file-sync": {"path": "/home/them/file", "content": "x", "owner": "them"}},
            "job": {"cron": job},
        }
    )
    done = project.run("apply", "--format", "json")
    assert (done.code, set(done.verdicts().values())) == (0, {"changed"}), done.out + done.err
    assert box.sh("id -Gn them").split() == ["them-first", "them-all"]
    assert set(project.run("apply", "--format", "json").verdicts().values()) == {"unchanged"}
    done = project.run("engine", "rollback", project.runs()[0], "-y", state="")
    assert "the home directory of them stays" in done.out + done.err
    assert box.sh("getent passwd them || getent group them-all || true") == ""


def test_a_group_that_users_have(box: Box) -> None:
    left(User(name="them"), box)
    with pytest.raises(Refused, match="primary group of them"):
        apply(Group(name="them", state="absent"), box.shell())


def test_keys_go_where_their_user_could_write_them(box: Box) -> None:
    """A link of the user's in place of ~/.ssh leads root nowhere."""
    left(User(name="them"), box)
    box.sh("mkdir -m 700 /root/target; su them -c 'ln -s /root/target /home/them/.ssh'")
    with pytest.raises((Failed, Refused)):
        apply(User(name="them", authorized_keys=(ONE,)), box.shell())
    assert box.sh("ls -A /root/target; rmdir /root/target") == ""


def test_without_shadow(box: Box) -> None:
    box.sh("mv /usr/sbin/groupadd /usr/sbin/groupadd.away")
    try:
        with pytest.raises(Failed, match="groupadd is not installed on this host: install shadow"):
            apply(Group(name="them"), box.shell())
    finally:
        box.sh("mv /usr/sbin/groupadd.away /usr/sbin/groupadd")


def test_who_is_not_root(box: Box) -> None:
    with pytest.raises(Refused, match="only root changes users"):
        apply(User(name="them"), box.shell(user="nobody"))


TABLE = "SHELL=/bin/bash\n# mine \\ \xc3\xa4\n\n*/5  * * *\t*  echo  'a  b'\n"


def table(box: Box, user: str) -> str:
    return box.sh(f"cat /var/spool/cron/crontabs/{user} | grep -v -e '^# DO NOT EDIT' -e '^# (' || true")


def test_other_lines_of_a_crontab_stay(box: Box) -> None:
    """Byte for byte; and an entry has its place, and is no more than the line behind its mark."""
    left(User(name="them"), box)
    box.sh(f"cat >/table <<'END'\n{TABLE}END\ncrontab -u them /table")
    one = Cron(name="one's $x *", user="them", schedule="@daily", job="echo 50% \\n 'x' >/tmp/x")
    two = Cron(name="two", user="them", schedule="0 3 * * 1-5", job="true")
    left(one, box)
    left(two, box)
    lines = "# onetrip: one's $x *\n@daily echo 50\\% \\n 'x' >/tmp/x\n"
    assert table(box, "them") == f"{TABLE}{lines}# onetrip: two\n0 3 * * 1-5 true\n"
    left(one.replace(schedule="@hourly"), box)
    assert table(box, "them") == f"{TABLE}{lines.replace('daily', 'hourly')}# onetrip: two\n0 3 * * 1-5 true\n"
    left(one.replace(state="absent"), box)
    # Somebody took the entry away, and left the mark.
    box.sh("crontab -u them -l | sed 's/^0 3.*/# a note/' | crontab -u them -")
    left(two, box)
    assert table(box, "them") == f"{TABLE}# onetrip: two\n0 3 * * 1-5 true\n# a note\n"


def test_an_entry_runs(box: Box) -> None:
    """What cron itself makes of the job: `%` is no line break."""
    left(User(name="them"), box)
    left(Cron(name="now", user="them", schedule="@reboot", job="date +%Y.x >~/ran"), box)
    box.sh("rm -f /var/run/crond.reboot /run/crond.pid; cron")
    assert box.sh("for n in $(seq 50); do [ -s ~them/ran ] && break; sleep 0.1; done; cat ~them/ran").endswith(".x\n")
    box.sh("kill $(cat /run/crond.pid)")


def test_whose_crontab(box: Box) -> None:
    left(User(name="them"), box)
    mine = Cron(name="mine", user="them", schedule="@daily", job="true")
    assert converge(mine, box.shell(user="them")) is not None
    with pytest.raises(Refused, match="only root changes the crontab of them"):
        apply(mine, box.shell(user="nobody"))
    with pytest.raises(Failed, match="bad minute"):
        apply(mine.replace(schedule="61 * * * *"), box.shell())
    found = observe(mine.replace(user="them-not"), box.shell())
    assert isinstance((found.desired or {})["entry"], Unknown)


def test_what_is_put_back(box: Box) -> None:
    entry = Cron(name="it", user="games", schedule="@daily", job="date +%F")
    assert entry.restored({"entry": "5 * * * * date +\\%Y"}, ("entry",), HostPath("/x")) == entry.replace(
        schedule="5 * * * *", job="date +%Y"
    )
    assert entry.restored(None, ("entry",), HostPath("/x")) == Cron(name="it", user="games", state="absent")


def test_the_crontab_of_busybox(box: Box) -> None:
    box.sh("mkdir -p /opt/busybox; ln -sf /bin/busybox /opt/busybox/crontab")
    shell = box.shell(("env", "PATH=/opt/busybox:/usr/sbin:/usr/bin:/sbin:/bin", "sh"))
    entry = Cron(name="it", user="games", schedule="0 3 * * *", job="date +%F")
    assert converge(entry, shell) is not None
    assert table(box, "games") == "# onetrip: it\n0 3 * * * date +%F\n"
    assert converge(entry.replace(state="absent"), shell) is not None
