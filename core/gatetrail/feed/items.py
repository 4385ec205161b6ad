"""What a subscriber is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gatetrail.events.journal import Entry

Wanted = Callable[[Entry], bool]
"""Says whether a subscriber wants an event. Synchronous, quick, without side effects.

New events are shown to one subscriber after the other, so a filter that parses can share the keys of the newest
entry with all others.
"""


class Past(Protocol):
    """What one subscriber wants of what the journal holds already, picked out by whoever keeps it."""

    async def between(self, after_seq: int, last_seq: int, limit: int) -> Sequence[Entry] | None:
        """The first entries that may be wanted behind a position and up to another one, in order, none left out.

        None when the journal does not hold every single position between the two: who only sees what is picked out
        could not tell a hole from what is not wanted. Both are told of one and the same state of the journal. Raises
        `DatabaseUnavailable`.
        """
        ...


class GapReason(StrEnum):
    """Why events are not given."""

    SLOW = "slow"
    """The subscriber took its events too slowly; its oldest were dropped. The journal has them."""
    REMOVED = "removed"
    """The journal has them no longer, or never had: after retention, or because somebody removed rows."""
    SET_BACK = "set_back"
    """The journal ends before the position that was asked for: it is another one, or was restored."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Positions that are not given, both ends included.

    With the reason `SLOW` the ends are the first and the last event that were dropped: the subscriber has missed
    all that it wanted between them and nothing else.
    """

    first_seq: int
    last_seq: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing was given for a while, and the feed is alive."""

    seq: int
    """Everything up to here has been given, was not wanted, or was told as a gap: one may resume behind it."""


Item = Entry | Gap | Heartbeat
