"""A look at something outside that may hang: limited in time, shared by all who ask at once, and good for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Seen = TypeVar("Seen")

LIMIT_S = 2.0
KEPT_S = 1.0
GIVEN_UP_AFTER_S = 15.0
"""A look that hangs goes on unheard for so long: cutting a driver off can take it longer than an answer may."""


class Look(Generic[Seen]):
    """Whoever asks waits at most `limit_s`; however many ask, the other side is asked once a second at most."""

    def __init__(
        self, look: Callable[[], Awaitable[Seen]], *, limit_s: float = LIMIT_S, kept_s: float = KEPT_S
    ) -> None:
        self._look = look
        self._limit_s = limit_s
        self._kept_s = kept_s
        self._task: asyncio.Task[Seen] | None = None
        self._begun_s = 0.0

    async def __call__(self) -> Seen:
        """What is seen. Raises TimeoutError when nothing was seen in time, and what the look itself raises."""
        task = self._current()
        done, _ = await asyncio.wait([task], timeout=self._limit_s)
        if not done:
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """End a look that still goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=self._limit_s)

    def _current(self) -> asyncio.Task[Seen]:
        now_s = asyncio.get_running_loop().time()
        if self._task is None or (self._task.done() and now_s - self._begun_s >= self._kept_s):
            self._begun_s = now_s
            self._task = asyncio.create_task(self._limited(), name="gatetrail look")
            self._task.add_done_callback(_heard)
        return self._task

    async def _limited(self) -> Seen:
        async with asyncio.timeout(GIVEN_UP_AFTER_S):
            return await self._look()


def _heard(task: asyncio.Task[Seen]) -> None:
    """Take note of an exception that nobody may be left to hear."""
    if not task.cancelled():
        task.exception()
