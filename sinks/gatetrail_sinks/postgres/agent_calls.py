"""Pending calls that agents run themselves, found by what the agents report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, cast

import anyio

from gatetrail.events.executions import Orphan, ReportedCall
from gatetrail.events.model import ToolCallDecided
from gatetrail.events.wire import parse
from gatetrail_sinks.postgres.connection import Connection, Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query

AT_ONCE = 2
"""Connections that reports may hold of a process's few; what they wait for does not need one of these."""


class PostgresAgentCalls:
    """`AgentCalls` on PostgreSQL: a transaction's lock keeps others from the same session while the block lasts."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._turns = anyio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def reported(self, call: ReportedCall) -> AsyncGenerator[ToolCallDecided | None]:
        async with self._turn() as connection:
            await self._rows(connection, "agent_lock", {"name": _lock_of(call.user_id, call.context_id)})
            rows = await self._rows(connection, "agent_call", asdict(call))
            yield cast("ToolCallDecided", parse(rows[0][0].encode())) if rows else None

    @asynccontextmanager
    async def of_session(self, user_id: str | None, context_id: str, limit: int) -> AsyncGenerator[Sequence[Orphan]]:
        wanted = {"user_id": user_id, "context_id": context_id, "limit": limit}
        async with self._turn() as connection:
            await self._rows(connection, "agent_lock", {"name": _lock_of(user_id, context_id)})
            yield [Orphan(*row) for row in await self._rows(connection, "agent_calls", wanted)]

    @asynccontextmanager
    async def overdue(self, after_s: float, limit: int) -> AsyncGenerator[Sequence[Orphan]]:
        async with self._turn() as connection:
            locked = await self._rows(connection, "agent_try_lock", {"name": "agents' overdue calls"})
            wanted = {"after_s": after_s, "limit": limit}
            rows = await self._rows(connection, "agent_calls_overdue", wanted) if locked[0][0] else ()
            yield [Orphan(*row) for row in rows]

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[Connection]:
        async with self._turns:
            with told_as_unavailable(self._dsn):
                async with self._pool.connection() as connection, connection.transaction():
                    yield connection

    async def _rows(self, connection: Connection, name: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        cursor = await connection.execute(query(name), parameters)
        return await cursor.fetchall()


def _lock_of(user_id: str | None, context_id: str | None) -> str:
    return f"agent calls of {user_id or ''} in {context_id or ''}"
