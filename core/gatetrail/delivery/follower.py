"""Drives one sink from the journal: catch up, stay with the head, acknowledge, move the cursor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gatetrail.clock import Clock
from gatetrail.delivery.backlog import Backlog, Hole
from gatetrail.delivery.backoff import Backoff
from gatetrail.delivery.courier import Courier, in_one_line
from gatetrail.delivery.delivery import Delivery
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.lane import LiveLane
from gatetrail.delivery.replaying import Replaying
from gatetrail.delivery.sink import CursorStore, Sink, StartingPoint
from gatetrail.delivery.sink_reports import SinkReports
from gatetrail.errors import Unavailable
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry, Journal
from gatetrail.events.stamp import Stamp

log = logging.getLogger("gatetrail.sinks")

LET_GO_LIMIT_S = 2.0
"""Each of the four steps of letting go (work, write, ownership, sink) gets this long."""
HINT_PAUSE_MS = 10
DATABASE_PAUSE_MAX_MS = 5_000
HOLE_REASON = "the journal no longer has them: removed by retention, or missing"
SET_BACK_REASON = "the journal ends before the sink's cursor: it was set back, and delivery goes on from its end"


class Phase(StrEnum):
    """What a follower is doing."""

    STARTING = "starting"
    STANDBY = "standby"
    """Another process drives the sink."""
    FOLLOWING = "following"
    FAILING = "failing"
    """The sink takes nothing; the same entries are tried again and again."""
    DATABASE_AWAY = "database_away"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class FollowerState:
    """One look at a follower. Counts are since this process started. Compare `cursor_seq` with the journal's head."""

    sink_name: str
    phase: Phase
    cursor_seq: int
    delivered_count: int
    quarantined_count: int
    acknowledged_at: str | None
    last_error: str | None
    failing_since: str | None


class Follower:
    """Delivers every event to one sink, in order and at least once, however long sink or database are away.

    One follower per sink works at a time over all processes; the others stand by. The cursor moves only
    after the sink has acknowledged. A failed write comes again, with growing pauses, and in smaller parts
    when it is late again and again. An entry that the sink refuses, or that makes it fail in unexpected
    ways when tried alone, is put into quarantine after `tries_before_quarantine` tries, and later ones
    flow. Failures without a verdict of the sink itself need twice as many tries for each entry that is put
    aside in a row, so that a sink that is away and says so in the wrong way does not have its whole backlog
    quarantined.

    A hole in the journal is never passed over in silence: when it is still there after several looks,
    `audit.gap` is recorded first and the cursor moves over it then. The one hole that is to be expected is
    what retention has removed before a slow or new sink came to it. A cursor beyond the journal's end is
    told in the same way, and delivery goes on from the end.

    Replays that were asked for are worked off in between: they get every second write at the head, a few
    less while the sink is behind it, and none while it fails.
    """

    def __init__(
        self,
        sink: Sink,
        journal: Journal,
        cursors: CursorStore,
        stamp: Stamp,
        record: Callable[[Record], Awaitable[object]],
        *,
        start: StartingPoint,
        clock: Clock,
        settings: FollowerSettings | None = None,
    ) -> None:
        self._settings = chosen = settings or FollowerSettings()
        self._sink = sink
        self._journal = journal
        self._cursors = cursors
        self._start = start
        self._backlog = Backlog(journal, chosen.batch_events, chosen.batch_bytes)
        self._reports = reports = SinkReports(
            sink.name,
            stamp,
            record,
            clock,
            interval_s=chosen.report_interval_ms / 1000,
            remember=lambda told: cursors.tell_failure(sink.name, told=told),
        )
        self._courier = Courier(sink, chosen.write_timeout_ms)
        self._lane = LiveLane(sink.name, self._backlog, cursors, reports)
        self._delivery = Delivery(self._courier, self._lane, reports, clock, chosen)
        self._replaying = Replaying(sink.name, journal, cursors, self._courier, reports, clock=clock, settings=chosen)
        self._batches_since_replay = 0
        longest_ms = min(chosen.retry_max_ms, DATABASE_PAUSE_MAX_MS)
        self._database_pause = Backoff(chosen.retry_initial_ms, longest_ms, chosen.jitter)
        self._hint_pause = Backoff(HINT_PAUSE_MS, chosen.idle_poll_ms, chosen.jitter)
        self._phase = Phase.STARTING
        self._database_error: str | None = None
        self._stop_at_seq: int | None = None
        self._napping: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    def state(self) -> FollowerState:
        """What the follower is doing now."""
        known, replaying = self._delivery, self._replaying
        failing = self._phase is Phase.FOLLOWING and known.failing_since is not None
        return FollowerState(
            sink_name=self._sink.name,
            phase=Phase.FAILING if failing else self._phase,
            cursor_seq=self._backlog.cursor_seq,
            delivered_count=known.delivered_count + replaying.delivered_count,
            quarantined_count=known.quarantined_count + replaying.quarantined_count,
            acknowledged_at=known.acknowledged_at,
            last_error=self._database_error or known.last_error or replaying.last_error,
            failing_since=known.failing_since,
        )

    async def run(self) -> None:
        """Deliver until stopped or cancelled; to be called once. Nothing that breaks ends it.

        At its end the ownership is given back and the sink is closed. What a cancelled write may or may
        not have delivered comes again at the next start.
        """
        worker = self._worker = asyncio.create_task(self._work(), name=f"gatetrail follower of {self._sink.name}")
        try:
            await asyncio.wait([worker])
        finally:
            worker.cancel()
            await asyncio.wait([worker], timeout=LET_GO_LIMIT_S)
            await self._let_go()

    async def stop(self, deadline_s: float) -> None:
        """Deliver what is committed now, as far as that works within the deadline, and end.

        A sink that fails meanwhile is not waited for: what is left stays in the journal for the next start.
        Returns when `run` is over, a few seconds after the deadline if sink or database hang.
        """
        ends_s = asyncio.get_running_loop().time() + deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                self._stop_at_seq = await self._journal.head_seq()
        except (TimeoutError, Unavailable):
            self._stop_at_seq = 0
        if self._napping is not None:
            self._napping.cancel()
        if self._worker is None:
            await self._let_go()
            return
        await asyncio.wait([self._worker], timeout=max(0.0, ends_s - asyncio.get_running_loop().time()))
        self._worker.cancel()
        await self._ended.wait()

    @property
    def _finished(self) -> bool:
        if self._stop_at_seq is None or self._phase is Phase.STARTING:
            return False
        return self._phase is not Phase.FOLLOWING or self._backlog.cursor_seq >= self._stop_at_seq

    async def _work(self) -> None:
        while not self._finished:
            try:
                if await self._acquire():
                    await self._follow()
            except Exception as problem:  # noqa: BLE001 the next round begins at the stored cursor, whatever it was
                await self._begin_anew(problem)

    async def _acquire(self) -> bool:
        seq = await self._cursors.acquire(self._sink.name, self._start)
        self._database_error = None
        if seq is None:
            self._phase = Phase.STANDBY
            await self._nap(asyncio.sleep(self._settings.acquire_poll_ms / 1000))
            return False
        self._backlog.begin(seq)
        self._delivery.begin()
        self._replaying.forget()
        self._phase = Phase.FOLLOWING
        states = {state.sink_name: state for state in await self._cursors.states()}
        known = states.get(self._sink.name)
        self._reports.begin(failure_told=known is not None and known.failure_told)
        head_seq = await self._journal.head_seq()
        if seq > head_seq:
            await self._lane.set_back(head_seq, SET_BACK_REASON)
        return True

    async def _follow(self) -> None:
        while not self._finished:
            replayed = await self._replay()
            hinted = not self._backlog.exhausted or (not replayed and await self._wait_for_more())
            batch = await self._backlog.batch(self._delivery.most)
            if isinstance(batch, Hole):
                await self._lane.skip(batch, HOLE_REASON)
            elif batch:
                self._hint_pause.reset()
                self._batches_since_replay += 1
                await self._rest(await self._bring(batch))
            elif hinted:
                await self._nap(asyncio.sleep(self._hint_pause.next_s()))
            self._database_pause.reset()

    async def _bring(self, batch: Sequence[Entry]) -> float:
        ahead = asyncio.create_task(self._backlog.read_ahead())
        try:
            pause_s = await self._delivery.bring(batch)
            await asyncio.wait([ahead])
        finally:
            ahead.cancel()
        return pause_s

    async def _replay(self) -> bool:
        """Bring a batch of a replay when it is its turn; True when there was one."""
        behind = not self._backlog.exhausted
        if behind and self._batches_since_replay < self._settings.live_batches_for_a_replayed_one:
            return False
        if self._stop_at_seq is not None or self._delivery.failing_since is not None:
            return False
        self._batches_since_replay = 0
        return await self._replaying.step()

    async def _wait_for_more(self) -> bool:
        """True when somebody said that there is more, which may be wrong."""
        limit_s = self._settings.idle_poll_ms / 1000
        began_s = asyncio.get_running_loop().time()
        await self._nap(self._journal.wait_beyond(self._backlog.cursor_seq, limit_s))
        hinted = asyncio.get_running_loop().time() - began_s < limit_s
        if hinted:
            await self._nap(asyncio.sleep(self._settings.gather_ms / 1000))
        return hinted

    async def _rest(self, pause_s: float) -> None:
        """Wait after a failed try; while stopping, the failed try was the last one."""
        if pause_s and self._stop_at_seq is not None:
            self._stop_at_seq = self._backlog.cursor_seq
        elif pause_s:
            await self._nap(asyncio.sleep(pause_s))

    async def _begin_anew(self, problem: Exception) -> None:
        self._phase = Phase.DATABASE_AWAY
        self._database_error = in_one_line(problem)
        if isinstance(problem, Unavailable):
            log.warning("sink %s: %s; trying again", self._sink.name, problem)
        else:
            log.error("sink %s: its follower begins anew", self._sink.name, exc_info=problem)
        await _within(LET_GO_LIMIT_S, self._cursors.release(self._sink.name))
        await self._nap(asyncio.sleep(self._database_pause.next_s()))

    async def _nap(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait, but no longer than until somebody calls `stop`."""
        nap = self._napping = asyncio.create_task(waiting)
        if self._stop_at_seq is not None:
            nap.cancel()
        try:
            await asyncio.wait([nap])
        finally:
            nap.cancel()

    async def _let_go(self) -> None:
        if not await self._courier.settled(LET_GO_LIMIT_S):
            log.warning("sink %s: hangs in a write and is left behind", self._sink.name)
        await _within(LET_GO_LIMIT_S, self._cursors.release(self._sink.name))
        await _within(LET_GO_LIMIT_S, self._sink.close())
        self._phase = Phase.STOPPED
        self._ended.set()


async def _within(limit_s: float, work: Coroutine[Any, Any, None]) -> None:
    """Do it if it can be done in time; nothing that goes wrong may keep us from ending."""
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=limit_s)
    if not task.done():
        task.cancel()
    elif not task.cancelled() and (problem := task.exception()):
        log.info("while letting go: %s", problem)
