"""Taking turns: input that waits for output, for transports whose input is written by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator


class Turns:
    """Between the thread that writes and the one that takes what is printed. See `Transport.run`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = 0
        self._over = False

    def took(self) -> None:
        """A piece of output was taken, and the caller has come back."""
        with self._changed:
            self._taken += 1
            self._changed.notify_all()

    def end(self) -> None:
        """No more output comes, or nobody wants it: who waits for it is let go."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def pieces(self, stdin: Iterable[bytes]) -> Iterator[bytes]:
        """What there is to send. After an empty piece this waits; it ends where the output ends meanwhile."""
        source = iter(stdin)
        while True:
            # Counted before it is asked: what is taken while it makes up its mind must not be missed.
            taken = self._taken
            try:
                piece = next(source)
            except StopIteration:
                return
            if piece:
                yield piece
                continue
            with self._changed:
                while self._taken == taken and not self._over:
                    self._changed.wait()
                if self._over:
                    return
