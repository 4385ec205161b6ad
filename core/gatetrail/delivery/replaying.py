"""Works off the replays that were asked of one sink, between what is live."""

from __future__ import annotations

import asyncio
import logging

from gatetrail.clock import Clock
from gatetrail.delivery.courier import Courier
from gatetrail.delivery.delivery import Delivery
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.replay_lane import ReplayLane
from gatetrail.delivery.sink import CursorStore
from gatetrail.delivery.sink_reports import SinkReports
from gatetrail.events.journal import Journal

log = logging.getLogger("gatetrail.sinks")


class Replaying:
    """One replay after the other, the oldest first, a batch at a time. Used by the sink's follower alone.

    A replay has its own durable position, its own tries and its own singling out of poison; the sink is the same,
    and never called twice at once.
    """

    def __init__(
        self,
        sink_name: str,
        journal: Journal,
        cursors: CursorStore,
        courier: Courier,
        reports: SinkReports,
        *,
        clock: Clock,
        settings: FollowerSettings,
    ) -> None:
        self._sink_name = sink_name
        self._journal = journal
        self._cursors = cursors
        self._courier = courier
        self._reports = reports
        self._clock = clock
        self._settings = settings
        self._lane: ReplayLane | None = None
        self._delivery: Delivery | None = None
        self._not_before_s = 0.0
        self.delivered_count = 0
        self.quarantined_count = 0

    @property
    def last_error(self) -> str | None:
        """Why the replay under way does not move."""
        return self._delivery.last_error if self._delivery is not None else None

    def forget(self) -> None:
        """Another process may have worked meanwhile: look anew at the stored positions."""
        self._lane = self._delivery = None
        self._not_before_s = 0.0

    async def step(self) -> bool:
        """Bring one batch; False when there is nothing to bring now. Raises `DatabaseUnavailable`."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._not_before_s:
            return False
        if self._lane is None or self._delivery is None:
            await self._look()
        if self._lane is None or self._delivery is None:
            self._not_before_s = now_s + self._settings.replay_poll_ms / 1000
            return False
        batch = await self._lane.batch(self._delivery.most)
        if not batch:
            log.info("sink %s: replay %d is over", self._sink_name, self._lane.latest.replay_id)
            self.forget()
            return True
        before = self._delivery.delivered_count, self._delivery.quarantined_count
        rest_s = await self._delivery.bring(batch)
        self.delivered_count += self._delivery.delivered_count - before[0]
        self.quarantined_count += self._delivery.quarantined_count - before[1]
        self._not_before_s = asyncio.get_running_loop().time() + rest_s if rest_s else 0.0
        return not rest_s

    async def _look(self) -> None:
        replay = await self._cursors.open_replay(self._sink_name)
        if replay is None:
            return
        log.info("sink %s: replay %d goes on at %d", self._sink_name, replay.replay_id, replay.next_seq)
        self._lane = ReplayLane(replay, self._journal, self._cursors, self._settings.batch_bytes)
        self._delivery = Delivery(self._courier, self._lane, self._reports, self._clock, self._settings)
