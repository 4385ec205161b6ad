"""Tells in events when the shared store of the rate limits stops answering, and when it answers again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gatetrail.events.fields import Record
from gatetrail.events.model import RateStoreFailed, RateStoreRecovered
from gatetrail.events.stamp import Stamp
from gatetrail.words import Level


class RateReports:
    """`RateReport` of `gatetrail.rates`: one event for each change of state, from each process."""

    def __init__(self, stamp: Stamp, record: Callable[[Record], Awaitable[object]]) -> None:
        self._stamp = stamp
        self._record = record

    async def failed(self, store: str, reason: str) -> None:
        words = f"the rate store {store} does not answer: {reason}"
        await self._record(RateStoreFailed(**self._stamp(Level.ERROR, words), store=store, reason=reason))

    async def recovered(self, store: str, reason: str) -> None:
        words = f"the rate store {store} answers again"
        await self._record(RateStoreRecovered(**self._stamp(Level.NOTICE, words), store=store, reason=reason))
