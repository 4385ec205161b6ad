"""A sink that is down for long costs no memory: its events wait in the journal."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Sequence

import psycopg
import pytest

from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Start
from gatetrail.errors import SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.replays import PostgresReplays
from tests.samples import make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("E10")]

EVENTS = 20_000
LINE_BYTES = 1_500
GROWTH_BYTES = 400_000
PEAK_BYTES = 8_000_000
SETTINGS = FollowerSettings(
    retry_initial_ms=0, retry_max_ms=1, idle_poll_ms=50, gather_ms=0, replay_poll_ms=20, report_interval_ms=0
)


class Away:
    """Takes nothing until it is told to."""

    name = "away"

    def __init__(self) -> None:
        self.is_back = False
        self.tries = 0
        self.taken_seq = 0
        self.taken = 0

    async def write(self, entries: Sequence[Entry]) -> None:
        self.tries += 1
        if not self.is_back:
            raise SinkUnavailable(f"nobody listens, try {self.tries}")
        self.taken_seq, self.taken = entries[-1].seq, self.taken + len(entries)

    async def close(self) -> None:
        pass


def insert(dsn: str, count: int) -> None:
    """More events than anybody would append one by one in a test; nobody verifies them."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO audit_events (seq, event_id, event_name, recorded_at, body, prev_hash, event_hash)"
            " SELECT head.seq + number, gen_random_uuid(), 'audit.heartbeat', now(),"
            " json_build_object('filler', repeat('x', %s)), '', ''"
            " FROM chain_head AS head, generate_series(1, %s) AS number",
            (LINE_BYTES, count),
        )
        connection.execute("UPDATE chain_head SET seq = seq + %s", (count,))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.01)


def traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.slow
async def test_memory_is_flat_while_a_sink_is_away_and_while_it_catches_up(dsn: str) -> None:
    await migrate(dsn)
    stamp, sink = make_stamp(), Away()
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id) as journal,
        open_cursors(dsn) as cursors,
    ):
        insert(dsn, 1_000)
        follower = Follower(
            sink,
            journal,
            cursors,
            stamp,
            journal.append,
            start=Start.BEGINNING,
            clock=SystemClock(),
            settings=SETTINGS,
        )
        running = asyncio.create_task(follower.run())
        tracemalloc.start()
        try:
            await until(lambda: sink.tries > 200)
            begun_bytes = traced_bytes()
            for _ in range(19):
                insert(dsn, (EVENTS - 1_000) // 19)
                tries = sink.tries
                await until(lambda: sink.tries > tries + 50)  # noqa: B023 used within the round
            grown_bytes = traced_bytes() - begun_bytes
            tracemalloc.reset_peak()
            await PostgresReplays(dsn, pool).request("away", 1, EVENTS)
            sink.is_back = True
            await until(lambda: sink.taken >= 2 * EVENTS)
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        await follower.stop(5)
        await running
    assert sink.taken_seq >= EVENTS
    assert grown_bytes < GROWTH_BYTES
    assert peak_bytes < PEAK_BYTES
