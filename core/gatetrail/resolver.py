"""From the name of a host to its addresses, however long the operating system takes over it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock, Thread

Address = tuple[
    socket.AddressFamily,
    socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
]
"""What `socket.socket` and its `connect` want: family, kind, protocol, canonical name, address."""

_Question = tuple[str, int, socket.SocketKind]


class Resolver:
    """Asks for addresses. From any thread and any task.

    A lookup cannot be ended, and with a dead name server it takes half a minute and more. So it has a thread of its
    own, none of those that the whole process shares and none that the process waits for at its end; and a question
    that is still open is not put a second time, so that there are never more threads than names.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[_Question, Future[Sequence[Address]]] = {}

    async def addresses(self, host: str, port: int, kind: socket.SocketKind) -> Sequence[Address]:
        """At least one, the best first. Raises OSError. Safe to be cancelled."""
        return await asyncio.wrap_future(self._asked(host, port, kind))

    def addresses_within(self, limit_s: float, host: str, port: int, kind: socket.SocketKind) -> Sequence[Address]:
        """The same for a thread, which it blocks, at most until the limit. Raises OSError, TimeoutError among them."""
        return self._asked(host, port, kind).result(limit_s)

    def _asked(self, host: str, port: int, kind: socket.SocketKind) -> Future[Sequence[Address]]:
        question = host, port, kind
        with self._lock:
            answer = self._open.get(question)
            if answer is None:
                answer = self._open[question] = Future()
                answer.set_running_or_notify_cancel()  # nobody who stops waiting takes it from the others
                Thread(target=self._ask, args=(question, answer), name=f"lookup of {host}", daemon=True).start()
        return answer

    def _ask(self, question: _Question, answer: Future[Sequence[Address]]) -> None:
        host, port, kind = question
        try:
            found = socket.getaddrinfo(host, port, type=kind)
        except OSError as problem:
            self._close(question)
            answer.set_exception(problem)
        except ValueError:  # from Python's own encoding of the name
            self._close(question)
            answer.set_exception(OSError(f"{host!r} cannot be the name of a host"))
        else:
            self._close(question)
            answer.set_result(found)

    def _close(self, question: _Question) -> None:
        with self._lock:
            del self._open[question]
