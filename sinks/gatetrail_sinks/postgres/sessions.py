"""Durable sessions, shared by all processes on one database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson

from gatetrail.errors import DatabaseUnavailable
from gatetrail.sessions import Handshake, Session, SessionRow
from gatetrail.sessions.columns import columns_of, session_of
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text
from gatetrail_sinks.postgres.notices import Notices
from gatetrail_sinks.postgres.queries import query

CHANNEL = "gatetrail_sessions"
EXPIRED_AT_ONCE = 1_000


class PostgresSessions:
    """`WholeSessionStore` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def open(self, session: Session) -> tuple[Session, bool]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                inserted = await connection.execute(query("session_open"), columns_of(session))
                if inserted.rowcount:
                    return session, True
                found = await connection.execute(query("session_find"), {"session_id": session.session_id})
                row = await found.fetchone()
        if row is None:
            raise DatabaseUnavailable("a session was forgotten while it was asked for; ask again")
        return session_of(row), False

    async def find(self, session_id: str) -> Session | None:
        rows = await self._ask("session_find", session_id=session_id)
        return session_of(rows[0]) if rows else None

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        await self._do(
            "session_handshake",
            session_id=session_id,
            server_name=handshake.server_name,
            protocol_version=handshake.protocol_version,
            initialize=handshake.initialize,
            client_name=handshake.client_name,
        )

    async def end(self, session_id: str, because: str) -> Session | None:
        rows = await self._ask("session_end", session_id=session_id, because=because, channel=CHANNEL)
        return session_of(rows[0]) if rows else None

    async def used(self, session_ids: Collection[str]) -> None:
        if session_ids:
            await self._do("session_used", session_ids=list(session_ids))

    async def expire(self, unused_s: float, kept_s: float, because: str) -> Sequence[Session]:
        await self._do("session_forget", kept_s=kept_s)
        asked = {"unused_s": unused_s, "because": because, "channel": CHANNEL, "limit": EXPIRED_AT_ONCE}
        return [session_of(row) for row in await self._ask("session_expire", **asked)]

    async def watch(self, ended: Callable[[str, str], None]) -> None:
        def heard(text: str) -> None:
            told: dict[str, str] = orjson.loads(text)
            ended(told["session_id"], told["because"])

        async def catch_up(since_s: float) -> None:
            for session_id, because in await self._ask("session_ended_since", since_s=since_s):
                ended(session_id, because)

        await Notices(self._dsn, CHANNEL).hear(heard, catch_up)

    async def newest(self, user_id: str | None, limit: int) -> Sequence[SessionRow]:
        rows = await self._ask("session_newest", user_id=user_id, limit=limit)
        return [_row(row) for row in rows]

    async def _ask(self, name: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                return await (await connection.execute(query(name), values)).fetchall()

    async def _do(self, name: str, **values: Any) -> None:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                await connection.execute(query(name), values)


def _row(row: tuple[Any, ...]) -> SessionRow:
    opened_at, last_used_at, ended_at = row[11:]
    return SessionRow(session_of(row), as_text(opened_at) or "", as_text(last_used_at) or "", as_text(ended_at))
