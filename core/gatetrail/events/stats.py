"""Figures over the executions of a span of time: what a dashboard shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from gatetrail.clock import from_rfc3339, rfc3339
from gatetrail.events.search import Forms
from gatetrail.words import GateName

STUCK_AFTER_S = 300
"""A call that has been pending for longer counts as stuck; as in the view `stuck_executions`."""
BUSIEST = 10
OLDEST = 20
"""So many calls in flight are shown, and so many of whatever is busiest."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in equal parts, whose edges lie on whole multiples of a part since 1970."""

    since: str
    """RFC 3339, as is `until`; it belongs to the window and `until` does not."""
    until: str
    bucket_s: int

    @staticmethod
    def over(since: str, until: str, buckets: int) -> Window:
        """At most so many whole parts and one that is begun; since 1970 the edges stay the same from look to look."""
        since_us, until_us = from_rfc3339(since), from_rfc3339(until)
        bucket_s = max(-(-(until_us - since_us) // (buckets * 1_000_000)), 1)
        return Window(rfc3339(since_us - since_us % (bucket_s * 1_000_000)), until, bucket_s)

    def starts(self) -> Sequence[str]:
        """Where each part begins."""
        bounds_us = (from_rfc3339(self.since), from_rfc3339(self.until))
        return [rfc3339(start_us) for start_us in range(*bounds_us, self.bucket_s * 1_000_000)]


class Figure(BaseModel):
    """Something counted."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Totals(Figure):
    """All decisions, and where the allowed ones stand now."""

    allow: int = 0
    deny: int = 0
    pending: int = 0
    success: int = 0
    failed: int = 0
    timeout: int = 0


class Bar(Figure):
    """One part of the window."""

    start: str
    """RFC 3339."""
    allow: int = 0
    deny: Mapping[GateName, int] = {}
    """By the gate that denied; gates that denied nothing are left out."""


class BusyTool(Figure):
    """A tool and its decisions."""

    server_name: str
    tool_name: str
    count: int
    denied: int


class BusyCaller(Figure):
    """A caller and the decisions on it. Without a user: all anonymous ones together."""

    user_id: str | None
    caller_type: str
    count: int
    denied: int


class LimitedCaller(Figure):
    """A caller that the rate gate has denied."""

    user_id: str | None
    rate_limit_tier: str
    denials: int
    longest_wait_ms: int | None
    """The longest that it was told to wait."""
    last_at: str
    """RFC 3339."""


class Latency(Figure):
    """Of the calls that have ended, in milliseconds, right to one in a hundred; null when none has."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class PendingCall(Figure):
    """An allowed call that has no outcome yet."""

    execution_id: str
    server_name: str
    tool_name: str
    user_id: str | None
    started_at: str
    """RFC 3339."""
    age_s: float
    stuck: bool
    """Pending for more than five minutes."""


class Figures(Figure):
    """What a look at the executions gives: all of it as of one moment."""

    head_seq: int
    """Where the journal ended at that moment: what it has behind this is not counted."""
    totals: Totals
    denials_by_gate: Mapping[GateName, int]
    series: Sequence[Bar]
    busiest_tools: Sequence[BusyTool]
    busiest_callers: Sequence[BusyCaller]
    rate_limited_callers: Sequence[LimitedCaller]
    latency_ms: Latency
    pending: Sequence[PendingCall]
    """The oldest first, whenever they began."""


class Stats(Protocol):
    """Counts in the database."""

    async def look(self, window: Window, owner: Forms | None) -> Figures:
        """The figures of a window, of one user's calls only when an owner is given. Raises `DatabaseUnavailable`."""
        ...
