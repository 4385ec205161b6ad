"""`Listing` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gatetrail.events.listing import Execution
from gatetrail.events.search import EventFilter
from gatetrail.words import ExecutionStatus
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.search import parameters

RARE = frozenset({ExecutionStatus.PENDING, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT})
"""Where going through the decisions one by one would be long before some are found."""


class PostgresListing:
    """The journal joined with the rows that are made from it."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def newest(
        self,
        wanted: EventFilter,
        limit: int,
        before_seq: int | None = None,
        *,
        status: ExecutionStatus | None = None,
        stuck_before: str | None = None,
    ) -> Sequence[Execution]:
        asked = parameters(_decisions(wanted, status), limit, before_seq=before_seq)
        found = await self._executions(b"ORDER BY decided.seq DESC LIMIT %(limit)s", asked, status, stuck_before)
        return found[::-1]

    async def after(
        self,
        wanted: EventFilter,
        after_seq: int,
        limit: int,
        before_seq: int | None = None,
        *,
        status: ExecutionStatus | None = None,
        stuck_before: str | None = None,
    ) -> Sequence[Execution]:
        asked = parameters(_decisions(wanted, status), limit, after_seq=after_seq, before_seq=before_seq)
        return await self._executions(b"ORDER BY decided.seq LIMIT %(limit)s", asked, status, stuck_before)

    async def _executions(
        self, order: bytes, asked: dict[str, Any], status: ExecutionStatus | None, stuck_before: str | None
    ) -> list[Execution]:
        status = ExecutionStatus.PENDING if stuck_before else status
        name = "executions_rare" if status in RARE else "executions"
        text = query(name).replace(b"{search}", query("search")) + order
        asked = {**asked, "status": status, "stuck_before": stuck_before}
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(text, asked, prepare=False)
                return [_execution(row) for row in await cursor.fetchall()]


def _decisions(wanted: EventFilter, status: ExecutionStatus | None) -> EventFilter:
    """The same filter for the events that begin an execution. What follows from the status is said of them as well."""
    decision = wanted.decision
    if status is not None:
        decision = "deny" if status is ExecutionStatus.DENIED else "allow"
    return replace(wanted, event="tool_call.decided", decision=decision)


def _execution(row: tuple[Any, ...]) -> Execution:
    values = (as_text(value) if isinstance(value, datetime) else value for value in row)
    return Execution.model_validate(dict(zip(Execution.model_fields, values, strict=True)))
