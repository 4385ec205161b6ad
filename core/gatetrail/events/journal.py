"""The record: what a journal promises to writers and readers."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.wire import parse


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the journal holds it. `line` are the bytes that every sink gets, without a line break."""

    seq: int
    event_name: str
    line: bytes

    def event(self) -> Event:
        """The typed event; parsed anew at each call."""
        return parse(self.line)


class Journal(Protocol):
    """Append-only, one total order without holes: `seq` is the order of commits."""

    def append(self, event: Record) -> Awaitable[int]:
        """Make one event durable and give its `seq`; what is awaited ends only after the commit.

        May be called from many tasks at once; concurrent appends share commits. Raises
        `AuditUnavailable` after the append limit. Cancelling the wait does not take the event back
        once its commit is under way.
        """
        ...

    async def read(self, after_seq: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries with `seq` above `after_seq`, in order, none left out.

        An empty answer means that there are none yet. Raises `DatabaseUnavailable`.
        """
        ...

    async def head_seq(self) -> int:
        """The `seq` of the newest committed event, 0 for an empty journal."""
        ...

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        """Return when the head may be above `seq`, at the latest after the timeout. Never raises."""
        ...


class CommitObserver(Protocol):
    """Who is told of commits, for metrics. Called in the event loop: it must return at once and never raise."""

    def committed(self, event_count: int, duration_s: float) -> None:
        """A batch is durable, `duration_s` after its first try began."""
        ...
