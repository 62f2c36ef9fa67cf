"""Hosts behind another program: any argv prefix (`podman exec -i NAME`, `kubectl exec -i POD --`), and WSL."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from engine.codes import Code
from engine.errors import InvalidInput, Problem, Unreachable
from engine.model import Host, Output
from engine.transports import Options
from engine.transports.conversation import converse
from engine.transports.process import outer_environment, reap, start


class CommandTransport:
    """Runs `PREFIX ARGV...` on this machine; the prefix leads to the host. It must hand standard input, output,
    error and the exit status through, as bytes: no terminal (`podman exec -i`, never `-it`).

    Variable: ansible_command_argv, a list of words, or text that is split into words as a shell would.
    """

    def __init__(self, host: Host, options: Options) -> None:
        self.host = host
        self.options = options
        self.prefix = self._prefix()

    def _prefix(self) -> tuple[str, ...]:
        value = self.host.vars.get("ansible_command_argv")
        words = shlex.split(value) if isinstance(value, str) else [str(word) for word in value or ()]
        if not words:
            raise InvalidInput(
                Problem(
                    f"{self.host.name}: ansible_connection is command, but ansible_command_argv is not set",
                    hints=("for example: ansible_command_argv: [podman, exec, -i, NAME]",),
                    code=Code.CONNECTION_PROGRAM,
                )
            )
        return tuple(words)

    def _environment(self) -> dict[str, str]:
        return outer_environment()

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. Raises Unreachable where the prefix's program cannot be started."""
        try:
            process = start([*self.prefix, *argv], self._environment())
        except OSError as error:
            raise Unreachable(
                f"{self.host.name}: {self.prefix[0]} cannot be started: {error.strerror}\n"
                f"  The host is reached by: {shlex.join(self.prefix)}",
                code=Code.CONNECTION_PROGRAM,
            ) from error
        yield from converse(process, stdin, silence=self.options.silence, name=self.host.name)

    def close(self) -> None:
        """Nothing is open between two runs; collects what has ended since."""
        reap()


class WslTransport(CommandTransport):
    """A Linux distribution of the Windows Subsystem for Linux, from Windows or from another distribution.

    Variables: ansible_wsl_distribution (else ansible_host; without either, the default one), ansible_user,
    ansible_wsl_executable (else wsl.exe).

    The program is started with `--exec`, not after `--`: what follows `--` goes through the distribution's shell
    once more, which would expand every `$` in it.

    Paths in a state are the distribution's own, as on any Linux host: `/home/me/x`, `~/x`; a Windows drive is
    `/mnt/c/...`. `C:\\...` and `\\\\wsl$\\...` are paths of the Windows side, right for `source` (a file on the
    controller, where the controller is Windows) and wrong for `path`.
    """

    def _prefix(self) -> tuple[str, ...]:
        variables = self.host.vars
        distribution = variables.get("ansible_wsl_distribution") or variables.get("ansible_host")
        user = variables.get("ansible_user")
        return (
            str(variables.get("ansible_wsl_executable") or "wsl.exe"),
            *(("-d", str(distribution)) if distribution else ()),
            *(("-u", str(user)) if user else ()),
            "--exec",
        )

    def _environment(self) -> dict[str, str]:
        # Without this, what wsl.exe itself has to say comes in UTF-16.
        return {**outer_environment(), "WSL_UTF8": "1"}
