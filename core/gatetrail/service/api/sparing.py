"""Answers that cost much are given for a while, so that many who look often do not keep the database busy."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatetrail.clock import Clock
from gatetrail.errors import Unavailable

CHEAP_S = 0.25
"""What takes no longer is asked anew each time."""
REST = 10
"""For so many times as long as it took an answer is given."""
LONGEST_S = 60.0
MAX_KEPT = 256
AT_ONCE = 2
"""So many different questions are asked at one time; the reader's other connections are for what is quick."""
TURN_WITHIN_S = 5.0
"""Who does not get a turn in this time is told so."""

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Kept(Generic[Answer]):
    answer: Answer
    until_s: float


class Sparing(Generic[Answer]):
    """At most one asks at a time for the same; whoever comes meanwhile takes what is found, a failure too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[Hashable, asyncio.Task[Answer]] = {}
        self._kept: OrderedDict[Hashable, _Kept[Answer]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of now, or one that is not older than is worth its price.

        Raises what `ask` raises, and `Unavailable` when others ask so much that there is no turn in time.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic_s() < kept.until_s:
            return kept.answer
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, ask), name="gatetrail figures")
            asking.add_done_callback(lambda task: self._end(key, task))
        # Whoever began it may be cancelled, and the others still wait for it.
        return await asyncio.shield(asking)

    def _end(self, key: Hashable, asking: asyncio.Task[Answer]) -> None:
        del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # else asyncio would complain when nobody waits any more

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        await self._turn()
        try:
            began_s = self._clock.monotonic_s()
            answer = await ask()
            took_s = self._clock.monotonic_s() - began_s
        finally:
            self._turns.release()
        if took_s > CHEAP_S:
            self._keep(key, _Kept(answer, began_s + took_s + min(took_s * REST, LONGEST_S)))
        return answer

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(TURN_WITHIN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable(f"{AT_ONCE} others count figures, and no turn came in {TURN_WITHIN_S:g} s") from None

    def _keep(self, key: Hashable, kept: _Kept[Answer]) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
