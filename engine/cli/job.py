"""One run of `plan` or `apply`: from the command line to the runs of its hosts."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from engine.cli.become import given, other, variables
from engine.cli.become import words as become_words
from engine.cli.output import Printer, can_ask
from engine.cli.project import extra_vars, load_inventory, project_root, state_files
from engine.cli.request import Request
from engine.cli.select import check_requested, check_words, left_out, requested
from engine.cli.terminal import ask
from engine.declare.build import load
from engine.declare.secrets.key import Key
from engine.declare.secrets.redact import Redactor
from engine.errors import InvalidInput
from engine.model import (
    Batch,
    Command,
    Facts,
    Host,
    HostDeclaration,
    HostReport,
    Lost,
    Plan,
    Progress,
    Report,
    Secret,
    Transport,
)
from engine.model.events import Note
from engine.plan.cause import secrets_of
from engine.program.section import Lock
from engine.run.apply import Agreed
from engine.run.batches import RolloutRule, rollout_rule
from engine.run.host import HostRun, Settings
from engine.run.rollout import Rollout
from engine.transports import Options, as_user, connect
from engine.transports.unavailable import Unavailable
from engine.views.escape import visible


class Rewrite(Protocol):
    """Turns what is declared for a host into what is to be carried out: a rollback, of the run `run`."""

    run: str

    def __call__(self, declared: HostDeclaration) -> HostDeclaration:
        """What is to be carried out. Any thread may ask."""
        ...

    def lost(self) -> tuple[Lost, ...]:
        """What cannot be put back, of the hosts asked for so far."""
        ...


FORKS = 30
"""Hosts worked on at the same time, unless --forks or the state says otherwise."""


class Job:
    """Loads what was declared and reaches the hosts. Raises InvalidInput from `__init__` for anything that is
    wrong with the command line, the files or the secrets.

    `rewrite`: it is a rollback.
    """

    def __init__(self, request: Request, printer: Printer, rewrite: Rewrite | None = None) -> None:
        self.request, self.printer = request, printer
        self.started = time.monotonic()
        self.run = ""
        self.files = state_files(request.states, request.chdir)
        self.root = project_root(self.files[0], request.chdir)
        self.extra = extra_vars(request.variables, self.root)
        self.inventory = load_inventory(self.root, request)
        self.declared = load(
            self.files,
            project=self.root,
            inventory=self.inventory,
            extra=self.extra,
            limit=request.limit,
            become_user=request.become_user,
        )
        self.rewrite = rewrite
        becoming = variables(request)
        self._typed = [value for value in becoming.values() if isinstance(value, Secret)]
        self.hosts = {
            each.host.name: self._rewritten(replace(each, host=_becoming(each.host, becoming)))
            for each in self.declared.hosts
        }
        self._found = 0
        self._runs: tuple[HostRun, ...] = ()
        self._learn()
        self._warned = self.declared.warnings
        for warning in self._warned:
            printer.err(f"warning: {warning}")
        self.key = Key.load(self.root)
        self._check_words()
        self.rule = self._rule()

    @contextmanager
    def open_rollout(self, progress: Progress, verb: str) -> Iterator[Rollout]:
        """The rollout over all hosts; connections are closed at the end, and threads joined: all but those of a run
        that is stopped at once. Raises InvalidInput where the settings of no host can be used."""
        forks = self.request.forks or int(self.declared.rollout.get("forks") or FORKS)
        executor: Executor = ThreadPoolExecutor(max(1, min(forks, len(self.hosts))))
        options = Options(
            project=self.root,
            connect_timeout=self.request.connect_timeout,
            silence=self.request.silence,
            accept_new=self.request.accept_new,
            prompt=(lambda text: ask(visible(text))) if can_ask() else None,
        )
        traced = self._traced(progress) if self.request.verbose > 1 else lambda transport, name: transport
        # What is asked from the controller needs a POSIX sh: on Windows that of the default distribution of WSL.
        connection = "wsl" if os.name == "nt" else "local"
        controller = Host("controller", vars={"ansible_connection": connection})
        here = traced(connect(controller, options), controller.name)

        ways = [_connected(host, options) for host in self.hosts.values()]
        if ways and all(host.host.problems for host, _ in ways):
            raise InvalidInput(dict.fromkeys(problem for host, _ in ways for problem in host.host.problems))

        def run(host: HostDeclaration, transport: Transport) -> HostRun:
            return HostRun(
                host,
                traced(transport, host.host.name),
                here,
                self._settings(host, verb),
                progress,
                partial(self._finished, host, verb) if host.pending else None,
                lambda user: traced(as_user(transport, host.host, other(host.host, user)), host.host.name),
            )

        runs = [run(host, transport) for host, transport in ways]
        self._runs = tuple(runs)
        rollout = Rollout(runs, executor, progress)
        at_once = False
        try:
            yield rollout
        except KeyboardInterrupt:
            at_once = True
            raise
        finally:
            rollout.close(at_once)
            here.close()
            executor.shutdown(wait=not at_once, cancel_futures=True)

    def plan(self, rollout: Rollout) -> Plan:
        """Observe all hosts and say what differs, redacted. Raises InvalidInput where --only, --skip or --restart
        name what no host has, now that it is known what each has."""
        found = rollout.plan()
        for warning in self.declared.warnings[len(self._warned) :]:
            rollout.progress(Note(f"warning: {warning}"))
        self._learn()
        if named := self.printer.redactor.named:
            names = ", ".join(sorted({secret.name for secret in named if secret.name})) or "of a password"
            warning = (
                f"warning: the value of secret {names} is also part of the name of a host or resource; names are not "
                "redacted, so choose another value"
            )
            rollout.progress(Note(warning))
        self._check_words()
        hosts = self.clean(found)
        several = len(self.rule.batches) > 1
        return Plan(
            self.declared.name,
            hosts,
            seconds=time.monotonic() - self.started,
            batches=tuple(Batch(names) for names in self.rule.batches) if several else (),
            max_failures=self.rule.max_failures if several else None,
            lost=self.lost(),
        )

    def apply(
        self,
        rollout: Rollout,
        agreed: Agreed | None = None,
        finished: Callable[[HostReport], None] = lambda report: None,
    ) -> Report:
        """Carry out what `plan` found, batch by batch, redacted. `agreed` is given redacted plans, too."""

        def ended(report: HostReport) -> None:
            if sum(len(run.found) for run in self._runs) != self._found:
                self._learn()
            finished(self.clean(report))

        asked = None if agreed is None else lambda found: agreed(self.clean(found))
        hosts, batches, stopped = rollout.apply(self.rule, asked, ended)
        several = len(self.rule.batches) > 1
        return Report(
            self.declared.name,
            self.clean(hosts),
            seconds=time.monotonic() - self.started,
            stopped=stopped,
            batches=batches if several else (),
            max_failures=self.rule.max_failures if several else None,
            lost=self.lost(),
        )

    def keep_hashes(self, rollout: Rollout) -> None:
        """Write the new bcrypt hashes that the hosts are about to get, so that a run that is killed finds them again,
        and say so. One that nothing uses which is applied now is not written. Raises InvalidInput."""
        new_hashes = self.declared.new_hashes
        used = [
            secret.reveal()
            for run in (rollout.runs.values() if new_hashes else ())
            if run.planned is not None and run.host not in rollout.refused
            for step, declared in zip(run.planned.steps, run.declared.resources, strict=True)
            if not step.check and step.outlook in ("converged", "change", "check")
            for secret in secrets_of(declared.resource)
        ]
        for new in new_hashes:
            form = Redactor([new.value])
            if any(form.text(text) != text for text in used):
                rollout.progress(Note(new.keep(self.run)))

    def clean(self, value: Any) -> Any:
        """The same value with every secret in it redacted."""
        return self.printer.redactor.scrub(value)

    def _learn(self) -> None:
        """Have the printer look again at what is to be redacted."""
        self._found = sum(len(run.found) for run in self._runs)
        self.printer.learn(self._secrets, self._names)

    def _secrets(self) -> Iterable[Secret]:
        """Those declared, and those found on hosts, each once."""
        found = (secret for run in self._runs for secret in run.found.copy())
        return dict.fromkeys((*self.declared.secrets, *self._typed, *found))

    def _names(self) -> list[str]:
        """The names of hosts and resources, each once."""
        resources = (resource.name for host in list(self.hosts.values()) for resource in host.resources)
        return [*self.hosts, *dict.fromkeys(resources)]

    def lost(self) -> tuple[Lost, ...]:
        """What a rollback cannot put back, redacted."""
        found: tuple[Lost, ...] = self.clean(self.rewrite.lost()) if self.rewrite is not None else ()
        return found

    def command(self, verb: str, *hosts: str) -> Command:
        """The command that would run this again on these hosts: `apply states/qwen.yaml`, with the options given."""
        words = list(self.request.states)
        for option, values in (
            ("-i", self.request.inventory),
            ("--vault-id", self.request.vault_ids),
            ("--vault-password-file", self.request.vault_password_files),
            ("-e", self.request.variables),
        ):
            for value in values:
                words += [option, value]
        words += ["-J"] if self.request.ask_vault_pass else []
        return Command(verb, (*words, *become_words(self.request)), hosts)

    def _rewritten(self, declared: HostDeclaration) -> HostDeclaration:
        """What is to be carried out. Of a host that is pending it is said when it is finished."""
        if self.request.no_guards:
            unguarded = (replace(each, resource=each.resource.unguarded()) for each in declared.resources)
            declared = replace(declared, resources=tuple(unguarded))
        return declared if declared.pending or self.rewrite is None else self.rewrite(declared)

    def _finished(self, host: HostDeclaration, verb: str, facts: Facts) -> tuple[HostDeclaration, Settings]:
        """What is declared for a host with these facts, and the settings for it. Raises InvalidInput."""
        try:
            declared = self._rewritten(self.declared.finish(host.host, facts))
        finally:
            self._learn()
        self.hosts[host.host.name] = declared
        return declared, self._settings(declared, verb)

    def _check_words(self) -> None:
        """Raises InvalidInput for a word of --only, --skip or --restart that matches nothing, once all is known."""
        hosts, request = list(self.hosts.values()), self.request
        if (request.only or request.skip or request.restart) and not any(host.pending for host in hosts):
            check_words(hosts, request.only, request.skip)
            check_requested(hosts, request.restart, request.only, request.skip)

    def _restarted(self, host: str) -> frozenset[str]:
        """The services of a host that the run which is retried has restarted."""
        return frozenset(name for where, name in self.request.restarted if where == host)

    def _settings(self, declared: HostDeclaration, verb: str) -> Settings:
        one = len(self.hosts) == 1 and not self.request.limit
        fix = self.command("apply") if one else self.command("apply", declared.host.name)
        wait, only, skip = self.request.lock_wait, self.request.only, self.request.skip
        return Settings(
            fingerprint=self.key.fingerprint,
            left_out=left_out(declared, only, skip) if only or skip else frozenset(),
            skipped=left_out(declared, (), skip) if skip else frozenset(),
            requested=requested(declared, self.request.restart) - self._restarted(declared.host.name),
            lock=Lock(who=who(), wait=wait) if verb == "apply" else None,
            fix=fix,
            run=self.run if verb == "apply" else "",
        )

    def _rule(self) -> RolloutRule:
        spec = dict(self.declared.rollout)
        if self.request.batches:
            spec["batches"] = [word.strip() for word in self.request.batches.split(",") if word.strip()]
        for name in ("max_failures", "pause"):
            value = getattr(self.request, name)
            if value is not None:
                spec[name] = value
        names = list(self.hosts)
        limited = self.request.limit is not None
        return rollout_rule(names, spec, lambda p: [h.name for h in self.inventory.hosts(p, None)], limited)

    def _traced(self, progress: Progress) -> Callable[[Transport, str], Transport]:
        """What wraps the transport of a host, so that each program is reported before it is sent."""
        from engine.cli.trace import Traced

        redact = self.printer.redact
        return lambda transport, host: Traced(transport, host, redact, progress)


def _becoming(host: Host, variables: Mapping[str, Any]) -> Host:
    """The host with the variables of the command line; with `problems` where its own cannot be used."""
    try:
        return host if host.problems else given(host, variables)
    except InvalidInput as error:
        return replace(host, problems=error.problems)


def _connected(declared: HostDeclaration, options: Options) -> tuple[HostDeclaration, Transport]:
    """What is declared for a host, and the way to it. Where its settings cannot be used, nothing is to be done there,
    and the way to it says why."""
    host = declared.host
    problems = host.problems
    if not problems:
        try:
            return declared, connect(host, options)
        except InvalidInput as error:
            problems = error.problems
    return HostDeclaration(Host(host.name, host.groups, problems=problems), ()), Unavailable(problems)


def who() -> str:
    """Who applies, for the lock and the journal: `user@machine pid 4711`."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"
