"""Who is at the other end of a connection, and whether it takes what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from typing import Protocol

from starlette.types import Scope


class Transport(Protocol):
    """What is used of an `asyncio.Transport`."""

    def get_write_buffer_size(self) -> int: ...

    def get_extra_info(self, name: str) -> object: ...

    def is_reading(self) -> bool: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...


TransportOf = Callable[[Scope], Transport | None]
"""Finds the connection over which a request came; None when there is none to be had."""


class Peer:
    """The reader of one answer. What it took is seen at each `look`, so ask from time to time."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._sent_bytes = 0
        self._taken_bytes = 0
        self._took_at_s = _now_s()

    @property
    def has_all(self) -> bool:
        """The kernel has everything that was sent."""
        return not self._transport.get_write_buffer_size()

    def sent(self, count_bytes: int) -> None:
        """So much was handed to the connection. Framing is not counted: it would look like progress."""
        self._sent_bytes += count_bytes

    def look(self) -> float:
        """For how many seconds this peer takes nothing although something waits for it; 0 when nothing waits."""
        waiting_bytes = self._transport.get_write_buffer_size()
        taken_bytes = self._sent_bytes - waiting_bytes
        if not waiting_bytes or taken_bytes > self._taken_bytes:
            self._took_at_s = _now_s()
        self._taken_bytes = taken_bytes
        return _now_s() - self._took_at_s

    def drop_when_silent(self, limit_s: float) -> None:
        """Have the kernel break the connection off when acknowledgements are missing, or the window is shut, so long.

        0 takes that back. The kernel notices while nothing waits in this process yet, and it notices a host that is
        gone. Where it does not know this (`TCP_USER_TIMEOUT`, tcp(7): Linux) nothing is done.
        """
        option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
        connection = self._transport.get_extra_info("socket")
        if option is not None and isinstance(connection, TransportSocket):
            with contextlib.suppress(OSError):  # closed already, or not TCP
                connection.setsockopt(socket.IPPROTO_TCP, option, round(limit_s * 1_000))

    def abort(self) -> None:
        """Break the connection off and forget what waits."""
        self._transport.abort()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
