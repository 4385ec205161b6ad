"""Executions, listed: each decided call with its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from gatetrail.events.search import EventFilter
from gatetrail.words import ExecutionStatus, GateName


class Execution(BaseModel):
    """One row of `mcp_tool_executions`. Times are RFC 3339 in UTC."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    execution_id: str
    """The decision's id."""
    decided_seq: int
    """Position of the decision's event; lists are in this order."""
    outcome_seq: int | None
    """Position of the outcome's event."""
    status: ExecutionStatus
    gate: GateName
    """Who denied; `none` for allowed calls."""
    reason_code: str
    server_name: str
    tool_name: str
    user_id: str | None
    session_id: str | None
    trace_id: str
    client_id: str | None
    caller_type: str
    actual_tier: str
    required_tier: str | None
    rate_limit_tier: str
    policy_version: str
    started_at: str
    finished_at: str | None
    latency_ms: float | None
    error_class: str | None
    retry_after_ms: int | None
    src_ip: str | None
    instance_id: str


class Listing(Protocol):
    """Lists of executions. Both raise `DatabaseUnavailable`.

    Of the filter, everything counts that can be said of a decision. `stuck_before` leaves only calls that are pending
    and were decided before that moment, in RFC 3339.
    """

    async def newest(
        self,
        wanted: EventFilter,
        limit: int,
        before_seq: int | None = None,
        *,
        status: ExecutionStatus | None = None,
        stuck_before: str | None = None,
    ) -> Sequence[Execution]:
        """The newest, of those decided before a position if one is given, in ascending order."""
        ...

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
        """The first that were decided behind a position, and before another if one is given, in ascending order."""
        ...
