"""What one process has recorded, counted from the stored rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.words import ExecutionStatus, GateName


@dataclass(frozen=True, slots=True)
class CallCount:
    """Tool calls that are alike in all of this; `count` is at least 1."""

    client_id: str | None
    """What the client calls itself, or what its token names."""
    user_id: str | None
    gate: GateName
    """Who denied; `none` for allowed calls."""
    status: ExecutionStatus
    count: int
    first_execution_id: str


class Tally(Protocol):
    """Counts by instance: each process writes its own `instance_id` into all that it records."""

    async def calls(self, instance_id: str) -> Sequence[CallCount]:
        """The execution rows of `tools/call` of one instance, counted; ordered by who came first.

        Raises `DatabaseUnavailable`.
        """
        ...

    async def events(self, instance_id: str) -> Mapping[str, int]:
        """The events of one instance, counted by name. Raises `DatabaseUnavailable`."""
        ...
