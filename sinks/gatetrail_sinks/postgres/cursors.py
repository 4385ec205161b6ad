"""Where the sinks stand, in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, assert_never

from gatetrail.delivery.replay import Replay
from gatetrail.delivery.sink import CursorState, Since, Start, StartingPoint
from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.journal import Entry
from gatetrail_sinks.postgres.connection import Connection, Pool, connect, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text, position_before
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.replays import replay_of, returning, selecting

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

    async def acquire(self, sink_name: str, start: StartingPoint) -> int | None:
        connection = await self._connected()
        if sink_name in self._owned:
            return None  # the session's lock would be given a second time
        try:
            locked = await self._ask(connection, "cursor_lock", {"sink_name": sink_name})
        except BaseException:
            await self._drop(connection)  # the session may hold a lock that nobody knows of
            raise
        if not locked or not locked[0][0]:
            return None
        self._owned.add(sink_name)
        try:
            return await self._begin(connection, sink_name, start)
        except BaseException:
            await self.release(sink_name)
            raise

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        await self._change(sink_name, "cursor_advance", {"seq": seq, "delivered": delivered})

    async def fail(self, sink_name: str, reason: str) -> None:
        await self._change(sink_name, "cursor_fail", {"reason": _storable(reason)})

    async def tell_failure(self, sink_name: str, *, told: bool) -> None:
        await self._change(sink_name, "cursor_tell", {"told": told})

    async def quarantine(self, sink_name: str, entry: Entry, reason: str) -> None:
        await self._change(sink_name, "cursor_quarantine", _aside(entry, reason))

    async def forget(self, sink_name: str) -> tuple[int, int, int]:
        """Remove a sink that this process owns, with its quarantine and its replays.

        Gives its last position, and how many events in quarantine and how many open replays went with it.
        """
        rows = await self._work(sink_name, query("cursor_forget"), {})
        if not rows:
            raise DatabaseUnavailable(f"sink {sink_name} has lost its row in sink_cursors")
        seq, quarantined_count, open_replay_count = rows[0]
        return int(seq), int(quarantined_count), int(open_replay_count)

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
        return [_state(row) for row in await self._ask(await self._connected(), "cursor_states", {})]

    async def open_replay(self, sink_name: str) -> Replay | None:
        rows = await self._work(sink_name, selecting("replay_open"), {})
        return replay_of(rows[0]) if rows else None

    async def put_aside_for(self, replay: Replay, limit: int) -> Sequence[Entry]:
        place = {"replay_id": replay.replay_id, "next_seq": replay.next_seq, "limit": limit}
        rows = await self._work(replay.sink_name, query("replay_aside"), place)
        return [Entry(seq, event_name, body.encode()) for seq, event_name, body in rows]

    async def advance_replay(self, replay: Replay, delivered: Sequence[Entry]) -> Replay | None:
        seqs = [entry.seq for entry in delivered]
        moved = {"seqs": seqs, "next_seq": seqs[-1] + 1, "delivered": len(seqs)}
        return await self._change_replay(replay, "replay_advance", moved)

    async def fail_replay(self, replay: Replay, reason: str) -> Replay | None:
        return await self._change_replay(replay, "replay_fail", {"reason": _storable(reason)})

    async def quarantine_replayed(self, replay: Replay, entry: Entry, reason: str) -> Replay | None:
        return await self._change_replay(replay, "replay_quarantine", _aside(entry, reason))

    async def finish_replay(self, replay: Replay) -> None:
        await self._change_replay(replay, "replay_finish", {})

    async def close(self) -> None:
        """Give everything back. Safe to call twice."""
        if self._connection is not None:
            await self._drop(self._connection)

    async def _begin(self, connection: Connection, sink_name: str, start: StartingPoint) -> int:
        begun = await self._ask(connection, "cursor_seq", {"sink_name": sink_name})
        if not begun:
            first_seq = await self._first_seq(connection, start)
            begun = await self._ask(connection, "cursor_begin", {"sink_name": sink_name, "first_seq": first_seq})
        return int(begun[0][0])

    async def _first_seq(self, connection: Connection, start: StartingPoint) -> int | None:
        async def look(after_seq: int, moment: str, limit: int) -> tuple[int | None, int | None]:
            place = {"after_seq": after_seq, "moment": moment, "limit": limit}
            ((first_seq, last_seq),) = await self._ask(connection, "moment_window", place)
            return first_seq, last_seq

        match start:
            case Start.BEGINNING:
                return 0
            case Start.NOW:
                return None
            case Since(moment=moment):
                head = await self._ask(connection, "head", {})
                return await position_before(look, int(head[0][1]), moment)
            case _:
                assert_never(start)

    async def _change(self, sink_name: str, statement: str, values: Mapping[str, object]) -> None:
        if not await self._work(sink_name, query(statement), values):
            raise DatabaseUnavailable(f"sink {sink_name} has lost its row in sink_cursors")

    async def _change_replay(self, replay: Replay, statement: str, values: Mapping[str, object]) -> Replay | None:
        changed = {"replay_id": replay.replay_id, **values}
        rows = await self._work(replay.sink_name, returning(statement), changed)
        return replay_of(rows[0]) if rows else None

    async def _work(self, sink_name: str, statement: bytes, values: Mapping[str, object]) -> Sequence[Row]:
        """What only the owner may do."""
        connection = self._connection
        if connection is None or sink_name not in self._owned:
            raise DatabaseUnavailable(f"this process does not own sink {sink_name} any more")
        return await self._run(connection, statement, {"sink_name": sink_name, **values})

    async def _ask(self, connection: Connection, statement: str, values: Mapping[str, object]) -> Sequence[Row]:
        return await self._run(connection, query(statement), values)

    async def _run(self, connection: Connection, statement: bytes, values: Mapping[str, object]) -> Sequence[Row]:
        try:
            with told_as_unavailable(self._dsn):
                async with asyncio.timeout(STATEMENT_LIMIT_S):
                    cursor = await connection.execute(statement, values, prepare=True)
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


async def sink_states(dsn: str, pool: Pool) -> Sequence[CursorState]:
    """All sinks ever seen, by name, for those who drive none. Raises `DatabaseUnavailable`."""
    with told_as_unavailable(dsn):
        async with pool.connection() as connection:
            return [_state(row) for row in await (await connection.execute(query("cursor_states"))).fetchall()]


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


def _aside(entry: Entry, reason: str) -> dict[str, object]:
    body = entry.line.decode()
    return {"seq": entry.seq, "event_name": entry.event_name, "body": body, "reason": _storable(reason)}


def _state(row: Row) -> CursorState:
    (name, seq, head_seq, owned, acknowledged, moved, waiting, error, failing, told, aside, exported, looked) = row
    return CursorState(
        sink_name=name,
        seq=seq,
        head_seq=head_seq,
        owned=owned,
        acknowledged_at=as_text(acknowledged),
        moved_at=as_text(moved) or "",
        waiting_since=as_text(waiting),
        last_error=error,
        failing_since=as_text(failing),
        failure_told=told,
        quarantined_count=aside,
        exported_count=exported,
        looked_at=as_text(looked) or "",
    )
