"""How a sink is, in one word."""

from __future__ import annotations

from enum import StrEnum

from gatetrail.clock import from_rfc3339
from gatetrail.events.sink import CursorState

BEHIND_AFTER_S = 10
"""An event that has waited for so long makes its sink late."""
STUCK_AFTER_S = 60
"""A sink that has not moved for so long although events wait is stuck, whatever else is said of it."""


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

    Never by the absence of errors alone: a sink that hangs, and one that nobody drives, have none.
    """
    if not state.owned:
        return SinkHealth.UNOWNED
    if state.failing_since is not None:
        return SinkHealth.FAILING
    if state.head_seq == state.seq:
        return SinkHealth.HEALTHY
    now_us = from_rfc3339(state.looked_at)
    # A hole in front of the cursor has no time of its own: then only the last movement counts.
    waiting_us = from_rfc3339(state.waiting_since or state.moved_at)
    still_us = now_us - max(from_rfc3339(state.moved_at), waiting_us)
    if still_us >= STUCK_AFTER_S * 1_000_000:
        return SinkHealth.STUCK
    if now_us - waiting_us >= BEHIND_AFTER_S * 1_000_000:
        return SinkHealth.BEHIND
    return SinkHealth.HEALTHY
