"""The statement that appends one batch: only the parts that this batch needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gatetrail.events.fields import Record
from gatetrail.events.model import ExecutionOrphaned, ToolCallCompleted, ToolCallDecided
from gatetrail_sinks.postgres.queries import query

SESSION = (
    "SET synchronous_commit = on;"
    # One plan for batches of every size, made while the tables may still be empty: it must be the one that is right
    # for full tables, and planning anew would cost more than a small batch itself.
    "SET plan_cache_mode = force_generic_plan;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;"
    "SET enable_bitmapscan = off; SET enable_material = off;"
    # Before version 18 a plan with a disabled step counts as very dear, and each run of it would be compiled.
    "SET jit = off"
)
"""Settings of the connection that appends. Durability is never less than a local flush."""


def append_statement(events: Sequence[Record]) -> bytes:
    """The statement for these events. Gives a row when the head was as expected, and none when nothing was written."""
    return statement(
        decided=any(isinstance(event, ToolCallDecided) for event in events),
        ended=any(isinstance(event, ToolCallCompleted | ExecutionOrphaned) for event in events),
    )


@cache
def statement(*, decided: bool, ended: bool) -> bytes:
    """The statement for batches with such events, or without."""
    parts = [query("append")]
    if decided:
        parts.append(query("append_decided"))
    if ended:
        parts.append(query("append_ended"))
    return b", ".join(parts) + b"SELECT seq FROM head"
