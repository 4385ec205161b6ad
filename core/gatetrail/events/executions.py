"""The projection of the journal: one row for each decided call, and what recovery asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.words import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Orphan:
    """A pending execution whose process is dead."""

    execution_id: str
    instance_id: str
    server_name: str
    tool_name: str
    trace_id: str
    user_id: str | None = None
    session_id: str | None = None
    context_id: str | None = None
    client_id: str | None = None
    task_id: str | None = None


class Executions(Protocol):
    """What recovery has to ask the database. Each raises `Unavailable` when it is away."""

    async def status(self, execution_id: str) -> ExecutionStatus | None:
        """Where an execution stands; None when there is no row of it."""
        ...

    async def has_event(self, event_id: str, timestamp: str) -> bool:
        """Whether the journal holds an event."""
        ...

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        """Pending executions of processes that are dead for sure, oldest first."""
        ...

    async def prepare_space(self) -> None:
        """Make the partitions that will be needed soon."""
        ...
