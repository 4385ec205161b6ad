"""A process that drives a file sink from the journal; to be killed by tests. Arguments: DSN and path."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower, Phase
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Start
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import open_journal
from tests.samples import make_stamp

SETTINGS = FollowerSettings(
    batch_events=40, acquire_poll_ms=50, idle_poll_ms=100, retry_initial_ms=20, retry_max_ms=200, replay_poll_ms=20
)


async def export(dsn: str, path: Path) -> None:
    stamp = make_stamp()
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id) as journal,
        open_cursors(dsn) as cursors,
    ):
        sink = FileSink("file", FileSettings(path=path))
        follower = Follower(
            sink, journal, cursors, stamp, journal.append, start=Start.BEGINNING, clock=SystemClock(), settings=SETTINGS
        )
        running = asyncio.create_task(follower.run())
        while follower.state().phase is not Phase.FOLLOWING:  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.005)
        print("following", flush=True)  # noqa: T201
        await running


if __name__ == "__main__":
    asyncio.run(export(sys.argv[1], Path(sys.argv[2])))
