"""When a question is asked, and after which trace: what an analyst would fill in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from siem.golden import Event, traced

TRACE_PLACEHOLDER = "TRACE_ID"
"""Stands in the queries of every product for the trace that is looked for."""


def for_trace(query: str) -> str:
    """The query with the trace of the golden file."""
    return query.replace(TRACE_PLACEHOLDER, traced())


def time_of(event: Event) -> datetime:
    """Its `@timestamp`, with its microseconds."""
    return datetime.fromisoformat(event["@timestamp"])


def asked_at(events: Sequence[Event]) -> datetime:
    """The time of the last event; a question looks back from here."""
    return time_of(events[-1])
