"""An output, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gatetrail.clock import from_rfc3339, rfc3339
from gatetrail.delivery.replay import ReplayWork
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
    """Where a sink that was never seen before begins, in a word."""

    BEGINNING = "beginning"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Since:
    """A new sink begins with the first event that was recorded at or after a moment, whatever its position."""

    moment: str
    """RFC 3339 in UTC, with microseconds."""


StartingPoint = Start | Since


def starting_point(value: object) -> StartingPoint:
    """`beginning`, `now`, or a time with offset, as text or as YAML reads it. Raises ValueError on anything else."""
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no starting point")  # noqa: TRY004 what a parser raises
    if value in set(Start):
        return Start(value)
    return Since(rfc3339(from_rfc3339(value)))


@dataclass(frozen=True, slots=True)
class CursorState:
    """What is known of a sink, live or not, together with what it has to be compared with. Times are RFC 3339."""

    sink_name: str
    seq: int
    """Everything up to here was acknowledged or was put into quarantine."""
    head_seq: int
    """Where the journal ended at the same moment."""
    owned: bool
    """Some process drives the sink."""
    acknowledged_at: str | None
    moved_at: str
    """When `seq` moved last."""
    waiting_since: str | None
    """When the first event behind the cursor was recorded; None when there is none."""
    last_error: str | None
    failing_since: str | None
    failure_told: bool
    """`audit.sink_failed` stands in the journal, `audit.sink_recovered` does not yet."""
    quarantined_count: int
    """Events that are in quarantine now."""
    exported_count: int
    looked_at: str
    """When this was read, by the clock that the other times come from."""

    @property
    def lag(self) -> int:
        """Events between the cursor and the journal's head."""
        return max(self.head_seq - self.seq, 0)


class CursorStore(ReplayWork, Protocol):
    """Durable positions. One owner per sink over all processes on the database."""

    async def acquire(self, sink_name: str, start: StartingPoint) -> int | None:
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

    async def tell_failure(self, sink_name: str, *, told: bool) -> None:
        """Note that the journal tells of a failure, or of its end, for whoever drives the sink next."""
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
