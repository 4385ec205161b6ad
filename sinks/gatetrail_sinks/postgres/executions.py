"""What recovery asks about executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatetrail.events.executions import Orphan
from gatetrail.words import ExecutionStatus
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresExecutions:
    """`Executions` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool, instance_id: str) -> None:
        self._dsn = dsn
        self._pool = pool
        self._instance_id = instance_id

    async def status(self, execution_id: str) -> ExecutionStatus | None:
        rows = await self._rows("execution_status", {"execution_id": execution_id})
        return ExecutionStatus(rows[0][0]) if rows else None

    async def has_event(self, event_id: str, timestamp: str) -> bool:
        rows = await self._rows("has_event", {"event_id": event_id, "timestamp": timestamp})
        return bool(rows[0][0])

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        rows = await self._rows("orphans", {"own_instance_id": self._instance_id, "limit": limit})
        return [Orphan(*row) for row in rows]

    async def prepare_space(self) -> None:
        await self._rows("prepare_space", {})

    async def _rows(self, name: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query(name), parameters)
                return await cursor.fetchall()
