"""`onetrip unlock`: show who holds the lock of a host, or break it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from engine.cli.become import given, variables
from engine.cli.options import Command, become, inventory_option, option, root_option
from engine.cli.output import Printer
from engine.cli.project import load_inventory, project_root
from engine.cli.request import Request
from engine.codes import Code
from engine.declare.inventory import passwords
from engine.errors import EngineError, HostFailed, InvalidInput, Unreachable
from engine.model import Host, Outside, Sentence, Transport
from engine.model.sentence import shown
from engine.program.compose import run
from engine.program.lock import holder_program, unlock_program
from engine.program.parser import Finished, Result
from engine.program.section import Program
from engine.transports import Options, connect
from engine.views.escape import visible


@click.command("unlock", cls=Command, examples="{program} unlock gpu1 --show\n{program} unlock gpu1")
@click.argument("pattern")
@root_option
@inventory_option
@option("--show", is_flag=True, help="Only show who holds the lock.")
@option("-y", "--yes", is_flag=True, help="Break the lock even if its apply still runs.")
@become
def unlock_command(
    pattern: str, chdir: Path | None, inventory: tuple[str, ...], show: bool, yes: bool, **options: Any
) -> None:
    """Break the lock of an apply on the hosts that match PATTERN.

    A lock is released when its apply ends. Breaking the lock of a running apply lets two
    applies change the host at the same time, so that needs --yes. Locks are per host and
    user: use --become if the apply ran as another user.
    """
    root = project_root(Path.cwd(), chdir)
    request = Request(inventory=inventory, **options)
    known = load_inventory(root, request)
    found = known.hosts(pattern, None)
    becoming = variables(request)
    hosts = [given(host, becoming) for host in found]
    printer = Printer()
    printer.learn(lambda: (*passwords(hosts), *known.secrets), lambda: [host.name for host in hosts])
    code = 0
    for host in hosts:
        try:
            printer.out(Sentence(host.name, ": ", _unlock(host, Options(root), show, yes)))
        except EngineError as error:
            printer.err(shown(error))
            code = 4 if isinstance(error, Unreachable) and code != 1 else 1
    sys.exit(code)


def _unlock(host: Host, options: Options, show: bool, force: bool) -> str:
    if host.problems:
        raise InvalidInput(host.problems)
    transport = connect(host, options)
    try:
        found = _ask(host, transport, holder_program())
        who, held = Outside(visible(found.facts.get("holder", ""))), found.facts["held"] == "yes"
        if not who:
            return "is not locked"
        if show:
            return Sentence("is locked by " if held else "is not locked; a dead program left a lock: ", who)
        if held and not force:
            raise HostFailed(
                Sentence(f"{host.name}: its lock is held by ", who, ", which still runs; --yes breaks it anyway"),
                code=Code.UNLOCK,
            )
        broken = _ask(host, transport, unlock_program())
        if broken.facts["held"] == "other":
            raise HostFailed(
                f"{host.name}: another apply has taken the lock meanwhile; nothing was broken", code=Code.UNLOCK
            )
        return Sentence("the lock of ", who, " is broken")
    finally:
        transport.close()


def _ask(host: Host, transport: Transport, program: Program) -> Result:
    for event in run(transport, program):
        if isinstance(event, Finished):
            if event.result.status:
                raise HostFailed(Sentence(f"{host.name}: ", Outside(event.result.output.strip())), code=Code.UNLOCK)
            return event.result
    raise HostFailed(f"{host.name}: the lock could not be checked", code=Code.UNLOCK)
