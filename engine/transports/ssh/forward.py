"""The user's agent, lent to programs on the host: only where the SSH configuration says ForwardAgent."""

from __future__ import annotations

import select
import socket
import sys
import threading
from typing import Any

PIECE = 1 << 15


class AgentForwarder:
    """Joins each channel that the host opens to the agent at `path`; each has a thread, which ends with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def forward(self, channel: Any) -> None:
        """Called by the session's thread when a program on the host wants to speak with the agent."""
        if sys.platform == "win32":
            raise NotImplementedError
        agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            agent.connect(self.path)
        except OSError:
            agent.close()
            channel.close()
            return
        with self._lock:
            self._open.append(agent)
        threading.Thread(target=self._join, args=(channel, agent), name="ssh-agent", daemon=True).start()

    def _join(self, channel: Any, agent: socket.socket) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        try:
            poll = select.poll()
            poll.register(channel.fileno(), select.POLLIN)
            poll.register(agent, select.POLLIN)
            while True:
                ready = {number for number, _ in poll.poll()}
                if agent.fileno() in ready:
                    data = agent.recv(PIECE)
                    if not data:
                        return
                    channel.sendall(data)
                if channel.fileno() in ready:
                    data = channel.recv(PIECE)
                    if not data:
                        return
                    agent.sendall(data)
        except (OSError, EOFError):
            # One side is gone, and so is what it wanted.
            pass
        finally:
            channel.close()
            with self._lock:
                self._open.remove(agent)
                agent.close()

    def close(self) -> None:
        """End what is still joined."""
        with self._lock:
            for agent in self._open:
                try:
                    agent.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
