"""One reader of the live feed: a queue with a limit, and the way from the journal into it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Self, assert_never

from gatetrail.errors import Unavailable
from gatetrail.events.journal import Entry
from gatetrail.feed.house import Feed
from gatetrail.feed.items import Gap, GapReason, Heartbeat, Item, Past, Wanted

log = logging.getLogger("gatetrail.feed")

JOURNAL_PAUSE_S = 1.0
"""A subscriber that resumes while the journal cannot be read tries again after this long."""
PICKED_POSITIONS = 50_000
"""So much of the journal is looked through at once for what a subscriber wants: some ten milliseconds."""


class Subscription:
    """Enter it to take a place (raises `FeedFull`), iterate to get `Item`s, leave it to let go of everything.

    Entries come in the journal's order, none twice. Iteration ends when the feed closes; what waits is given
    before. What the filter raises is raised here, and ends this iteration alone. To be used by one task, and once.

    A subscription that resumes reads the journal page by page until it has met the feed; only then does it get
    live entries, which wait in its queue. So nothing piles up while it reads, and the meeting leaves no seam: both
    sides are compared and switched without an await between.
    """

    __slots__ = (
        "_after_seq",
        "_broken",
        "_ended",
        "_feed",
        "_given_s",
        "_limit",
        "_live",
        "_missed",
        "_past",
        "_position",
        "_queue",
        "_waiter",
        "_wanted",
        "user_id",
    )

    def __init__(
        self, feed: Feed, user_id: str, after_seq: int | None, wanted: Wanted, past: Past | None = None
    ) -> None:
        self.user_id = user_id
        self._feed = feed
        self._wanted = wanted
        self._past = past
        self._after_seq = after_seq
        self._position = 0
        """Everything up to here is dealt with. Does not move while it is live: then the feed's own position counts."""
        self._queue: deque[Entry | Gap] = deque()
        self._missed: Gap | None = None
        """What was dropped from the front of the queue since the reader last looked."""
        self._live = False
        self._ended = True
        self._broken: Exception | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._limit: asyncio.Timeout | None = None
        """Of the reading that is going on."""
        self._given_s = 0.0

    async def __aenter__(self) -> Self:
        self._feed.admit(self)
        self._ended = self._feed.closed
        self._given_s = asyncio.get_running_loop().time()
        live_seq = self._feed.live_seq
        self._position = live_seq if self._after_seq is None else self._after_seq
        if self._position == live_seq:
            self._go_live()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Let go of everything, as the end of the block does. May be called twice."""
        self._feed.dismiss(self)
        self._ended = True
        self._missed = None
        self._queue.clear()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        item: Item | None = self._waiting()
        while item is None:
            in_time = await self._step()
            item = self._waiting() or (None if in_time else self._heartbeat())
        self._given_s = asyncio.get_running_loop().time()
        return item

    def ready(self) -> Generator[Entry | Gap]:
        """What waits and can be given without waiting; each is taken from the queue when it is asked for."""
        while (item := self._waiting()) is not None:
            yield item

    def offer(self, entry: Entry) -> None:
        """Show one new entry, and leave the reader asleep. Never raises, never blocks."""
        if entry.seq <= self._position or not self._fits(entry):
            return
        if len(self._queue) >= self._feed.settings.queue_events:
            self._drop()
        self._queue.append(entry)

    def rouse(self) -> None:
        """Wake the reader if something waits for it."""
        if self._queue or self._missed is not None:
            self._wake()

    def fall_back(self, seq: int) -> None:
        """Read on from the journal behind `seq`: the feed itself has missed something."""
        self._live = False
        self._position = max(seq, self._position)
        self._wake()

    def end(self) -> None:
        """Nothing new will come; what waits is still given. A wait, and a reading that is going on, end at once."""
        self._ended = True
        self._wake()
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _waiting(self) -> Entry | Gap | None:
        if self._missed is not None:
            missed, self._missed = self._missed, None
            return missed
        return self._queue.popleft() if self._queue else None

    async def _step(self) -> bool:
        """One wait or one page. False when it is time for a heartbeat."""
        if self._broken is not None:
            raise self._broken
        if self._ended:
            raise StopAsyncIteration
        quiet_s = asyncio.get_running_loop().time() - self._given_s
        left_s = self._feed.settings.heartbeat_s - quiet_s
        if left_s <= 0:
            return False
        return await (self._wait(left_s) if self._live else self._read_on(left_s))

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(max(self._position, self._feed.live_seq) if self._live else self._position)

    async def _wait(self, limit_s: float) -> bool:
        """False when nothing came."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(limit_s, _settle, waiter, False)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    async def _read_on(self, limit_s: float) -> bool:
        """False when it took too long; it is begun again then."""
        self._limit = limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                await self._approach()
        except TimeoutError:
            if not limit.expired():
                raise
            return self._ended
        finally:
            self._limit = None
        return True

    async def _approach(self) -> None:
        """One page nearer to the feed; live, when it is met."""
        expected_seq = self._feed.live_seq
        try:
            if self._position > expected_seq:
                self._stay_within(await self._feed.head_seq())
            elif self._position < expected_seq and not await self._pick(expected_seq):
                self._take(await self._feed.page(self._position), expected_seq)
        except Unavailable as problem:
            log.info("a subscriber waits for the journal: %s", problem)
            await asyncio.sleep(JOURNAL_PAUSE_S)
            return
        if self._position >= self._feed.live_seq:
            self._go_live()

    async def _pick(self, expected_seq: int) -> bool:
        """Queue what is picked out on the next stretch; False when it has holes, which only a whole page shows."""
        if self._past is None:
            return False
        last_seq = min(self._position + PICKED_POSITIONS, expected_seq)
        picked = await self._feed.picked(self._past, self._position, last_seq)
        if picked is None:
            return False
        self._queue.extend(entry for entry in picked if self._fits(entry))
        self._position = picked[-1].seq if len(picked) >= self._feed.settings.page_events else last_seq
        return True

    def _go_live(self) -> None:
        self._live = True
        self._feed.make_live(self)

    def _stay_within(self, head_seq: int) -> None:
        if self._position > head_seq:
            self._queue.append(Gap(head_seq + 1, self._position, GapReason.SET_BACK))
            self._position = head_seq

    def _take(self, page: Sequence[Entry], expected_seq: int) -> None:
        """Queue what is wanted of a page that was read when the feed was at `expected_seq`."""
        for entry in page:
            self._pass_hole(entry.seq - 1)
            self._position = entry.seq
            if self._fits(entry):
                self._queue.append(entry)
        if len(page) < self._feed.settings.page_events:
            self._pass_hole(expected_seq)

    def _pass_hole(self, last_seq: int) -> None:
        if self._position < last_seq:
            self._queue.append(Gap(self._position + 1, last_seq, GapReason.REMOVED))
            self._position = last_seq

    def _fits(self, entry: Entry) -> bool:
        if self._broken is not None:
            return False
        try:
            return self._wanted(entry)
        except Exception as problem:  # noqa: BLE001 it is the subscriber's own code, and ends its own stream only
            self._broken = problem
            self._feed.note_broken()
            self._wake()
            return False

    def _drop(self) -> None:
        oldest = self._queue.popleft()
        match oldest:
            case Entry(seq=seq):
                first_seq = last_seq = seq
                self._feed.note_dropped()
            case Gap(first_seq=first_seq, last_seq=last_seq):
                pass
            case _:
                assert_never(oldest)
        if self._missed is not None:
            first_seq = self._missed.first_seq
        self._missed = Gap(first_seq, last_seq, GapReason.SLOW)

    def _wake(self) -> None:
        if self._waiter is not None:
            _settle(self._waiter, woken=True)


def _settle(waiter: asyncio.Future[bool], woken: bool) -> None:  # noqa: FBT001 the loop's timer passes it in its place
    if not waiter.done():
        waiter.set_result(woken)
