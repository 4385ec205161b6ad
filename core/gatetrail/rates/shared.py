"""A shared store, and what holds while it does not answer: stricter buckets of this process alone, or no call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from gatetrail.clock import Clock
from gatetrail.errors import RateStoreUnavailable
from gatetrail.limits import Taking
from gatetrail.rates.local import LocalRates
from gatetrail.rates.store import RateStore

log = logging.getLogger("gatetrail.rates")

PROBE_FIRST_S = 1.0
PROBE_LONGEST_S = 30.0
STEADY_S = 60.0
"""A store that has answered for so long is trusted as at the start: the next failure is probed soon again."""


class RateReport(Protocol):
    """Records what becomes of a store; never raises. Called in order, one call at a time."""

    async def failed(self, store: str, reason: str) -> None: ...

    async def recovered(self, store: str, reason: str) -> None: ...


class RateObserver(Protocol):
    """Counts, for metrics; returns at once and never raises."""

    def taken(self, wait_ms: int, took_s: float) -> None:
        """The store has answered."""
        ...

    def away(self) -> None:
        """A call was decided without the store."""
        ...


class SharedRates:
    """Asks the store, and goes on without it after one failure until a probe has reached it again.

    So a store that hangs costs the calls of that moment its limit once, and later calls nothing.
    """

    def __init__(
        self, store: RateStore, local: LocalRates | None, report: RateReport, observer: RateObserver, clock: Clock
    ) -> None:
        """`local` None: while the store is away nothing passes."""
        self._store = store
        self._local = local
        self._report = report
        self._observer = observer
        self._clock = clock
        self._reason: str | None = None
        self._episode: asyncio.Task[None] | None = None
        self._pause_s = PROBE_FIRST_S
        self._recovered_s = float("-inf")

    @property
    def away(self) -> str | None:
        """Why the store is not asked now; None while it is."""
        return self._reason

    @property
    def denies_while_away(self) -> bool:
        """Whether no call passes without the store."""
        return self._local is None

    async def start(self) -> None:
        """Reach the store. One that is away makes no difference to the start: the process begins without it."""
        try:
            await self._store.recover()
        except RateStoreUnavailable as problem:
            self._fail(str(problem))

    async def close(self) -> None:
        """End the probing."""
        if self._episode is not None:
            self._episode.cancel()
            await asyncio.wait([self._episode])

    async def take(self, wanted: Sequence[Taking]) -> int | None:
        """0, or the wait in milliseconds with nothing taken; None when the store is away and nothing may pass."""
        if self._reason is None:
            began_s = self._clock.monotonic_s()
            try:
                wait_ms = await self._store.take(wanted)
            except RateStoreUnavailable as problem:
                self._fail(str(problem))
            else:
                self._observer.taken(wait_ms, self._clock.monotonic_s() - began_s)
                return wait_ms
        self._observer.away()
        return None if self._local is None else self._local.take(wanted, self._clock.monotonic_s())

    def _fail(self, reason: str) -> None:
        if self._reason is not None:
            return  # one of many calls that waited for the same answer
        self._reason = reason
        log.warning("the rate store %s does not answer: %s", self._store.name, reason)
        if self._clock.monotonic_s() - self._recovered_s > STEADY_S:
            self._pause_s = PROBE_FIRST_S
        before, name = self._episode, f"gatetrail rate store {self._store.name}"
        self._episode = asyncio.create_task(self._live_without(reason, before), name=name)

    async def _live_without(self, reason: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])  # its last report may still be under way
        await self._report.failed(self._store.name, reason)
        while True:
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, PROBE_LONGEST_S)
            if await self._reached():
                break
        self._reason, self._recovered_s = None, self._clock.monotonic_s()
        log.info("the rate store %s answers again", self._store.name)
        await self._report.recovered(self._store.name, reason)

    async def _reached(self) -> bool:
        try:
            await self._store.recover()
        except RateStoreUnavailable as problem:
            log.info("the rate store %s is still away: %s", self._store.name, problem)
        except Exception:
            # Whatever it was: who stops probing stays without the store for good.
            log.exception("the rate store %s could not be probed", self._store.name)
        else:
            return True
        return False
