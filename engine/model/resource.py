"""A kind and what it deals in: scripts, uploads, changes, actions. All of it pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from engine.model.values import Facts, HostPath, Params, Plain, Secret, State


@dataclass(frozen=True)
class Script:
    """A piece of POSIX sh. `text` is a constant; every value arrives as a variable or positional argument.

    vars  shell variables (not exported), name → value. A `Secret` is revealed only while the program is written; a
          `HostPath` has its leading `~/` expanded on the host; bool becomes `1` or empty; int its decimal text.
    args  the positional parameters `$1`, `$2`, ... for lists, same conversions.
    looks variables that hold what other read-only scripts print, name → script. Probes that look at the same thing
          (same text, same values) share one run of it. They are set in probes only: where the variable is not set,
          the script MUST look for itself. A look has no `phase`, `timeout`, `staging`, and reports no facts.
          See also `Glance`.

    It runs under `set -eu` in a subshell of its own with stdin from /dev/null, LC_ALL=C, and these functions:
      fact KEY VALUE  report a fact (KEY: up to 200 of letters, digits, `_`, `.`, `-`; VALUE: any bytes but NUL;
                      last one wins)
      fail MESSAGE    print MESSAGE to the section's output and end the section with status 1
      need COMMAND    `fail`, saying that COMMAND is not installed on the host, unless it is
      as_user USER TEXT  run a `ScriptText` as that user (empty: whom the host's programs run as; `.`: whom this
                      script runs as), descriptor 9 its standard output; only there where a script of the program
                      has such a value
      sha256          print the hex SHA-256 of standard input (no file name, no newline trouble)
    and these variables:
      phase           plan, apply, gate or verify
      timeout         seconds this section may take
      retries         how often a check may ask again after a wrong answer (0 in a plan, and where asking has effects)
      staging         in an action with an `upload`: the directory its files were unpacked into
    """

    text: str
    vars: Mapping[str, str | int | bool | Secret] = field(default_factory=dict)
    args: Sequence[str | int | bool | Secret] = ()
    shared: Mapping[str, Script] = field(default_factory=dict)
    quick: bool = False
    """Of a probe with `shared` variables: where these are set it does not wait, does not `exit`, goes nowhere, and
    leaves no variable that another probe of the same text takes for its own. Such probes run one after another in one
    subshell."""


@dataclass(frozen=True)
class BatchedProbe(Script):
    """A look at one of many things, which is its only argument. Glances of the same text and values are run together:
    the script is given the arguments of all, and prints `N WHAT` on a line of its own for the Nth, if it learnt
    anything of it; a glance's variable holds its own WHAT, or nothing. It is a shortcut: it MUST succeed quickly, and
    leave out what takes long or goes wrong."""


class ScriptText(str):
    """A script as one value of another, which hands it to `as_user`."""

    script: Script

    def __new__(cls, script: Script) -> ScriptText:
        made = super().__new__(cls, script.text)
        made.script = script
        return made

    def __getnewargs__(self) -> tuple[Script]:  # type: ignore[override]
        return (self.script,)


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: `name` is relative to the source's root (`""` for a single file), `path` on the
    controller, `size` in bytes, `mode` as permission bits, `digest` the SHA-256 hex of its content. `data` is the
    content itself where the loader kept it (a source that is one file of up to 64 kB), so that it can be diffed and
    travel inside the program."""

    name: str
    path: Path
    size: int
    mode: int
    digest: str
    data: bytes | None = None


@dataclass(frozen=True)
class Source:
    """A file or directory on the controller, as the loader found it. Directories are walked in sorted order;
    a symbolic link in it is followed only if it stays inside. `tree` tells a directory from a single file."""

    root: Path
    tree: bool
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Upload:
    """Bulk content for an action, sent as one tar stream in an exec of its own.

    directory  where on the host the staging directory is made (same file system as the target, so that a rename
               suffices); must exist or be creatable there
    files      (name inside the staging directory, content), content a file on the controller or bytes
    """

    directory: HostPath
    files: tuple[tuple[str, SourceFile | bytes], ...]


WRONG = 3
"""Status that ends the section of a check in phase `gate` where it does not hold, as far as the host can tell."""


@dataclass(frozen=True)
class Watch:
    """A resource whose content a service was started with: its name, and the script that reports two facts,
    `fingerprint` (digest of all that the resource manages) and `ctime` (newest, seconds with nanoseconds as
    `stat -c %.9Z` prints, or empty where nothing exists). `user` runs it, where that is another one than the watcher
    runs as; empty: the one that the host's programs run as."""

    name: str
    script: Script
    user: str | None = None


@dataclass(frozen=True)
class Place:
    """What a resource manages at one path of the host, so that two of them are not told to fight over it.

    kind   `file`, `directory`, `nothing` (it must not be there), or empty: whatever is there
    parts  names of what of it is managed, such as `line 1` or `key PORT`; `whole`: all that it holds is
    marks  mode, owner and group, as far as they are declared
    alone  of a directory: whether what is below it under a name may be nobody else's; None: anything may be there
    """

    path: HostPath
    kind: Literal["file", "directory", "nothing", ""] = ""
    parts: frozenset[str] = frozenset()
    whole: bool = False
    marks: Mapping[str, str] = field(default_factory=dict)
    alone: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Change:
    """actual → desired, of one resource on one host. `before` None: it does not exist; `after` None: it must not.

    `facts` are those of the probe, so that an action can rely on what was found.
    """

    before: State | None
    after: State | None
    facts: Facts

    def differing(self) -> tuple[str, ...]:
        """Names of the attributes that differ, in the order of `after` (or `before` where there is no after)."""
        before, after = self.before or {}, self.after or {}
        names = [*after, *(name for name in before if name not in after)]
        return tuple(name for name in names if before.get(name) != after.get(name))


@dataclass(frozen=True)
class Action:
    """One script that makes a change. `title` says in plain words what it does (shown by -v, never a secret).

    `timeout` is in seconds; None takes the resource's `timeout` keyword or the engine's default of 10 minutes.
    The script may report the fact `changed` = `no` where it found on the host that nothing was to be done. `waits`
    are the seconds that it may wait for others first, beside its timeout.

    `checks_prior`: before it changes anything the script itself sees that what it replaces is as planned: in the
    variables `planned` and `planned_keys` is what `fact` compares, empty where nothing is to be compared. So the
    probe does not run again before it. `notes_absence`: where that says that nothing is there, it also notes this for
    a rollback, as `keep` demands, so no other script does (`note_absence`).
    """

    title: str
    script: Script
    timeout: float | None = None
    waits: float = 0.0
    upload: Upload | None = None
    checks_prior: bool = False
    notes_absence: bool = False


class Resource(Protocol):
    """A kind. Implementations are frozen dataclasses whose fields are the parameters; methods are pure: same
    arguments, same answer, no I/O. Subclass this protocol to inherit the defaults of the optional hooks.

    One that cannot be made of its parameters raises `engine.errors.InvalidParameter`. Any exception that is not said
    of a method is an error of that resource, and of no other.

    `params`: JSON Schema of each parameter, with `description`. Beside the standard keywords:
      required: true    this parameter must be given
      secret: true      a Secret may stand here (elsewhere one is an input error)
      source: content   a path on the controller; the field receives a `Source`
      source: template  a path on the controller; the field receives the rendered text (str or Secret)
      template_keys: true  a map whose keys may be templates
      watches: true     a list of resource names; the field receives a tuple of `Watch`
      host_path: true   a path on the host; checked to be absolute or to begin with `~/`; receives a `HostPath`
      mode: true        file permission bits; `0600`, `"0600"` and `600` all arrive as the text `0600`
    Lists arrive as tuples, maps as dicts (treat them as frozen). A parameter left out keeps the field's default.
    """

    kind: ClassVar[str]
    summary: ClassVar[str]
    """One sentence on what the kind is for (`onetrip kinds`)."""
    example: ClassVar[str]
    """A YAML example of `resources:` entries, shown by `onetrip kinds KIND` and validated by a test."""
    params: ClassVar[Params]
    check: ClassVar[bool] = False
    """True: it has no actions; the diff found by the verify pass is its verdict (http-assert)."""
    restarts: ClassVar[bool] = False
    """True: it is a service, which is started, and restarted on its `watches`."""
    volatile: ClassVar[bool] = False
    """True: a pending change upstream can alter what it finds or wants (pip-install: the requirements file comes
    with a checkout). Then it is planned as "checked after apply" whatever it finds now, its actions run, decide on
    the host, and report the fact `changed` = `no` where there was nothing to do."""

    def probe(self) -> Script:
        """MUST be read-only and report with `fact`. In phases `verify` and `gate` a check asks again here.
        A missing or failing command MUST end the section with a status other than 0, never look like absent."""
        ...

    def actual(self, facts: Facts) -> State | None:
        """The state found; None: it does not exist. An `Unknown` value means: not known yet. MAY raise
        `engine.errors.Refused` where the facts show something that must not be touched."""
        ...

    def desired(self, facts: Facts) -> State | None:
        """The state declared; None: it must not exist. Same attribute names as `actual`."""
        ...

    def actions(self, change: Change) -> Iterator[Action]:
        """MUST yield actions that lead from `before` to `after`; MUST be safe to repeat after being cut off.
        MAY raise `engine.errors.Refused`: nothing is done then, and what needs it is skipped."""
        ...

    def prior_facts(self, facts: Facts) -> Collection[str]:
        """Keys of facts of the probe that say what an action replaces. The probe runs once more right before the
        actions, and where one of these is no longer what the plan was made from, nothing is done."""
        return ()

    def where(self) -> Literal["host", "controller"]:
        """Where its scripts run."""
        return "host"

    def effects(self) -> bool:
        """Of a check: asking it changes something. Then its script MUST NOT ask in phase `plan` (its `actual` is
        `Unknown`), and an apply asks it once."""
        return False

    def unguarded(self) -> Resource:
        """The same, whose probe runs none of the programs that the state names in phase `plan`: `plan --no-guards`.
        What only they could tell is then `Unknown`."""
        return self

    def judge(self) -> Literal["host", "controller"]:
        """Of a check: who can tell whether it holds. `host`: its script can, and in phase `gate` it MUST end with
        status `WRONG` where it does not hold, its facts reported. `controller`: only `actual` and `desired` can."""
        return "controller"

    def verb(self, change: Change) -> str:
        """What the change is called in plans: `change`, for a command `run`, or for a service `create`, `start`,
        `recreate`, `restart`, `stop`, `remove`."""
        return "change"

    def places(self) -> tuple[Place, ...] | None:
        """What it manages at which paths of the host; none: it manages nothing that has a path there. None: that
        cannot be told beforehand."""
        return None

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        """Whether a change upstream can be what the probe failed for want of, after it reported `facts`. `pending`
        holds the `places` of all resources upstream that have a change pending, which are one or more."""
        return True

    def alters(self, change: Change) -> bool:
        """Whether such a change surely alters what `watched` reports."""
        return True

    def watched(self) -> Script | None:
        """For `restart_on`: reports `fingerprint` and `ctime` as `Watch` says; None: it cannot be watched."""
        return None

    def watches(self) -> tuple[Watch, ...]:
        """What this resource restarts on. For each watch, `actual` has an attribute of the watch's name that is
        `CURRENT` or says what is stale; where the watched resource has a pending change, the engine sets it."""
        return ()

    def mark(self) -> Script | None:
        """Run before the first change to any watched resource, so that a restart that becomes due is not lost."""
        return None

    def prove(self) -> Script | None:
        """Of a service: run at the end of an apply, once all checks that show that it has read its files have
        answered rightly, so that its ledger may vouch for them."""
        return None

    def ended(self) -> Script | None:
        """Of a service: prints to descriptor 9 why it does not run any more, nothing where it runs, so that no check
        behind it waits for an answer. Read-only; None: nothing tells."""
        return None

    def explain(self, facts: Facts) -> str:
        """Why it is not as declared in the verify pass, as far as its facts tell; may have more lines."""
        return ""

    def keep(self, change: Change) -> Script | None:
        """Run before the first action of a change: keeps what the actions will replace under the path `$keep` and
        names that begin with it, which are nobody else's. The directory above it is there; what stands at the path,
        a file or a directory, is for the script to make. MUST be read-only elsewhere, and safe to repeat."""
        return None

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        """The resource that puts back what a run replaced: `prior` is the state the run found (None: absent),
        `changed` names the attributes it changed, `keep` is the path its `keep` script was given. None: there is
        nothing to put back, or it cannot be. SHOULD go with `lost`."""
        return None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        """What of such a run `restored` does not put back, in a sentence for the user; empty: it puts back all there
        is to put back. A rollback shows it before it asks, and does not succeed."""
        return "" if self.restored(prior, changed, keep) is not None else f"what {self.kind} changed stays as it is"

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        """attribute → (text now, text declared), for a unified diff; only where neither side holds a secret and
        the file on the host is world-readable."""
        return {}

    def show(self, facts: Facts) -> Mapping[str, str]:
        """Labels and values to print in the report."""
        return {}
