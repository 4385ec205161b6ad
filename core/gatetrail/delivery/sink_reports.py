"""Tells in events what becomes of a sink, so often that it is noticed and so seldom that it is no flood."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from gatetrail.call import clean, first_words
from gatetrail.clock import Clock
from gatetrail.delivery.backlog import Hole
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditGap, AuditSinkFailed, AuditSinkRecovered
from gatetrail.events.stamp import Stamp
from gatetrail.words import Level

log = logging.getLogger("gatetrail.sinks")

LONGEST_REASON = 500
MOST_BYTES_OF_A_CHARACTER = 6
LONGEST_IN_MESSAGE = 200
OWN_EVENTS = ("audit.gap", "audit.sink_failed", "audit.sink_recovered")


class SinkReports:
    """The events about one sink. They go through the journal, and so to this sink too.

    Hence no feedback: at most one failure and its recovery in `interval_s`, at most
    `quarantines_per_interval` refused entries told in that time, and never one about an entry that is
    itself such a report. What is left out here stands in the log and in the quarantine all the same.

    `remember` keeps whether a failure was told and its end was not, so that a recovery is told by whoever
    drives the sink then, in this process or in another.
    """

    def __init__(
        self,
        sink_name: str,
        stamp: Stamp,
        record: Callable[[Record], Awaitable[object]],
        clock: Clock,
        *,
        interval_s: float,
        remember: Callable[[bool], Awaitable[None]],
        quarantines_per_interval: int = 20,
    ) -> None:
        self._sink_name = sink_name
        self._stamp = stamp
        self._record = record
        self._clock = clock
        self._interval_s = interval_s
        self._remember = remember
        self._quarantines_per_interval = quarantines_per_interval
        self._failing = False
        self._told = False
        self._last_told_s: float | None = None
        self._window_began_s = clock.monotonic_s()
        self._told_quarantines = 0
        self._untold_quarantines = 0

    def begin(self, *, failure_told: bool) -> None:
        """What was told before this process became the owner of the sink."""
        self._failing = self._told = failure_told

    async def failed(self, cursor_seq: int, reason: str) -> None:
        """A try has failed. The first one of an episode is told, or the first for which it is time again.

        Raises `DatabaseUnavailable`, as `worked` does.
        """
        if not self._failing:
            log.warning("sink %s takes no events: %s", self._sink_name, reason)
        self._failing = True
        if self._told or not self._time_for_another():
            return
        message = f"sink {self._sink_name} takes no events: {first_words(reason, LONGEST_IN_MESSAGE)}"
        self._told = await self._tell(
            AuditSinkFailed(
                **self._stamp(Level.CRITICAL, message),
                sink_name=self._sink_name,
                cursor_seq=cursor_seq,
                reason=_cut(reason),
            )
        )
        if self._told:
            self._last_told_s = self._clock.monotonic_s()
            await self._remember(True)

    async def worked(self, cursor_seq: int) -> None:
        """A try has succeeded. Told when the failure was; if that cannot be recorded now, after a later success."""
        if self._failing:
            log.info("sink %s takes events again", self._sink_name)
        self._failing = False
        if not self._told:
            return
        message = f"sink {self._sink_name} takes events again"
        keys = self._stamp(Level.NOTICE, message)
        recovered = AuditSinkRecovered(**keys, sink_name=self._sink_name, cursor_seq=cursor_seq)
        self._told = not await self._tell(recovered)
        if not self._told:
            await self._remember(False)

    async def quarantined(self, entry: Entry, reason: str) -> None:
        """An entry was put aside for good."""
        log.error("sink %s: event %d was put into quarantine: %s", self._sink_name, entry.seq, reason)
        if entry.event_name in OWN_EVENTS or not self._room_for_quarantine():
            self._untold_quarantines += 1
            return
        if self._untold_quarantines:
            reason = f"{self._untold_quarantines} more since the last report; this one: {reason}"
        message = f"sink {self._sink_name} refused event {entry.seq} for good"
        self._untold_quarantines = 0
        await self._tell(
            AuditSinkFailed(
                **self._stamp(Level.CRITICAL, message),
                sink_name=self._sink_name,
                cursor_seq=entry.seq,
                reason=_cut(reason),
                quarantined_seq=entry.seq,
            )
        )

    async def gap(self, hole: Hole, reason: str) -> None:
        """Events will not reach this sink. Always told: raises `Unavailable` when that cannot be made durable now."""
        log.critical("sink %s: events %d to %d: %s", self._sink_name, hole.first_seq, hole.last_seq, reason)
        message = f"events {hole.first_seq} to {hole.last_seq} do not reach sink {self._sink_name}"
        await self._record(
            AuditGap(
                **self._stamp(Level.CRITICAL, message),
                sink_name=self._sink_name,
                first_missing_seq=hole.first_seq,
                last_missing_seq=hole.last_seq,
                reason=_cut(reason),
            )
        )

    def _time_for_another(self) -> bool:
        return self._last_told_s is None or self._clock.monotonic_s() - self._last_told_s >= self._interval_s

    def _room_for_quarantine(self) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s - self._window_began_s >= self._interval_s:
            self._window_began_s, self._told_quarantines = now_s, 0
        self._told_quarantines += 1
        return self._told_quarantines <= self._quarantines_per_interval

    async def _tell(self, event: Record) -> bool:
        try:
            await self._record(event)
        except Exception as problem:  # noqa: BLE001 delivery goes on without the report
            log.warning("sink %s: its state could not be recorded: %s", self._sink_name, problem)
            return False
        return True


def _cut(reason: str) -> str:
    return clean(first_words(reason, LONGEST_REASON), LONGEST_REASON * MOST_BYTES_OF_A_CHARACTER)
