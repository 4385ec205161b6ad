"""A run of positions along which a sink is brought, and what an outcome does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatetrail.delivery.backlog import Backlog, Hole
from gatetrail.delivery.sink import CursorStore
from gatetrail.delivery.sink_reports import SinkReports
from gatetrail.events.journal import Entry


class Lane(Protocol):
    """Durable progress of one delivery. What moves it raises `DatabaseUnavailable` when that cannot be stored."""

    @property
    def cursor_seq(self) -> int:
        """Everything up to here is dealt with."""
        ...

    async def acknowledged(self, batch: Sequence[Entry]) -> None:
        """The sink holds the batch for good."""
        ...

    async def failed(self, reason: str) -> None:
        """The sink takes nothing; told once for each reason."""
        ...

    async def put_aside(self, entry: Entry, reason: str) -> None:
        """The sink will never take the entry: into quarantine with it, and on."""
        ...


class LiveLane:
    """From the sink's cursor to the journal's head and with it."""

    def __init__(self, sink_name: str, backlog: Backlog, cursors: CursorStore, reports: SinkReports) -> None:
        self._sink_name = sink_name
        self._backlog = backlog
        self._cursors = cursors
        self._reports = reports

    @property
    def cursor_seq(self) -> int:
        return self._backlog.cursor_seq

    async def acknowledged(self, batch: Sequence[Entry]) -> None:
        await self._cursors.advance(self._sink_name, batch[-1].seq, len(batch))
        self._backlog.done(batch[-1].seq)

    async def failed(self, reason: str) -> None:
        await self._cursors.fail(self._sink_name, reason)

    async def put_aside(self, entry: Entry, reason: str) -> None:
        await self._cursors.quarantine(self._sink_name, entry, reason)
        self._backlog.done(entry.seq)

    async def skip(self, hole: Hole, reason: str) -> None:
        """Move over positions that the journal has not; told before it is done."""
        await self._reports.gap(hole, reason)
        await self._cursors.advance(self._sink_name, hole.last_seq, 0)
        self._backlog.done(hole.last_seq)

    async def set_back(self, head_seq: int, reason: str) -> None:
        """Move back to the end of a journal that is shorter than it was; told before it is done."""
        await self._reports.gap(Hole(head_seq + 1, self._backlog.cursor_seq), reason)
        await self._cursors.advance(self._sink_name, head_seq, 0)
        self._backlog.begin(head_seq)
