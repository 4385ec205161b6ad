"""Asks a store for many calls at once: while one question is under way, the next one collects."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.errors import RateStoreUnavailable
from gatetrail.limits import Taking

log = logging.getLogger("gatetrail.rates")

HELD_UP = 0.1
"""A timer that comes so late, in parts of the limit, was held up by this process's own work."""
STOP_LIMIT_S = 1.0
CLOSED = "it was closed"


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """Limits of one process's questions."""

    limit_ms: int = 100
    """A call that has no answer after this long is told that the store is away."""
    most_calls: int = 128
    """Calls in one question."""


class Ask(Protocol):
    """One connection to a store. It is asked one question at a time."""

    async def ask(self, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
        """The waits of all calls, taken one after the other in this order, each of them wholly or not at all.

        Raises `RateStoreUnavailable`, at once when there is no connection.
        """
        ...

    def drop(self) -> None:
        """Let go of the connection without waiting for anybody; `ask` then raises soon. May be called again."""
        ...


class _Waiting:
    __slots__ = ("deadline_s", "future", "wanted")

    def __init__(self, wanted: Sequence[Taking], future: asyncio.Future[int], deadline_s: float) -> None:
        self.wanted = wanted
        self.future = future
        self.deadline_s = deadline_s


class Grouped:
    """`take` of a `RateStore`. For one event loop, between `start` and `stop`."""

    def __init__(self, connection: Ask, settings: GroupSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._waiting: deque[_Waiting] = deque()
        self._asked: Sequence[_Waiting] = ()
        self._work = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run(), name="gatetrail rates")

    async def stop(self) -> None:
        """Whoever still waits is told that the store is away; the connection is dropped."""
        self._stopped = True
        self._work.set()
        if self._asked:
            self._connection.drop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=STOP_LIMIT_S)
            self._task.cancel()
            await asyncio.wait([self._task])

    def take(self, wanted: Sequence[Taking]) -> asyncio.Future[int]:
        """The wait, or `RateStoreUnavailable` when the limit is over, and at once after `stop`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        if self._stopped:
            future.set_exception(RateStoreUnavailable(CLOSED))
            return future
        self._waiting.append(_Waiting(wanted, future, loop.time() + self._settings.limit_ms / 1000))
        self._work.set()
        return future

    async def _run(self) -> None:
        try:
            while not self._stopped:
                await self._work.wait()
                if asked := self._next():
                    await self._serve(asked)
                else:
                    self._work.clear()
        finally:
            self._fail(CLOSED)

    def _next(self) -> Sequence[_Waiting]:
        asked: list[_Waiting] = []
        while self._waiting and len(asked) < self._settings.most_calls:
            one = self._waiting.popleft()
            if not one.future.done():
                asked.append(one)
        return asked

    async def _serve(self, asked: Sequence[_Waiting]) -> None:
        self._asked = asked
        deadline_s = asked[0].deadline_s
        self._timer = asyncio.get_running_loop().call_at(deadline_s, self._expire, deadline_s)
        try:
            _answer(asked, await self._connection.ask([one.wanted for one in asked]))
        except RateStoreUnavailable as problem:
            self._fail(str(problem))
        except Exception as problem:
            log.exception("the rate store answered what nobody understands")
            self._fail(type(problem).__name__)
            self._connection.drop()
        finally:
            self._timer.cancel()
            self._asked = ()

    def _expire(self, deadline_s: float) -> None:
        loop, limit_s = asyncio.get_running_loop(), self._settings.limit_ms / 1000
        if loop.time() - deadline_s > limit_s * HELD_UP:
            # This process did not look at the answer in time: that says nothing about the store.
            again_s = loop.time() + limit_s / 2
            self._timer = loop.call_at(again_s, self._expire, again_s)
            return
        self._fail(f"no answer within {self._settings.limit_ms} ms")
        self._connection.drop()

    def _fail(self, reason: str) -> None:
        """Who still waits has waited for the same store; nobody is left to find out for himself."""
        for one in (*self._asked, *self._waiting):
            if not one.future.done():
                one.future.set_exception(RateStoreUnavailable(reason))
        self._waiting.clear()


def _answer(asked: Sequence[_Waiting], waits_ms: Sequence[int]) -> None:
    for one, wait_ms in zip(asked, waits_ms, strict=True):
        if not one.future.done():
            one.future.set_result(wait_ms)
