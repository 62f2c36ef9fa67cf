"""cron: one entry of a user's crontab is there, or is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from engine.kit import Facts, HostPath, InvalidParameter, Refused, Reversible, State, Variables
from engine.kit.accounts import ACCOUNTS, NAME
from engine.kit.shell import texts
from engine.model import Place, Plain, Resource, Unknown

sh = texts(__file__)
_FIELD = r"[0-9A-Za-z*,/-]+"
_SCHEDULE = rf"^(@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|{_FIELD}( {_FIELD}){{4}})$"


class Cron(Reversible):
    """One entry of a user's crontab is there, or is not.

    resources:
      backup:
        cron:
          name: nightly backup
          user: postgres
          schedule: 30 3 * * *
          job: pg_dumpall | gzip >/var/backups/all-$(date +%F).sql.gz
      no-report:
        cron: { name: weekly report, state: absent }
    """

    name: Annotated[
        str,
        "What the entry is called: it follows a comment line `# onetrip: NAME`. All other lines stay as they are.",
        {"pattern": r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$", "maxLength": 200},
    ]
    user: Annotated[str, "Whose crontab it is. Left out: that of the user who acts.", {"pattern": NAME}] = ""
    schedule: Annotated[
        str,
        "When it runs: the five fields of cron with one blank between them, or such as @daily.",
        {"pattern": _SCHEDULE},
    ] = ""
    job: Annotated[
        str,
        "What runs: shell text of one line. A `%` is written as cron takes it. All users of the host may see it "
        "while it runs.",
        {"maxLength": 900},
    ] = ""
    state: Annotated[Literal["present", "absent"], "absent: there is no such entry."] = "present"

    probe_sh: ClassVar[str] = ACCOUNTS + sh("table.sh", "probe.sh")
    apply_sh: ClassVar[str] = ACCOUNTS + sh("table.sh", "apply.sh")

    def check_parameters(self) -> None:
        for parameter in ("schedule", "job"):
            if self.state == "present" and not getattr(self, parameter):
                raise InvalidParameter(parameter, "an entry needs schedule and job")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", self.job) or self.job != self.job.strip():
            raise InvalidParameter("job", "a job is one line, without blanks around it; put more into a script")

    def variables(self) -> Variables:
        """`name` as `entry_name`."""
        return {("entry_name" if name == "name" else name): value for name, value in super().variables().items()}

    def title(self) -> str:
        return f"cron {self.name}"

    def places(self) -> tuple[Place, ...]:
        return ()

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return ("entry",)

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        return {"entry": facts["entry"]} if "entry" in facts else None

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        if "nobody" in facts:
            why = f"there is no user {self.user} on this host; make it before the entry"
            return {"entry": Unknown(why, upstream=True)}
        return {"entry": facts["line"]}

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        if prior is None:
            return Cron(name=self.name, user=self.user, state="absent")
        found = re.match(rf"(@\w+|{_FIELD}(?: {_FIELD}){{4}}) (\S.*)$", str(prior["entry"]))
        if found is None:
            return None
        job = re.sub(r"\\%", "%", found[2])
        return Cron(name=self.name, user=self.user, schedule=found[1], job=job)
