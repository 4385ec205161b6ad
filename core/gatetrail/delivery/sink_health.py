"""How a sink is, in one word."""

from __future__ import annotations

from enum import StrEnum

from gatetrail.clock import from_rfc3339
from gatetrail.delivery.sink import CursorState

BEHIND_AFTER_S = 10
"""An event that has waited for so long makes its sink late."""
STUCK_AFTER_S = 60
"""A sink that has not moved for so long although events wait is stuck, whatever else is said of it."""
AHEAD_S = 5
"""So far may the clock of who recorded an event be ahead of the database's."""


class SinkHealth(StrEnum):
    """From bad to good; a sink is the first of these that is true."""

    UNOWNED = "unowned"
    """Nobody drives it. Its events wait in the journal."""
    FAILING = "failing"
    """It takes nothing, and says why."""
    STUCK = "stuck"
    """Events wait, nothing moves, and nobody says why."""
    BEHIND = "behind"
    """It moves, and is late."""
    HEALTHY = "healthy"


def health_of(state: CursorState) -> SinkHealth:
    """Judges by the cursor against the journal's head, by when it moved last, and by who drives it.

    Never by the absence of errors alone: a sink that hangs, and one that nobody drives, have none. Where the event
    that waits has no time, as a hole in the journal, or one that lies in the future, only the last movement counts.
    """
    if not state.owned:
        return SinkHealth.UNOWNED
    if state.failing_since is not None:
        return SinkHealth.FAILING
    if state.head_seq == state.seq:
        return SinkHealth.HEALTHY
    now_us = from_rfc3339(state.looked_at)
    moved_us = from_rfc3339(state.moved_at)
    waiting_us = from_rfc3339(state.waiting_since) if state.waiting_since else moved_us
    if waiting_us > now_us + AHEAD_S * 1_000_000:
        waiting_us = moved_us
    still_us = now_us - max(moved_us, waiting_us)
    if still_us >= STUCK_AFTER_S * 1_000_000:
        return SinkHealth.STUCK
    if now_us - waiting_us >= BEHIND_AFTER_S * 1_000_000:
        return SinkHealth.BEHIND
    return SinkHealth.HEALTHY
