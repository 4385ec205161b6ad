"""A small record, written through the real journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gatetrail.events.fields import Record
from gatetrail.events.model import ToolCallDecided
from gatetrail.words import GateName, GateOutcome, ReasonCode
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from tests.samples import completed, decided, make_stamp

STAMP = make_stamp()


def record(dsn: str, events: Sequence[Record]) -> None:
    """Make the events durable, in order."""
    asyncio.run(_record(dsn, events))


async def _record(dsn: str, events: Sequence[Record]) -> None:
    await migrate(dsn)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=STAMP.instance_id) as journal:
        for event in events:
            await journal.append(event)


def allowed(**over: Any) -> list[Record]:
    """A decision and its outcome."""
    decision = decided(STAMP, **over)
    return [decision, completed(STAMP, decision)]


def denied(**over: Any) -> ToolCallDecided:
    """By the scope gate, unless said otherwise."""
    return decided(STAMP, denied=True, **over)


def limited(**over: Any) -> ToolCallDecided:
    """By the rate gate."""
    return denied(
        gate=GateName.RATE_LIMIT,
        reason_code=ReasonCode.RATE_EXCEEDED,
        reason="more than 100 calls per second on mcp for tier user",
        retry_after_ms=1200,
        required_tier="user",
        gate_scope=GateOutcome.PASS,
        gate_scanner=GateOutcome.PASS,
        gate_blocklist=GateOutcome.PASS,
        gate_rate_limit=GateOutcome.DENY,
        **over,
    )
