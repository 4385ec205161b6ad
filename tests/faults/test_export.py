"""Ten thousand numbered events to a real receiver, with both sides killed: what is acknowledged has arrived."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import yaml

from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.syslog import TransportKind
from tests.samples import decided, make_stamp
from tests.sinks.places.file import file_place
from tests.sinks.places.fluentd import plain_fluentd
from tests.sinks.places.place import Place
from tests.sinks.places.syslog import syslog_place

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow]

EVENTS = 10_000
ROUNDS = 8
A_ROUND = EVENTS // ROUNDS
WITHIN_S = 60.0
SINK = "numbered"

RECEIVERS: dict[str, Callable[[Path], Awaitable[Place]]] = {
    "file": file_place,
    "fluentd": plain_fluentd,
    "relp": syslog_place(TransportKind.RELP),
}


class Exporter:
    """`gatetrail export`, which may be killed and started again."""

    def __init__(self, dsn: str, folder: Path, options: dict[str, object]) -> None:
        self._config = folder / "service.yaml"
        settings = {"dsn": dsn, "data_dir": str(folder / "data"), "sinks": {SINK: options}}
        self._config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._process: Process | None = None

    async def start(self) -> None:
        command = (sys.executable, "-m", "gatetrail", "export", "--config", str(self._config))
        self._process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """The exit code of an orderly end."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        async with asyncio.timeout(WITHIN_S):
            return await process.wait()


class Cursor:
    """How far the sink's acknowledgements have come, as the database knows it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def seq(self) -> int:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute("SELECT seq FROM sink_cursors WHERE sink_name = %s", [SINK]).fetchone()
        return row[0] if row else 0

    async def reaches(self, seq: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while await asyncio.to_thread(self.seq) < seq:  # noqa: ASYNC110 another process moves it
                await asyncio.sleep(0.005)


@asynccontextmanager
async def a_journal(dsn: str) -> AsyncGenerator[PostgresJournal]:
    await migrate(dsn)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=make_stamp().instance_id) as journal:
        yield journal


async def append(journal: PostgresJournal, first: int, count: int) -> None:
    stamp = make_stamp()
    await asyncio.gather(*(journal.append(decided(stamp, user_id=f"number-{first + one}")) for one in range(count)))


async def lines_up_to(journal: PostgresJournal, seq: int) -> list[bytes]:
    return [entry.line for entry in await journal.read(0, seq)] if seq else []


@pytest.mark.requirement("E10")
@pytest.mark.parametrize("kind", RECEIVERS)
async def test_of_ten_thousand_events_none_is_missing_although_both_sides_are_killed(
    kind: str, dsn: str, tmp_path: Path
) -> None:
    chance = random.Random(kind)
    place = await RECEIVERS[kind](tmp_path)
    exporter, cursor = Exporter(dsn, tmp_path, dict(place.options)), Cursor(dsn)
    async with a_journal(dsn) as journal:
        try:
            await exporter.start()
            for number in range(ROUNDS):
                appending = asyncio.create_task(append(journal, number * A_ROUND, A_ROUND))
                await cursor.reaches(number * A_ROUND + chance.randrange(1, A_ROUND))
                if number % 2 or number == 0:
                    await exporter.kill()
                if number % 2 == 0:
                    await place.die()
                acknowledged = await lines_up_to(journal, cursor.seq())
                assert set(acknowledged) <= set(await place.received())
                if number % 2 == 0:
                    await place.come_back()
                if number % 2 or number == 0:
                    await exporter.start()
                await appending
            await cursor.reaches(await journal.head_seq())
            assert await exporter.stop() == 0
            expected = await lines_up_to(journal, await journal.head_seq())
            assert len(expected) >= EVENTS
            arrived = dict.fromkeys(await place.received(len(expected)))
            assert [line for line in arrived if line in set(expected)][: len(expected)] == expected
        finally:
            await exporter.kill()
            await place.close()
