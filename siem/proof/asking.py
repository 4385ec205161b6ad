"""When a question is asked, and after which trace: what an analyst would fill in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from siem.golden import Event, traced
from siem.rule import TRACE_PLACEHOLDER

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def for_trace(query: str) -> str:
    """The query with the trace of the golden file."""
    return query.replace(TRACE_PLACEHOLDER, traced()) if TRACE_PLACEHOLDER in query else query


def time_of(event: Event) -> datetime:
    """Its `@timestamp`, with its microseconds."""
    return datetime.fromisoformat(event["@timestamp"])


def microseconds(event: Event) -> int | None:
    """Its `@timestamp` as whole microseconds since 1970; None where it has none."""
    return (time_of(event) - _EPOCH) // timedelta(microseconds=1) if "@timestamp" in event else None


def asked_at(events: Sequence[Event]) -> datetime:
    """The time of the newest event; a question looks back from here."""
    return datetime.fromisoformat(max(event["@timestamp"] for event in events if "@timestamp" in event))


def asked_since(events: Sequence[Event]) -> datetime:
    """The time of the oldest event: the whole record is asked."""
    return datetime.fromisoformat(min(event["@timestamp"] for event in events if "@timestamp" in event))
