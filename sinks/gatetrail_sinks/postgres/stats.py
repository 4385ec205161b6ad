"""`Stats` on PostgreSQL."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gatetrail.clock import rfc3339
from gatetrail.events.search import Forms
from gatetrail.events.stats import (
    BUSIEST,
    OLDEST,
    STUCK_AFTER_S,
    Bar,
    BusyCaller,
    BusyTool,
    Figures,
    Latency,
    LimitedCaller,
    PendingCall,
    Totals,
    Window,
)
from gatetrail.words import ExecutionStatus, GateName
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.moments import as_text
from gatetrail_sinks.postgres.queries import query

STEPS = 50
"""Of latencies to each factor of e, as `stats_calls.sql` counts them."""

ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

Row = tuple[Any, ...]


class PostgresStats:
    """Four statements on one snapshot; the work is the server's."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def look(self, window: Window, owner: Forms | None) -> Figures:
        asked = {
            "since": window.since,
            "until": window.until,
            "bucket_s": window.bucket_s,
            "owner": None if owner is None else list(owner),
            "busiest": BUSIEST,
            "oldest": OLDEST,
        }
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(ONE_SNAPSHOT)
                head = await (await connection.execute(query("head"))).fetchone()
                found: list[list[Row]] = []
                for name in ("stats_calls", "stats_limited", "stats_pending"):
                    found.append(await (await connection.execute(query(name), asked, prepare=False)).fetchall())  # noqa: PERF401
        counted, limited, pending = found
        cells, tools, callers, steps = (_rows(one) for one in counted[0])
        totals, by_gate, series = _counted(window, cells)
        return Figures(
            head_seq=int(head[1]) if head else 0,
            totals=totals,
            denials_by_gate=by_gate,
            series=series,
            busiest_tools=[BusyTool.model_validate(_named(BusyTool, row)) for row in tools],
            busiest_callers=[BusyCaller.model_validate(_named(BusyCaller, row)) for row in callers],
            rate_limited_callers=[LimitedCaller.model_validate(_named(LimitedCaller, row)) for row in limited],
            latency_ms=_latency(steps),
            pending=[_pending(row) for row in pending],
        )


def _rows(one: list[Row] | None) -> list[Row]:
    """What PostgreSQL's aggregate gives; nothing for no rows."""
    return one or []


def _named(kind: type[BusyTool | BusyCaller | LimitedCaller], row: Row) -> Mapping[str, Any]:
    values = (as_text(value) if hasattr(value, "isoformat") else value for value in row)
    return dict(zip(kind.model_fields, values, strict=True))


def _counted(window: Window, cells: Sequence[Row]) -> tuple[Totals, Mapping[GateName, int], Sequence[Bar]]:
    statuses, gates = Counter[str](), Counter[GateName]()
    allowed, denied = Counter[str](), dict[str, Counter[GateName]]()
    for start_s, gate, status, count in cells:
        statuses[status] += count
        start = rfc3339(start_s * 1_000_000)
        if status == ExecutionStatus.DENIED:
            gates[GateName(gate)] += count
            denied.setdefault(start, Counter())[GateName(gate)] += count
        else:
            allowed[start] += count
    deny = statuses.pop(ExecutionStatus.DENIED, 0)
    totals = Totals(allow=allowed.total(), deny=deny, **statuses)
    bars = [Bar(start=start, allow=allowed[start], deny=denied.get(start, {})) for start in window.starts()]
    return totals, gates, bars


def _latency(steps: Sequence[Row]) -> Latency:
    """Percentiles by rank: the value below or at which so many of a hundred are."""
    total = sum(count for _, count in steps)
    if not total:
        return Latency()
    return Latency(p50=_at(steps, total * 0.50), p95=_at(steps, total * 0.95), p99=_at(steps, total * 0.99))


def _at(steps: Sequence[Row], rank: float) -> float:
    below = 0
    for step, count in steps:
        below += count
        if below >= rank:
            return round(math.exp(step / STEPS), 3)
    raise AssertionError("a rank is never more than all there are")


def _pending(row: Row) -> PendingCall:
    execution_id, server_name, tool_name, user_id, started_at, age_s = row
    return PendingCall(
        execution_id=execution_id,
        server_name=server_name,
        tool_name=tool_name,
        user_id=user_id,
        started_at=as_text(started_at) or "",
        age_s=round(age_s, 3),
        stuck=age_s > STUCK_AFTER_S,
    )
