"""Which trace running code belongs to (W3C Trace Context)."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

TRACE: ContextVar[str | None] = ContextVar("gatetrail_trace", default=None)
"""The trace of the call that is being worked on, 32 hex digits mostly; None outside of any. For log lines."""

REQUEST: ContextVar[str | None] = ContextVar("gatetrail_request", default=None)
"""The id of the HTTP request that is being answered; None outside of any, or where requests are not logged."""

NOTE_KEY = "gatetrail.trace"
"""Where an ASGI scope has its `TraceNote`, if it has one."""


@dataclass(slots=True)
class TraceNote:
    """The trace of one HTTP request, for who logs it: begun with what the headers say, changed by what is in it."""

    trace_id: str


_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


def parsed_trace(traceparent: object) -> tuple[str, str] | None:
    """Trace and span of a `traceparent` (W3C Trace Context); None for anything that is not a valid one."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if match is None or match[0].startswith("ff") or not match[1].strip("0") or not match[2].strip("0"):
        return None
    return match[1], match[2]
