"""One program on a host over an SSH session: fed by a thread of its own, drained here, both windows kept open."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from engine.errors import ConnectionLost, Unreachable
from engine.model import Output, Outside, Sentence
from engine.transports.process import LINGER
from engine.transports.ssh.forward import AgentForwarder
from engine.transports.ssh.session import Session, common, paramiko
from engine.transports.stdin_gate import Turns

PIECE = 1 << 15
"""Bytes per write; also what a server takes in one packet."""
READ = 1 << 18


class _Wake(threading.Event):
    """Set by paramiko when there is something to read. It would also clear it whenever one of the two streams
    is empty, whatever there is in the other; here, only the reader clears it."""

    def clear(self) -> None:
        pass

    def rest(self) -> None:
        super().clear()


class Execution:
    """One exec request. `where` and `name` are for messages."""

    def __init__(self, session: Session, name: str, where: str, silence: float) -> None:
        self.session = session
        self.name = name
        self.where = where
        self.silence = silence
        self.moved = time.monotonic()
        self.failure: BaseException | None = None
        self.wake = _Wake()
        self.turns = Turns()
        self.channel: Any = None
        self.writer: threading.Thread | None = None

    def start(self, command: bytes, stdin: Iterable[bytes], forwarder: AgentForwarder | None = None) -> None:
        """Open a channel and ask for the program, lending it the agent. Its input follows without waiting for
        the answer, which saves a round trip; where the request is refused, the input is lost."""
        try:
            self.channel = self.session.open_session(timeout=self.silence)
            self._ask(command, forwarder)
        except paramiko.ChannelException as error:
            raise Unreachable(f"{self.name}: {self.where} refuses another session: {error.text}") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost() from error
        self.writer = threading.Thread(target=self._feed, args=(stdin,), name="ssh-stdin", daemon=True)
        self.writer.start()

    def _ask(self, command: bytes, forwarder: AgentForwarder | None) -> None:
        self.channel.in_buffer.set_event(self.wake)
        self.channel.in_stderr_buffer.set_event(self.wake)
        if forwarder is not None:
            # The wish for it is told ahead of the program, and not answered.
            self.channel.request_forward_agent(forwarder.forward)
        message = paramiko.Message()
        message.add_byte(common.cMSG_CHANNEL_REQUEST)
        message.add_int(self.channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)
        message.add_string(command)
        self.channel._event_pending()
        self.session._send_user_message(message)

    def _feed(self, stdin: Iterable[bytes]) -> None:
        try:
            for chunk in self.turns.pieces(stdin):
                for start in range(0, len(chunk), PIECE):
                    if not self._send(chunk[start : start + PIECE]):
                        return
            self.channel.shutdown_write()
        except (OSError, EOFError, paramiko.SSHException):
            # The channel or the session is gone; the reader says so.
            pass
        except BaseException as error:
            self.failure = error
            self.wake.set()

    def _send(self, piece: bytes) -> bool:
        while piece:
            sent = self.channel.send(piece)
            if not sent:
                return False
            self.moved = time.monotonic()
            piece = piece[sent:]
        return True

    def pieces(self) -> Iterator[Output]:
        """What the program prints, as it comes, then its exit status."""
        channel = self.channel
        status_since: float | None = None
        while True:
            self.wake.rest()
            ended = channel.closed or (channel.eof_received and channel.exit_status_ready())
            anything = False
            if channel.recv_stderr_ready():
                yield Output("stderr", channel.recv_stderr(READ))
                self.turns.took()
                anything = True
            if channel.recv_ready():
                yield Output("stdout", channel.recv(READ))
                self.turns.took()
                anything = True
            if self.failure is not None:
                raise self.failure
            now = time.monotonic()
            if anything:
                self.moved = now
                continue
            if ended:
                break
            if channel.eof_received:
                self.turns.end()
            if channel.exit_status_ready():
                # A daemon the program left behind may hold its output open for ever.
                status_since = status_since or now
                if now - max(status_since, self.moved) > LINGER:
                    break
            self._wait(now, status_since is not None)
        yield Output("exit", status=self._status())

    def _wait(self, now: float, lingering: bool) -> None:
        left = self.moved + self.silence - now
        if left <= 0:
            raise ConnectionLost(
                f"{self.name}: no output from {self.where} for {self.silence:g} s; the connection counts as lost"
            )
        self.wake.wait(min(left, 0.2 if lingering else 1.0))

    def _status(self) -> int:
        status = int(self.channel.exit_status)
        if status >= 0:
            return status
        if not self.session.is_active():
            raise self._lost()
        if not self.channel.event_ready:
            raise Unreachable(f"{self.name}: {self.where} refused to run a program")
        raise ConnectionLost(f"{self.name}: {self.where} ended the program without an exit status")

    def _lost(self) -> ConnectionLost:
        reason = self.session.disconnect_reason
        why = (": ", Outside(reason)) if reason else ()
        return ConnectionLost(Sentence(f"{self.name}: the connection to {self.where} was cut", *why))

    def close(self) -> None:
        """Free the channel; the program is left to itself, its pipes closed."""
        if self.channel is None:
            return
        self.channel.close()
        self.turns.end()
        if self.writer is not None:
            self.writer.join(self.silence)
