"""What a sink costs that is down for a million events: memory while it is down, and the way back.

    python -m bench.backlog [--json] [--quick]

One process writes events while a follower tries its sink in vain; then the sink comes back. Memory is the
resident set of that process, looked at after each twentieth of the events. Takes the server of GATETRAIL_DSN,
else starts the embedded one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import orjson

from bench.journal import a_server
from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Start
from gatetrail.events.journal import Journal
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from tests.samples import decided, make_stamp

EVENTS = 1_000_000
QUICK_EVENTS = 5_000
LOOKS = 20
IN_FLIGHT = 256
DRAIN_LIMIT_S = 600.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_mb() -> float:
    """The resident set of this process, as in proc(5)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


async def append(journal: Journal, count: int) -> None:
    """So many events, 256 in flight."""
    stamp = make_stamp()

    async def writer(share: int) -> None:
        for _ in range(share):
            await journal.append(decided(stamp))

    await asyncio.gather(*(writer(count // IN_FLIGHT + (one < count % IN_FLIGHT)) for one in range(IN_FLIGHT)))


async def drained(follower: Follower, seq: int) -> float:
    """Events a second until the follower has come to `seq`."""
    began_s, began_seq = time.perf_counter(), follower.state().cursor_seq
    async with asyncio.timeout(DRAIN_LIMIT_S):
        while follower.state().cursor_seq < seq:  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.01)
    return (seq - began_seq) / (time.perf_counter() - began_s)


async def measure(dsn: str, folder: Path, events: int) -> dict[str, object]:
    """Memory at each look while the sink is down, and how fast it is filled afterwards."""
    await migrate(dsn)
    blocked = folder / "logs"
    blocked.write_bytes(b"")
    stamp = make_stamp()
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id) as journal,
        open_cursors(dsn) as cursors,
    ):
        sink = FileSink("down", FileSettings(path=blocked / "audit.jsonl"))
        settings = FollowerSettings(retry_max_ms=500)
        follower = Follower(
            sink, journal, cursors, stamp, journal.append, start=Start.BEGINNING, clock=SystemClock(), settings=settings
        )
        running = asyncio.create_task(follower.run())
        memory_mb: list[float] = []
        for _ in range(LOOKS):
            await append(journal, events // LOOKS)
            memory_mb.append(resident_mb())
        assert follower.state().cursor_seq == 0
        blocked.unlink()
        per_s = await drained(follower, events)
        after_mb = resident_mb()
        await follower.stop(10)
        await running
    settled_mb = memory_mb[len(memory_mb) // 10]
    return {
        "events": events,
        "memory_mb": [round(one, 1) for one in memory_mb],
        "memory_growth_mb": round(memory_mb[-1] - settled_mb, 1),
        "memory_after_drain_mb": round(after_mb, 1),
        "drained_per_s": round(per_s),
    }


async def main() -> None:
    """Measure and print."""
    events = QUICK_EVENTS if "--quick" in sys.argv[1:] else EVENTS
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-backlog-") as folder:
        async with a_server() as dsn:
            result = await measure(dsn, Path(folder), events)
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name:24} {value}\n")


if __name__ == "__main__":
    asyncio.run(main())
