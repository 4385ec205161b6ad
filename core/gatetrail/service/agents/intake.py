"""Reads what somebody sends before it is known who that is: within bounds of memory and time that all share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import Receive

from gatetrail.service.agents.report import MAX_PAYLOAD_BYTES

SMALL_BYTES = 65_536
"""A report of so many is read however many others are held: large ones keep nobody out who has an ordinary one."""
MAX_HELD_BYTES = 64 << 20
"""Of all reports beyond that size, from their first byte until they are answered."""
ARRIVES_WITHIN_S = 15.0
"""An agent waits no longer for its answer."""
MAX_PASSED_OVER_BYTES = 16 * MAX_PAYLOAD_BYTES
"""A client that still sends would miss the answer, so this much is let pass by."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent; empty where it was not read to its end."""

    content: bytes
    why_unread: str | None = None


class Intake:
    """One for all reports of a process."""

    def __init__(self) -> None:
        self._held_bytes = 0

    @asynccontextmanager
    async def body(self, receive: Receive) -> AsyncGenerator[Body | None]:
        """The body of a request, which counts as held until the block ends; None when the client has gone."""
        reading = _Reading()
        try:
            yield await self._read(reading, receive)
        finally:
            self._held_bytes -= reading.held_bytes

    async def _read(self, reading: _Reading, receive: Receive) -> Body | None:
        try:
            async with asyncio.timeout(ARRIVES_WITHIN_S):
                while not reading.is_over:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    self._take(reading, message.get("body", b""))
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            self._drop(reading, f"the report did not arrive within {ARRIVES_WITHIN_S:g} s")
        return Body(b"".join(reading.chunks), reading.why_unread)

    def _take(self, reading: _Reading, chunk: bytes) -> None:
        reading.read_bytes += len(chunk)
        if reading.why_unread is not None:
            return
        reading.chunks.append(chunk)
        if reading.read_bytes > MAX_PAYLOAD_BYTES:
            self._drop(reading, f"the report is longer than {MAX_PAYLOAD_BYTES} bytes")
        elif reading.read_bytes > SMALL_BYTES:
            self._hold(reading)

    def _hold(self, reading: _Reading) -> None:
        self._held_bytes += reading.read_bytes - reading.held_bytes
        reading.held_bytes = reading.read_bytes
        if self._held_bytes > MAX_HELD_BYTES:
            self._drop(reading, f"too many reports of more than {SMALL_BYTES} bytes are being received")

    def _drop(self, reading: _Reading, why: str) -> None:
        reading.chunks.clear()
        reading.why_unread = why
        self._held_bytes -= reading.held_bytes
        reading.held_bytes = 0


class _Reading:
    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.read_bytes = 0
        self.held_bytes = 0
        self.why_unread: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether more was sent than anybody waits for."""
        return self.read_bytes > MAX_PAYLOAD_BYTES + MAX_PASSED_OVER_BYTES
