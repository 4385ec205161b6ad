"""The event's `@timestamp` in the clocks of other formats."""

from __future__ import annotations

from gatetrail.clock import from_rfc3339

TIMESTAMP_LENGTH = len("2026-01-31T08:00:00.000000Z")
_MILLISECONDS_END = len("2026-01-31T08:00:00.000")


def epoch_ms(timestamp: str) -> int:
    """Milliseconds since 1970, cut, not rounded. Raises ValueError for anything but our one form."""
    if len(timestamp) != TIMESTAMP_LENGTH or timestamp[10] != "T" or timestamp[-1] != "Z":
        raise ValueError("its @timestamp is not like 2026-01-31T08:00:00.000000Z")
    return from_rfc3339(timestamp) // 1000


def with_milliseconds(timestamp: str) -> str:
    """`2026-01-31T08:00:00.000+0000`, which Java's `yyyy-MM-dd'T'HH:mm:ss.SSSZ` reads; it misreads microseconds."""
    epoch_ms(timestamp)
    return f"{timestamp[:_MILLISECONDS_END]}+0000"
