"""`Tally` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatetrail.clock import id_moment_us, rfc3339
from gatetrail.events.tally import CallCount
from gatetrail.words import ExecutionStatus, GateName
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresTally:
    """Counts in the database. An instance's id is a UUIDv7, so it also says from when on to look."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def calls(self, instance_id: str) -> Sequence[CallCount]:
        rows = await self._rows("tally_calls", {"instance_id": instance_id})
        return [
            CallCount(client_id, user_id, GateName(gate), ExecutionStatus(status), count, first_execution_id)
            for client_id, user_id, gate, status, count, first_execution_id in rows
        ]

    async def events(self, instance_id: str) -> Mapping[str, int]:
        moment = rfc3339(id_moment_us(instance_id))
        return dict(await self._rows("tally_events", {"instance_id": instance_id, "moment": moment}))

    async def _rows(self, name: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query(name), parameters)
                return await cursor.fetchall()
