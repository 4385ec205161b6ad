"""Chance that always falls the same way, and pauses that end when the script says so."""

from __future__ import annotations

import random
from collections import defaultdict

import anyio

from gatetrail.runtime.surroundings import Surroundings
from gatetrail.testing import ManualClock

LOOK_S = 0.001
LIMIT_S = 60
VERSION = "0.1.0"
"""What stands in the events as release: the files stay as they are when another one comes out."""


class Chance:
    """Of one process; `seed` names it."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- the same each time is what is wanted
        self._stopwatch_ns = 0

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def stopwatch_ns(self) -> int:
        """The next look is 6 to 45 µs later."""
        self._stopwatch_ns += self._random.randrange(6_000, 45_000)
        return self._stopwatch_ns


class Pauses:
    """Of the loops of one process: they go on when they are told to, and not before."""

    def __init__(self) -> None:
        self._waiting: dict[float, list[anyio.Event]] = defaultdict(list)

    async def pause(self, seconds: float) -> None:
        event = anyio.Event()
        self._waiting[seconds].append(event)
        await event.wait()

    async def end(self, seconds: float) -> None:
        """Of those that pause for so long; waits until somebody does."""
        with anyio.fail_after(LIMIT_S):
            while not self._waiting[seconds]:  # noqa: ASYNC110 -- there is nothing to wait for but a loop of the product
                await anyio.sleep(LOOK_S)
        for event in self._waiting.pop(seconds):
            event.set()


def surroundings(clock: ManualClock, chance: Chance, pauses: Pauses) -> Surroundings:
    """For one process of the script."""
    return Surroundings(
        clock=clock,
        random_bytes=chance.random_bytes,
        stopwatch_ns=chance.stopwatch_ns,
        pause=pauses.pause,
        product_version=VERSION,
    )
