"""Where the sinks stand, in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.sink import CursorState, Start
from gatetrail_sinks.postgres.connection import Connection, connect, told_as_unavailable
from gatetrail_sinks.postgres.queries import query

STATEMENT_LIMIT_S = 10.0
"""A server that has not answered by then counts as away; the connection is dropped, and ownership with it."""

Row = tuple[Any, ...]


class PostgresCursors:
    """`CursorStore` on a connection of its own, made when it is needed first.

    An ownership is an advisory lock of that connection's session. So it ends with the process or with the
    connection, at once or, when a whole machine vanishes, after the keepalive time of some ten seconds;
    and since positions are moved on the same connection, nobody moves one who is no longer the owner. The
    session has to be the server's own: poolers that share sessions between clients cannot be used here.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._owned: set[str] = set()
        self._connecting = asyncio.Lock()

    async def acquire(self, sink_name: str, start: Start) -> int | None:
        connection = await self._connected()
        if sink_name in self._owned:
            return None  # the session's lock would be given a second time
        locked = await self._ask(connection, "cursor_lock", {"sink_name": sink_name})
        if not locked or not locked[0][0]:
            return None
        self._owned.add(sink_name)
        wanted = {"sink_name": sink_name, "from_now": start is Start.NOW}
        try:
            rows = await self._ask(connection, "cursor_begin", wanted)
        except BaseException:
            await self.release(sink_name)
            raise
        return int(rows[0][0])

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        await self._change(sink_name, "cursor_advance", {"seq": seq, "delivered": delivered})

    async def fail(self, sink_name: str, reason: str) -> None:
        await self._change(sink_name, "cursor_fail", {"reason": _storable(reason)})

    async def quarantine(self, sink_name: str, entry: Entry, reason: str) -> None:
        aside = {"seq": entry.seq, "event_name": entry.event_name, "body": entry.line.decode()}
        await self._change(sink_name, "cursor_quarantine", {**aside, "reason": _storable(reason)})

    async def release(self, sink_name: str) -> None:
        connection = self._connection
        if sink_name not in self._owned or connection is None:
            return
        try:
            await self._ask(connection, "cursor_unlock", {"sink_name": sink_name})
        except BaseException:
            await self._drop(connection)
            raise
        self._owned.discard(sink_name)

    async def states(self) -> Sequence[CursorState]:
        rows = await self._ask(await self._connected(), "cursor_states", {})
        return [CursorState(*row) for row in rows]

    async def close(self) -> None:
        """Give everything back. Safe to call twice."""
        if self._connection is not None:
            await self._drop(self._connection)

    async def _change(self, sink_name: str, statement: str, values: Mapping[str, object]) -> None:
        connection = self._connection
        if connection is None or sink_name not in self._owned:
            raise DatabaseUnavailable(f"this process does not own sink {sink_name} any more")
        if not await self._ask(connection, statement, {"sink_name": sink_name, **values}):
            raise DatabaseUnavailable(f"sink {sink_name} has lost its row in sink_cursors")

    async def _ask(self, connection: Connection, statement: str, values: Mapping[str, object]) -> Sequence[Row]:
        try:
            with told_as_unavailable(self._dsn):
                async with asyncio.timeout(STATEMENT_LIMIT_S):
                    cursor = await connection.execute(query(statement), values, prepare=True)
                    return await cursor.fetchall()
        except DatabaseUnavailable:
            await self._drop(connection)
            raise

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is not None and not self._connection.closed:
                return self._connection
            self._owned.clear()
            connection = await connect(self._dsn, application_name="gatetrail cursors")
            self._connection = connection
        await self._ask(connection, "cursor_session", {})
        return connection

    async def _drop(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._owned.clear()
        await connection.close()


@asynccontextmanager
async def open_cursors(dsn: str) -> AsyncGenerator[PostgresCursors]:
    """The cursors of a migrated database, for as long as the block lasts."""
    cursors = PostgresCursors(dsn)
    try:
        yield cursors
    finally:
        await cursors.close()


def _storable(reason: str) -> str:
    return reason.replace("\0", "")
