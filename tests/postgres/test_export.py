"""From the journal to a file, with the processes and connections in between dying at any moment."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import psycopg
import pytest

from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.sink import Start
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.replays import PostgresReplays
from tests.postgres.exporter import SETTINGS
from tests.samples import decided, make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

KILLS = 12
EVENTS_A_ROUND = 400
DROPS = 5
REPLAYED = 3_000
REPLAY_KILLS = 5


@asynccontextmanager
async def open_migrated(dsn: str) -> AsyncGenerator[PostgresJournal]:
    await migrate(dsn)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=make_stamp().instance_id) as journal:
        yield journal


async def append(journal: PostgresJournal, count: int) -> None:
    stamp = make_stamp()
    await asyncio.gather(*(journal.append(decided(stamp)) for _ in range(count)))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 another process makes it true
            await asyncio.sleep(0.001)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def check_against_journal(path: Path, journal: PostgresJournal, torn_at_most: int) -> None:
    """Every event, in order, in the journal's bytes; what is torn stands alone and is the start of a line."""
    recorded = [entry.line for entry in await journal.read(0, 1_000_000)]
    content = path.read_bytes()
    assert content.endswith(b"\n")
    known = set(recorded)
    whole = [line for line in content.split(b"\n")[:-1] if line in known]
    torn = [line for line in content.split(b"\n")[:-1] if line not in known]
    assert list(dict.fromkeys(whole)) == recorded
    assert len(torn) <= torn_at_most
    assert all(any(line.startswith(piece) for line in recorded) for piece in torn)


async def reaches(path: Path, journal: PostgresJournal) -> None:
    """Wait until the newest event is in the file."""
    last = (await journal.read(await journal.head_seq() - 1, 1))[0].line + b"\n"
    await until(lambda: path.exists() and path.read_bytes().endswith(last))


class Exporters:
    """Two processes for one sink: one follows, the other stands by."""

    def __init__(self, dsn: str, path: Path) -> None:
        self._arguments = (dsn, str(path))
        self._alive: list[Process] = []

    async def start(self) -> None:
        root = Path(__file__).parents[2]
        command = (sys.executable, "-m", "tests.postgres.exporter", *self._arguments)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=root)
        self._alive.append(process)

    async def owner(self) -> Process:
        """The one that follows now, after at most ten seconds."""
        said = {asyncio.create_task(one.stdout.readline()): one for one in self._alive if one.stdout is not None}
        done, others = await asyncio.wait(said, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        assert [task.result() for task in done] == [b"following\n"]
        return said[done.pop()]

    async def kill(self, process: Process) -> None:
        self._alive.remove(process)
        process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]

    async def kill_all(self) -> None:
        for process in list(self._alive):
            await self.kill(process)


@pytest.mark.slow
@pytest.mark.requirement("E2", "E10")
async def test_exporters_killed_at_any_moment_lose_and_glue_nothing_and_the_other_takes_over(
    dsn: str, tmp_path: Path
) -> None:
    chance, path = random.Random(3), tmp_path / "audit.jsonl"
    exporters = Exporters(dsn, path)
    async with open_migrated(dsn) as journal:
        try:
            await exporters.start()
            owner = await exporters.owner()
            for _ in range(KILLS):
                await exporters.start()
                size = size_of(path)
                appending = asyncio.create_task(append(journal, EVENTS_A_ROUND))
                grown = chance.randrange(EVENTS_A_ROUND * 1000)
                await until(lambda: size_of(path) > size + grown)  # noqa: B023 used within the round
                await exporters.kill(owner)
                owner = await exporters.owner()
                await appending
            await reaches(path, journal)
        finally:
            await exporters.kill_all()
        await check_against_journal(path, journal, torn_at_most=KILLS)


@pytest.mark.slow
@pytest.mark.requirement("E10")
async def test_a_replay_whose_drivers_are_killed_at_any_moment_brings_every_event_in_order(
    dsn: str, tmp_path: Path
) -> None:
    chance, path = random.Random(5), tmp_path / "audit.jsonl"
    exporters = Exporters(dsn, path)
    async with open_migrated(dsn) as journal, open_pool(dsn) as pool:
        replays = PostgresReplays(dsn, pool)
        await append(journal, REPLAYED)
        try:
            await exporters.start()
            owner = await exporters.owner()
            await reaches(path, journal)
            live_size = size_of(path)
            asked = await replays.request("file", 101, REPLAYED)
            for _ in range(REPLAY_KILLS):
                await exporters.start()
                size = size_of(path)
                grown = chance.randrange(REPLAYED * 100)
                await until(lambda: size_of(path) > size + grown)  # noqa: B023 used within the round
                await exporters.kill(owner)
                owner = await exporters.owner()
            async with asyncio.timeout(30):
                while (now := await replays.state(asked.replay_id)) and now.finished_at is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            await exporters.kill_all()
        wanted = [entry.line for entry in await journal.read(100, REPLAYED - 100)]
        again = path.read_bytes()[live_size:].split(b"\n")[:-1]
        known = set(wanted)
        assert list(dict.fromkeys(line for line in again if line in known)) == wanted
        assert now is not None
        assert now.delivered_count == len(wanted)
        assert len([line for line in again if line not in known]) <= REPLAY_KILLS


@pytest.mark.requirement("E10")
async def test_a_database_that_drops_every_connection_loses_nothing(dsn: str, tmp_path: Path) -> None:
    path, stamp = tmp_path / "audit.jsonl", make_stamp()
    async with open_migrated(dsn) as journal, open_cursors(dsn) as cursors:
        follower = Follower(
            FileSink("file", FileSettings(path=path)),
            journal,
            cursors,
            stamp,
            journal.append,
            start=Start.BEGINNING,
            clock=SystemClock(),
            settings=SETTINGS,
        )
        running = asyncio.create_task(follower.run())
        for _ in range(DROPS):
            appending = asyncio.create_task(append(journal, 100))
            size = size_of(path)
            await until(lambda: size_of(path) > size)  # noqa: B023 used within the round
            await drop_everybody(dsn)
            await appending
        await reaches(path, journal)
        await follower.stop(10)
        await running
        assert (await cursors.states())[0].seq == await journal.head_seq()
        await check_against_journal(path, journal, torn_at_most=0)


async def drop_everybody(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.requirement("E5")
async def test_file_and_table_hold_the_same_bytes(dsn: str, tmp_path: Path) -> None:
    path, stamp = tmp_path / "audit.jsonl", make_stamp()
    async with open_migrated(dsn) as journal, open_cursors(dsn) as cursors:
        await append(journal, 20)
        sink = FileSink("file", FileSettings(path=path))
        follower = Follower(sink, journal, cursors, stamp, journal.append, start=Start.BEGINNING, clock=SystemClock())
        running = asyncio.create_task(follower.run())
        await asyncio.sleep(0)
        await follower.stop(10)
        await running
    with psycopg.connect(dsn) as connection:
        stored = connection.execute("SELECT body::text FROM audit_events ORDER BY seq").fetchall()
    assert path.read_text(encoding="utf-8").splitlines() == [body for (body,) in stored]
    assert len(stored) == 20
    assert orjson.loads(str(stored[0][0]))["seq"] == 1
