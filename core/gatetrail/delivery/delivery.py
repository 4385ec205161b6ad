"""Brings batches to one sink along a lane, and decides when an entry has to be put aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from gatetrail.clock import Clock, rfc3339
from gatetrail.delivery.backoff import Backoff
from gatetrail.delivery.courier import Away, Broken, Courier, Delivered, Late, Refused
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.lane import Lane
from gatetrail.delivery.sink_reports import SinkReports
from gatetrail.events.journal import Entry

MOST_PATIENCE = 6
"""Doublings of the tries before the next entry without a verdict is put aside."""
MOST_LATE = 3
"""A batch that is late so often may be more than the sink can take in the time that a write has."""


class Delivery:
    """One sink, the lane that it is brought along, and what is known of its health. Used by one task."""

    def __init__(
        self, courier: Courier, lane: Lane, reports: SinkReports, clock: Clock, settings: FollowerSettings
    ) -> None:
        self._courier = courier
        self._lane = lane
        self._reports = reports
        self._clock = clock
        self._settings = settings
        self._pause = Backoff(settings.retry_initial_ms, settings.retry_max_ms, settings.jitter)
        self._tries = 0
        self._late = 0
        self._unexplained_in_a_row = 0
        self.most = settings.batch_events
        """Entries that the next batch may have; fewer while an entry is being singled out, or the sink is slow."""
        self.delivered_count = 0
        self.quarantined_count = 0
        self.acknowledged_at: str | None = None
        self.last_error: str | None = None
        self.failing_since: str | None = None

    def begin(self) -> None:
        """Another process may have worked meanwhile: its entries and its failures are not those known here."""
        self._tries = self._unexplained_in_a_row = 0
        self.failing_since = self.last_error = None

    async def bring(self, batch: Sequence[Entry]) -> float:
        """Try once. Gives the seconds to wait before the next try: 0 when something has moved.

        Raises `DatabaseUnavailable` when the lane cannot be moved.
        """
        outcome = await self._courier.deliver(batch)
        match outcome:
            case Delivered():
                return await self._acknowledged(batch)
            case Refused(index=index, reason=reason):
                return await self._refused(batch, index, reason)
            case Broken(reason=reason):
                return await self._broken(batch, reason)
            case Away(reason=reason):
                return await self._failed(reason)
            case Late(reason=reason):
                return await self._was_late(batch, reason)
            case _:
                assert_never(outcome)

    async def _acknowledged(self, batch: Sequence[Entry]) -> float:
        await self._lane.acknowledged(batch)
        self._tries = 0
        self._late = max(self._late - 1, 0)
        self.delivered_count += len(batch)
        self.acknowledged_at = rfc3339(self._clock.now_us())
        self.most = min(self.most * 2, self._settings.batch_events)
        self._unexplained_in_a_row = 0
        self.failing_since = self.last_error = None
        self._pause.reset()
        await self._reports.worked(self._lane.cursor_seq)
        return 0.0

    async def _refused(self, batch: Sequence[Entry], index: int, reason: str) -> float:
        if index:
            await self._acknowledged(batch[:index])
        self.most = 1
        self._tries += 1
        if self._tries >= self._settings.tries_before_quarantine:
            return await self._quarantine(batch[index], reason)
        await self._note(reason)
        return self._pause.next_s()

    async def _broken(self, batch: Sequence[Entry], reason: str) -> float:
        self._tries += 1
        if len(batch) == 1:
            patience = 1 << min(self._unexplained_in_a_row, MOST_PATIENCE)
            if self._tries >= self._settings.tries_before_quarantine * patience:
                self._unexplained_in_a_row += 1
                return await self._quarantine(batch[0], reason)
        elif self.most < self._settings.batch_events or self._tries >= self._settings.tries_before_quarantine:
            self.most = len(batch) // 2
            self._tries = 0
            self._pause.reset()
        return await self._failed(reason)

    async def _was_late(self, batch: Sequence[Entry], reason: str) -> float:
        self._late = min(self._late + 1, MOST_LATE)
        if self._late == MOST_LATE:
            self.most = max(len(batch) // 2, 1)
        return await self._failed(reason)

    async def _failed(self, reason: str) -> float:
        await self._note(reason)
        await self._reports.failed(self._lane.cursor_seq, reason)
        return self._pause.next_s()

    async def _note(self, reason: str) -> None:
        self.failing_since = self.failing_since or rfc3339(self._clock.now_us())
        if reason != self.last_error:
            await self._lane.failed(reason)
        self.last_error = reason

    async def _quarantine(self, entry: Entry, reason: str) -> float:
        await self._lane.put_aside(entry, reason)
        self._tries = 0
        self.quarantined_count += 1
        self.most = self._settings.batch_events
        self.failing_since = self.last_error = None
        self._pause.reset()
        await self._reports.quarantined(entry, reason)
        return 0.0
