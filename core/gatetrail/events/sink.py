"""An output, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gatetrail.events.journal import Entry


class Sink(Protocol):
    """One place that events go to. Driven by one follower only, never called twice at once."""

    @property
    def name(self) -> str:
        """Unique among the sinks of one database; the cursor is kept under it."""
        ...

    async def write(self, entries: Sequence[Entry]) -> None:
        """Deliver entries in order and return when the other side holds them for good.

        Raises `EventRefused` for an entry that can never be delivered; entries before it must then
        have been delivered. Raises `SinkUnavailable` for everything that trying again may cure: the
        whole batch comes again, so the other side may see doubles and drops them by `event_id`.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections. Safe to call twice and after a failure."""
        ...


class Start(StrEnum):
    """Where a sink that was never seen before begins."""

    BEGINNING = "beginning"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class CursorState:
    """What is known of a sink, live or not."""

    sink_name: str
    seq: int
    """Everything up to here was acknowledged or is in quarantine."""
    acknowledged_at: str | None
    """RFC 3339 time of the last acknowledgement."""
    last_error: str | None
    failing_since: str | None
    quarantined_count: int
    exported_count: int


class CursorStore(Protocol):
    """Durable positions. One owner per sink over all processes on the database."""

    async def acquire(self, sink_name: str, start: Start) -> int | None:
        """Become the owner of a sink and get its position; None while another process owns it.

        Ownership ends with `release`, with the process, and with the connection that holds it: then
        every other method raises `DatabaseUnavailable`, and `acquire` has to be called again.
        """
        ...

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        """Move the position after an acknowledgement of `delivered` events and clear the failure."""
        ...

    async def fail(self, sink_name: str, reason: str) -> None:
        """Note why the sink takes nothing; the position stays."""
        ...

    async def quarantine(self, sink_name: str, entry: Entry, reason: str) -> None:
        """Put one entry aside and move the position over it, in one transaction."""
        ...

    async def release(self, sink_name: str) -> None:
        """Give the ownership back."""
        ...

    async def states(self) -> Sequence[CursorState]:
        """All sinks ever seen, by name."""
        ...
