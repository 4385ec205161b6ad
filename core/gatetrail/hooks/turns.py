"""So many at a time, and so many that wait for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from gatetrail.hooks.answers import HookFailure


class Turns:
    """A bound on what runs together."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._free = anyio.Semaphore(max_running)
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._inside = 0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(self._inside - self._max_running, 0)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn, in order of arrival, and have it. Raises `HookFailure` when too many wait already."""
        if self.waiting >= self._max_waiting:
            raise HookFailure(f"{self.waiting} others wait for their turn")
        self._inside += 1
        try:
            async with self._free:
                yield
        finally:
            self._inside -= 1
