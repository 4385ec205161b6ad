"""The projection of the journal: one row for each decided call, and what recovery asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gatetrail.events.model import ToolCallDecided
from gatetrail.words import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Orphan:
    """A pending execution that nobody will finish."""

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


AGENT_METHOD = "hooks/pre_tool_use"
"""`method` of calls whose tools agents run themselves: no process of ours can end one, and none dies with it."""


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """An allowed call as an agent tells of it afterwards; ids as they stand in the record."""

    server_name: str
    tool_name: str
    user_id: str | None
    context_id: str | None
    """The agent's own session, which stays the same when the user comes with another token."""
    call_id: str | None
    """The agent's id of the use; without one the arguments tell which call is meant."""
    arguments_digest: str


class AgentCalls(Protocol):
    """Pending calls that agents run themselves. Each raises `Unavailable` when the database is away.

    What is given is given to nobody else, in this or another process, while the block lasts.
    """

    def reported(self, call: ReportedCall) -> AbstractAsyncContextManager[ToolCallDecided | None]:
        """The decision of a pending call, the oldest that fits; None when there is none."""
        ...

    def of_session(
        self, user_id: str | None, context_id: str, limit: int
    ) -> AbstractAsyncContextManager[Sequence[Orphan]]:
        """Pending calls of one user in one agent's session, oldest first."""
        ...

    def overdue(self, after_s: float, limit: int) -> AbstractAsyncContextManager[Sequence[Orphan]]:
        """Those that were decided longer ago, oldest first; none while another process looks."""
        ...
