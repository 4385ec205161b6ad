"""New events to all who listen in this process: a sink on one side, a feed on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatetrail.errors import SinkUnavailable
from gatetrail.events.journal import Entry, Journal
from gatetrail.feed.items import Past, Wanted
from gatetrail.feed.places import Places
from gatetrail.feed.subscription import Subscription
from gatetrail.settings import StreamSettings

OFFERS_AT_ONCE = 2_000
"""After about so many filters others get their turn on the event loop: one or two milliseconds."""

ENTRIES_AT_ONCE = 50
"""A reader is woken for so many together, or for half of what its queue holds: a write to a socket costs more than all
the rest. Between them nobody reads, so nobody can be too slow."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """One look at the feed, for metrics. Counts of events are since this process started."""

    live_seq: int
    """Compare with the journal's head."""
    connections_by_user: Mapping[str, int]
    connection_count: int
    live_count: int
    """Subscriptions that get new events at once; the others are reading the journal."""
    refused_count: int
    """Subscriptions that were refused for one of the limits."""
    dropped_count: int
    """Events that slow subscribers did not get; each of them was told."""
    broken_count: int
    """Subscriptions whose filter raised."""


class Broadcaster:
    """Hands each new entry to every subscription that wants it. Belongs to one event loop.

    Best effort, and never counted as delivery: what it is given counts as seen although nobody may listen, so its
    position is worth nothing durable. Each process that serves has its own, which starts at the journal's head;
    `open_feed` makes one and keeps it there. It keeps to the `Sink` protocol as well, so that anything that drives
    sinks can drive it: doubles are dropped, and at a jump its subscriptions read what is between from the journal.
    """

    def __init__(
        self, journal: Journal, live_seq: int, settings: StreamSettings | None = None, *, name: str = "stream"
    ) -> None:
        """`live_seq` is a position at or before the first entry that `write` will bring, mostly the journal's head."""
        self._settings = chosen = settings or StreamSettings()
        self._name = name
        self._journal = journal
        self._live_seq = live_seq
        self._places = Places(chosen.user_limit, chosen.total_limit, chosen.retry_after_s)
        self._all: set[Subscription] = set()
        self._live: set[Subscription] = set()
        self._reading = asyncio.Semaphore(chosen.readers)
        self._closed = False
        self._dropped_count = 0
        self._broken_count = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def settings(self) -> StreamSettings:
        return self._settings

    @property
    def live_seq(self) -> int:
        return self._live_seq

    @property
    def closed(self) -> bool:
        return self._closed

    def state(self) -> FeedState:
        """What is going on now."""
        return FeedState(
            live_seq=self._live_seq,
            connections_by_user=self._places.by_user,
            connection_count=self._places.taken_count,
            live_count=len(self._live),
            refused_count=self._places.refused_count,
            dropped_count=self._dropped_count,
            broken_count=self._broken_count,
        )

    def subscribe(self, user_id: str, after_seq: int | None, wanted: Wanted, past: Past | None = None) -> Subscription:
        """A subscription to be entered: to what is new, or to everything behind `after_seq`.

        A closed feed gives one that ends at once. The filter is asked in this process and for every event; on the way
        from `after_seq` only for what `past` has picked out, if there is one.
        """
        return Subscription(self, user_id, None if after_seq is None else max(after_seq, 0), wanted, past)

    async def write(self, entries: Sequence[Entry]) -> None:
        """Show entries to all live subscriptions. Waits for nobody. Raises `SinkUnavailable` only when closed."""
        if self._closed:
            raise SinkUnavailable(f"sink {self._name} is closed")
        at_once = min(ENTRIES_AT_ONCE, max(self._settings.queue_events // 2, 1))
        for first in range(0, len(entries), at_once):
            try:
                await self._show_all(entries[first : first + at_once])
            finally:
                for subscription in self._live:
                    subscription.rouse()

    def set_back(self, head_seq: int) -> None:
        """The journal ends at `head_seq`, before the position here. All streams end; who resumes is told."""
        self._live_seq = head_seq
        self._end_all()

    async def close(self) -> None:
        """End all subscriptions; what waits in their queues is still given."""
        self._closed = True
        self._end_all()

    def admit(self, subscription: Subscription) -> None:
        self._places.take(subscription.user_id)
        self._all.add(subscription)

    def dismiss(self, subscription: Subscription) -> None:
        if subscription in self._all:
            self._all.discard(subscription)
            self._live.discard(subscription)
            self._places.give_back(subscription.user_id)

    def make_live(self, subscription: Subscription) -> None:
        self._live.add(subscription)

    def note_dropped(self) -> None:
        self._dropped_count += 1

    def note_broken(self) -> None:
        self._broken_count += 1

    async def page(self, after_seq: int) -> Sequence[Entry]:
        async with self._reading:
            await asyncio.sleep(0)
            return await self._journal.read(after_seq, self._settings.page_events)

    async def picked(self, past: Past, after_seq: int, last_seq: int) -> Sequence[Entry] | None:
        async with self._reading:
            await asyncio.sleep(0)
            return await past.between(after_seq, last_seq, self._settings.page_events)

    async def head_seq(self) -> int:
        return await self._journal.head_seq()

    async def _show_all(self, entries: Sequence[Entry]) -> None:
        offers = 0
        for entry in entries:
            self._show(entry)
            offers += len(self._live)
            if offers >= OFFERS_AT_ONCE:
                offers = 0
                await asyncio.sleep(0)

    def _show(self, entry: Entry) -> None:
        if entry.seq <= self._live_seq:
            return
        if entry.seq > self._live_seq + 1:
            self._send_to_journal()
        self._live_seq = entry.seq
        for subscription in self._live:
            subscription.offer(entry)

    def _send_to_journal(self) -> None:
        for subscription in self._live:
            subscription.fall_back(self._live_seq)
        self._live.clear()

    def _end_all(self) -> None:
        for subscription in self._all:
            subscription.end()
        self._live.clear()
