"""Answers that cost much are given for a while, so that many who look often do not keep the database busy."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gatetrail.clock import Clock

CHEAP_S = 0.25
"""What takes no longer is asked anew each time."""
REST = 10
"""For so many times as long as it took an answer is given."""
LONGEST_S = 60.0
MAX_KEPT = 256

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Kept(Generic[Answer]):
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Answer | None = None
    until_s: float = 0.0


class Sparing(Generic[Answer]):
    """At most one asks at a time for the same; the others wait and take what is found."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept[Answer]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of now, or one that is not older than is worth its price. Raises what `ask` raises."""
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        async with kept.asking:
            began_s = self._clock.monotonic_s()
            if kept.answer is not None and began_s < kept.until_s:
                return kept.answer
            answer = await ask()
            took_s = self._clock.monotonic_s() - began_s
            kept.answer = answer if took_s > CHEAP_S else None
            kept.until_s = began_s + took_s + min(took_s * REST, LONGEST_S)
            return answer
