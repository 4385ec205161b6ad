"""What every way of sending messages has in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

CLOSE_LIMIT_S = 1.0
"""A polite farewell gets this long."""


class Transport(Protocol):
    """Carries messages to one receiver; connects when it has to. Used by one task at a time."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send in order; returns when as much is known of their arrival as the protocol lets us know.

        Raises OSError (TimeoutError among them) when trying again may help, after which the next call connects
        anew, and `MessageRefused` when the receiver takes one of them never. Safe to be cancelled.
        """
        ...

    async def close(self) -> None:
        """Say farewell where there is somebody to say it to. Safe to call twice. Never raises OSError."""
        ...


class Connection(Protocol):
    """A stream of bytes to the receiver, plain or encrypted. After any error only `abort` may be called."""

    async def send(self, data: bytes) -> None:
        """Return when the operating system has taken all bytes."""
        ...

    async def receive(self) -> bytes:
        """What has come, at least one byte; empty when the receiver has ended its side."""
        ...

    def require_open(self) -> None:
        """Raise ConnectionError if the receiver has ended or reset the connection. Does not wait."""
        ...

    async def close(self) -> None:
        """End in order."""
        ...

    def abort(self) -> None:
        """End at once. Safe to call twice."""
        ...


Connect = Callable[[], Awaitable[Connection]]
"""Gives a new connection. Raises OSError."""


class MessageRefused(Exception):
    """The receiver took what is before `messages[index]`, and never takes that one."""

    def __init__(self, index: int, reason: str) -> None:
        self.index = index
        super().__init__(reason)


class ReceiverGone(ConnectionError):
    """The receiver has closed its side."""

    def __init__(self) -> None:
        super().__init__("the receiver has closed the connection")


@asynccontextmanager
async def limited(limit_s: float, missed: str) -> AsyncGenerator[None]:
    """Cut off what takes longer, with a TimeoutError that says what was missed."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as problem:
        raise TimeoutError(str(problem) or f"{missed} within {limit_s:g} s") from problem
