"""Keeps a broadcaster at the journal's head."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gatetrail.errors import Unavailable
from gatetrail.events.journal import Journal
from gatetrail.feed.broadcaster import Broadcaster
from gatetrail.settings import StreamSettings
from gatetrail.tasks import ended

log = logging.getLogger("gatetrail.feed")

BATCH_EVENTS = 500
IDLE_S = 1.0
"""How often the journal is looked at although nobody said that there is more."""
RETRY_S = 1.0


@asynccontextmanager
async def open_feed(
    journal: Journal, settings: StreamSettings | None = None, *, name: str = "stream"
) -> AsyncGenerator[Broadcaster]:
    """A broadcaster that follows the journal from its head on, for as long as the block lasts.

    No cursor is kept and nothing is acknowledged: after a restart it begins at the head of then, and those who
    resume read what is between from the journal. At the end all subscriptions end. Raises `DatabaseUnavailable`
    when the head cannot be read at the start; later it waits until the database is back.
    """
    feed = Broadcaster(journal, await journal.head_seq(), settings, name=name)
    following = asyncio.create_task(_follow(journal, feed), name="gatetrail feed")
    try:
        yield feed
    finally:
        await ended(following)
        await feed.close()


async def _follow(journal: Journal, feed: Broadcaster) -> None:
    away = False
    while True:
        try:
            if away:
                await _look_for_set_back(journal, feed)
            away = False
            await _move(journal, feed)
        except Exception as problem:  # noqa: BLE001 the feed comes back whatever it was
            _tell(problem, already_told=away)
            away = True
            await asyncio.sleep(RETRY_S)


async def _move(journal: Journal, feed: Broadcaster) -> None:
    entries = await journal.read(feed.live_seq, BATCH_EVENTS)
    await feed.write(entries)
    if len(entries) < BATCH_EVENTS:
        await journal.wait_beyond(feed.live_seq, IDLE_S)
        await asyncio.sleep(feed.settings.gather_ms / 1000)


async def _look_for_set_back(journal: Journal, feed: Broadcaster) -> None:
    head_seq = await journal.head_seq()
    if head_seq < feed.live_seq:
        log.error("the journal was set back from %d to %d: all event streams end", feed.live_seq, head_seq)
        feed.set_back(head_seq)


def _tell(problem: Exception, *, already_told: bool) -> None:
    if not isinstance(problem, Unavailable):
        log.error("event streams: begin anew", exc_info=problem)
    elif not already_told:
        log.warning("event streams: %s; trying again", problem)
