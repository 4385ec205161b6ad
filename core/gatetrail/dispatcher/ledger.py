"""Where the dispatcher writes: the journal, and the spool when the journal is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio

from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.journal import Journal
from gatetrail.events.spool import Spool

log = logging.getLogger("gatetrail.audit")

Result = TypeVar("Result")


@dataclass(slots=True)
class Counts:
    """What this process has recorded since it started; told in each heartbeat."""

    allowed: int = 0
    denied: int = 0
    completed: int = 0
    shadow_failures: int = 0
    """Times that what is only tried could not be."""


class Ledger:
    """Writes that must not get lost, in a scope that a client's disconnect cannot cancel."""

    def __init__(
        self, journal: Journal, spool: Spool, redacted: Callable[[Record], Record] = lambda event: event
    ) -> None:
        """`redacted` gives an event as it may be written."""
        self._redacted = redacted
        self._journal = journal
        self._spool = spool
        self.counts = Counts()
        self.on_record: Callable[[Record], None] = _nobody
        """Told of what `commit_or_spool` has recorded, as it stands there. It must return at once and never raise."""

    async def commit(self, event: Record) -> None:
        """Make an event durable in the journal. Raises `AuditUnavailable`; nothing is spooled then.

        A cancellation does not end the wait: it is delivered again at the caller's next one.
        """
        await _to_its_end(self._journal.append(self._redacted(event)))

    async def commit_or_spool(self, event: Record) -> None:
        """Make an event durable in the journal, else in the spool. Never raises."""
        told = self._redacted(event)
        try:
            await _to_its_end(self._journal.append(told))
        except AuditUnavailable as problem:
            log.error("journal away, event goes to the spool: %s", problem)
            await self.spool(event)
        self.on_record(told)

    async def spool(self, event: Record) -> None:
        """Keep an event in the fsynced local file until the journal takes it. Never raises.

        A cancellation is treated as `commit` does.
        """
        try:
            await _to_its_end(anyio.to_thread.run_sync(self._spool.keep, self._redacted(event)))
        except OSError as problem:
            log.critical("event %s could not even be spooled: %s", event.event_id, problem)


def _nobody(event: Record) -> None:
    """The default: nobody is told."""


async def _to_its_end(work: Awaitable[Result]) -> Result:
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError as cancelled:
        await _outlast(working)
        _deliver_again(cancelled)
        return working.result()


async def _outlast(working: asyncio.Future[Any]) -> None:
    with anyio.CancelScope(shield=True):
        while not working.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([working])


def _deliver_again(cancelled: asyncio.CancelledError) -> None:
    # Taken back and asked for again, so that whoever counts the requests counts one.
    if (task := asyncio.current_task()) is not None:
        task.uncancel()
        task.cancel(*cancelled.args)
