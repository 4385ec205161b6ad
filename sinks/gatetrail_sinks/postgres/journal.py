"""The journal in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from gatetrail.events.fields import Record
from gatetrail.events.journal import CommitObserver, Entry
from gatetrail.tasks import ended
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.head import PostgresHead
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.wakeups import HINTS_CHANNEL, Wakeups
from gatetrail_sinks.postgres.writer import GroupCommit, WriterSettings
from gatetrail_sinks.postgres.writer_state import WriterState


class PostgresJournal:
    """`Journal` on PostgreSQL; see there for the promises. Made by `open_journal`."""

    def __init__(self, dsn: str, pool: Pool, writer: GroupCommit, wakeups: Wakeups) -> None:
        self._dsn = dsn
        self._pool = pool
        self._writer = writer
        self._wakeups = wakeups

    def append(self, event: Record) -> Awaitable[int]:
        return self._writer.append(event)

    def state(self) -> WriterState:
        """How the writer of this process is doing."""
        return self._writer.state()

    async def read(self, after_seq: int, limit: int) -> Sequence[Entry]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query("read"), {"after_seq": after_seq, "limit": limit})
                return [Entry(seq, name, body.encode()) for seq, name, body in await cursor.fetchall()]

    async def head_seq(self) -> int:
        return await PostgresHead(self._dsn, self._pool).seq()

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        await self._wakeups.wait_beyond(seq, timeout_s)

    async def hint(self, word: str) -> None:
        """Have all other processes on this database look after something; who is not connected misses it.

        Raises `DatabaseUnavailable`.
        """
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                await connection.execute("SELECT pg_notify(%s, %s)", (HINTS_CHANNEL, self._wakeups.payload_of(word)))

    def on_hint(self, word: str, hinted: Callable[[], None]) -> None:
        """Call `hinted` when another process gives the hint of this word."""
        self._wakeups.on_hint(word, hinted)


@asynccontextmanager
async def open_journal(
    dsn: str,
    pool: Pool,
    *,
    instance_id: str,
    settings: WriterSettings | None = None,
    observer: CommitObserver | None = None,
) -> AsyncGenerator[PostgresJournal]:
    """The journal of a migrated database, for as long as the block lasts. Raises `DatabaseUnavailable`."""
    wakeups = Wakeups(dsn)
    writer = GroupCommit(dsn, instance_id, settings or WriterSettings(), wakeups.committed, observer)
    await writer.start()
    listening = asyncio.create_task(wakeups.run(), name="gatetrail journal wake-ups")
    try:
        yield PostgresJournal(dsn, pool, writer, wakeups)
    finally:
        await writer.stop()
        await ended(listening)
