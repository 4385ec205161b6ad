"""Runs that never were: counted, and told of now and then, because the record must not drown in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatetrail.events.fields import Record
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import reports
from gatetrail.hooks.tallies import HookOutcome, HookTallies
from gatetrail.policy.hooks import Hook

GATHER_S = 1.0
"""What is lost meanwhile becomes one event for each hook."""


@dataclass(slots=True)
class _Loss:
    hook: Hook
    why: str
    count: int = 0


class Losses:
    """Becomes `hook.failed`, without the decisions that they belonged to."""

    def __init__(self, record: Callable[[Record], Awaitable[object]], stamp: Stamp, tallies: HookTallies) -> None:
        self._record = record
        self._stamp = stamp
        self._tallies = tallies
        self._gathered: dict[tuple[str, str], _Loss] = {}
        self._later: asyncio.Task[None] | None = None

    def add(self, hook: Hook, why: str) -> None:
        """One run was dropped."""
        self._tallies.add(hook.event, HookOutcome.DROPPED)
        loss = self._gathered.setdefault((hook.id, why), _Loss(hook, why))
        loss.count += 1
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._soon(), name="gatetrail hook losses")

    async def close(self) -> None:
        """Record what has been gathered."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.wait([self._later])
        await self._tell()

    async def _soon(self) -> None:
        while self._gathered:
            await asyncio.sleep(GATHER_S)
            await self._tell()

    async def _tell(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for loss in gathered.values():
            runs = "a run was" if loss.count == 1 else f"{loss.count} runs were"
            await self._record(reports.failed(self._stamp, loss.hook, {}, f"{runs} dropped: {loss.why}"))
