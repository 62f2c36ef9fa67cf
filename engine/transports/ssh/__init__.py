"""A host reached over SSH, with paramiko. One connection, opened on first use, for all that is run there."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.errors import ConnectionLost
from engine.model import Host, Output
from engine.transports import Options
from engine.transports.ssh.config import target
from engine.transports.ssh.resolver import Resolver

if TYPE_CHECKING:
    from engine.transports.ssh.connect import Connection, Connector


class SshTransport:
    """Understands Ansible's connection variables and what the user's SSH configuration says of the host:

    ansible_host, ansible_port, ansible_user          where, and whom to be there
    ansible_ssh_private_key_file                      a key to offer first
    ansible_password                                  for password and keyboard-interactive authentication
    ansible_ssh_private_key_passphrase                opens an encrypted key; else a person is asked, once a key
    ansible_ssh_common_args, ansible_ssh_extra_args   options of ssh: -o Option=value, -J, -F, -i
    ansible_host_key_checking                         false lets new host keys in, never changed ones
    ansible_timeout                                   seconds to wait for a connection
    ansible_ssh_executable                            the OpenSSH client that is asked for the configuration
    """

    def __init__(self, host: Host, options: Options) -> None:
        self.host = host
        self.options = options
        self._target = target(host, options.project)
        self._connection: Connection | None = None
        self._route: Connector | None = None
        self._lock = threading.Lock()

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. Also raises HostKeyRefused and AuthenticationRefused."""
        connection = self._connected()
        from engine.transports.ssh.channel import Execution

        execution = Execution(connection.session, self.host.name, connection.settings.address, self.options.silence)
        command = shlex.join(argv).encode("utf-8", "surrogateescape")
        try:
            execution.start(command, stdin, connection.forwarder)
            yield from execution.pieces()
        except ConnectionLost:
            self.close()
            raise
        finally:
            execution.close()

    def _connected(self) -> Connection:
        with self._lock:
            if self._connection is not None and not self._connection.session.is_active():
                # It broke while nothing ran, so nothing is in doubt: a new one may take its place.
                self._connection.close()
                self._connection = None
            if self._connection is None:
                # ssh reads its configuration while paramiko is imported.
                resolver = Resolver(self._target)
                from engine.transports.ssh.connect import Connector

                self._route = route = Connector(self.host.name, self.options, self.host.vars)
                try:
                    self._connection = route.open(resolver.settings(), self._target)
                finally:
                    self._route = None
            return self._connection

    def close(self) -> None:
        """Close the connection and what it goes through; one that is being opened is given up."""
        route = self._route
        if route is not None:
            route.abort()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
