"""Lets the event loop end what a thread does on a socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator
from threading import Lock


class Cord:
    """Belongs to one write. The writing thread holds its socket by it, and anybody may cut it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def hold(self, sock: socket.socket) -> None:
        """From now on this is the socket that a cut ends. Raises ConnectionAbortedError once it is cut."""
        with self._lock:
            self._socket = sock
            if self._is_cut:
                raise ConnectionAbortedError("the write was cut off")

    @contextlib.contextmanager
    def closing(self) -> Generator[None]:
        """A cut waits while the socket is closed, so that it never meets another that got its number."""
        with self._lock:
            self._socket = None
            yield

    def cut(self) -> None:
        """Have every wait on the socket end with an error, now and later. From any thread, never blocks for long."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # Not the TLS socket's own method: it would have the thread go on in the clear.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
