"""From the journal to the other side's acknowledgement: how many events a second, and how long one of them takes.

    python -m bench.export [--json] [--quick]

Each sink stands behind its follower, on PostgreSQL, with a real receiver on this machine: the file (fsync for each
batch), Fluentd (the independent receiver, which writes and fsyncs before it acknowledges), and rsyslog by RELP, by
TCP, and by its own imfile, which follows our file. For imfile, done means that rsyslog has written the line again.
A backlog gives the events a second; a trickle gives the time from an event's commit to its acknowledgement,
of which 50 ms are the follower's pause to gather what comes together. All take turns within each round; medians over
the rounds. Takes the server of GATETRAIL_DSN, else starts the embedded one.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench.backlog import append
from bench.journal import a_server
from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.sink import Sink, Start
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import PostgresCursors
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.syslog import TransportKind
from tests.samples import decided, make_stamp
from tests.sinks.places.file import file_place
from tests.sinks.places.fluentd import plain_fluentd
from tests.sinks.places.place import Place
from tests.sinks.places.syslog import syslog_place
from tests.sinks.rsyslog import Rsyslog
from tests.sinks.test_imfile import following

BACKLOG, QUICK_BACKLOG = 20_000, 2_000
TRICKLE, QUICK_TRICKLE = 400, 20
EACH_S = 0.01
ROUNDS = 3
WITHIN_S = 120.0
LOOK_S = 0.001

Arrived = Callable[[], int]
"""How many events the other side has for good."""


class TimedCursors(PostgresCursors):
    """Remembers when which position was acknowledged."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.moved: list[tuple[int, float]] = []

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        acknowledged_s = time.perf_counter()
        await super().advance(sink_name, seq, delivered)
        self.moved.append((seq, acknowledged_s))


@dataclass(slots=True)
class Figures:
    """Of one sink, over the rounds."""

    per_s: list[float] = field(default_factory=list[float])
    latencies_ms: list[float] = field(default_factory=list[float])

    def medians(self) -> dict[str, float]:
        ordered = sorted(self.latencies_ms)
        return {
            "events_per_s": round(statistics.median(self.per_s)),
            "commit_to_ack_p50_ms": round(ordered[len(ordered) // 2], 1),
            "commit_to_ack_p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
        }


@dataclass(frozen=True, slots=True)
class Load:
    """What one turn is made of."""

    backlog: int
    trickle: int


class Turn:
    """One sink, new, with all the backlog before it."""

    def __init__(self, dsn: str, journal: PostgresJournal, sink: Sink) -> None:
        self._journal = journal
        self._cursors = TimedCursors(dsn)
        stamp = make_stamp()
        self._follower = Follower(
            sink, journal, self._cursors, stamp, journal.append, start=Start.BEGINNING, clock=SystemClock()
        )

    async def run(self, load: Load, figures: Figures, arrived: Arrived | None) -> None:
        head_seq = await self._journal.head_seq()
        began_s = time.perf_counter()
        running = asyncio.create_task(self._follower.run())
        await self._reaches(lambda: arrived() if arrived else self._follower.state().cursor_seq, head_seq)
        figures.per_s.append(head_seq / (time.perf_counter() - began_s))
        committed = await self._trickled(load.trickle, arrived)
        for seq, done_s in self._done(committed):
            figures.latencies_ms.append((done_s - committed[seq]) * 1000)
        await self._follower.stop(10)
        await running
        await self._cursors.close()

    async def _trickled(self, count: int, arrived: Arrived | None) -> dict[int, float]:
        """When each event was committed, by position. Returns when all of them have arrived."""
        stamp, committed = make_stamp(), dict[int, float]()
        watching = asyncio.create_task(self._watch(arrived)) if arrived else None
        for _ in range(count):
            seq = await self._journal.append(decided(stamp))
            committed[seq] = time.perf_counter()
            await asyncio.sleep(EACH_S)
        last = max(committed)
        await self._reaches(lambda: arrived() if arrived else self._follower.state().cursor_seq, last)
        if watching is not None:
            await asyncio.sleep(10 * LOOK_S)
            watching.cancel()
        return committed

    async def _watch(self, arrived: Arrived) -> None:
        self._cursors.moved.clear()
        while True:
            seen = arrived()
            self._cursors.moved.append((seen, time.perf_counter()))
            await asyncio.sleep(LOOK_S)

    def _done(self, committed: dict[int, float]) -> list[tuple[int, float]]:
        """When each position was first at or below what had been acknowledged."""
        moves, found = iter(sorted(self._cursors.moved)), list[tuple[int, float]]()
        reached, at_s = 0, 0.0
        for seq in sorted(committed):
            while reached < seq:
                reached, at_s = next(moves)
            found.append((seq, at_s))
        return found

    async def _reaches(self, position: Callable[[], int], wanted: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while position() < wanted:  # noqa: ASYNC110 a look from outside
                await asyncio.sleep(LOOK_S)


async def through_place(
    dsn: str, journal: PostgresJournal, place: Place, name: str, load: Load, figures: Figures
) -> None:
    """A sink whose acknowledgement is the end of it."""
    try:
        await Turn(dsn, journal, place.sink(name)).run(load, figures, None)
    finally:
        await place.close()


async def through_imfile(
    dsn: str, journal: PostgresJournal, folder: Path, name: str, load: Load, figures: Figures
) -> None:
    """The file sink, and rsyslog that follows its file and writes each line again."""
    path = folder / "logs" / "audit.jsonl"
    path.parent.mkdir(parents=True)
    receiver = Rsyslog(folder, more=following(path))
    await receiver.start()
    try:
        arrived = lines_of(path.parent / "raw")
        await Turn(dsn, journal, FileSink(name, FileSettings(path=path))).run(load, figures, arrived)
    finally:
        await receiver.kill()


def lines_of(path: Path) -> Arrived:
    """Counts the lines of a file that grows; reads what is new only."""
    seen, read_bytes = 0, 0

    def arrived() -> int:
        nonlocal seen, read_bytes
        if path.exists():
            with path.open("rb") as opened:
                opened.seek(read_bytes)
                new = opened.read()
            seen, read_bytes = seen + new.count(b"\n"), read_bytes + len(new)
        return seen

    return arrived


PLACES: dict[str, Callable[[Path], Awaitable[Place]]] = {
    "file": file_place,
    "fluentd": plain_fluentd,
    "relp": syslog_place(TransportKind.RELP),
    "tcp": syslog_place(TransportKind.TCP),
}


async def measure(dsn: str, folder: Path, load: Load, rounds: int) -> dict[str, dict[str, float]]:
    """All sinks in turn, round after round."""
    await migrate(dsn)
    figures = {name: Figures() for name in (*PLACES, "imfile")}
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=make_stamp().instance_id) as journal:
        await append(journal, load.backlog)
        for number in range(rounds):
            for name, ready in PLACES.items():
                own = folder / f"{name}-{number}"
                own.mkdir()
                await through_place(dsn, journal, await ready(own), own.name, load, figures[name])
            own = folder / f"imfile-{number}"
            await through_imfile(dsn, journal, own, own.name, load, figures["imfile"])
    return {name: one.medians() for name, one in figures.items()}


async def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv[1:]
    load = Load(QUICK_BACKLOG, QUICK_TRICKLE) if quick else Load(BACKLOG, TRICKLE)
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-export-") as folder:
        async with a_server() as dsn:
            result = await measure(dsn, Path(folder), load, 1 if quick else ROUNDS)
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, figures in result.items():
        sys.stdout.write(f"{name:10} {figures}\n")


if __name__ == "__main__":
    asyncio.run(main())
