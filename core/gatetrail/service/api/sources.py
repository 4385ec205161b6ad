"""What the API reads from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.clock import Clock
from gatetrail.delivery.sink import CursorState
from gatetrail.events.listing import Listing
from gatetrail.events.matching import Matching
from gatetrail.events.search import EventFilter, Search
from gatetrail.events.stamp import Stamp
from gatetrail.events.stats import Stats
from gatetrail.events.verification import Verifications
from gatetrail.feed import Broadcaster, Past
from gatetrail.policy.model import Policy


class Head(Protocol):
    """Where the journal ends."""

    async def seq(self) -> int:
        """The newest position, 0 for an empty journal. Raises `DatabaseUnavailable`."""
        ...


class SinkStates(Protocol):
    """Where the sinks stand."""

    async def states(self) -> Sequence[CursorState]:
        """All sinks ever seen, by name. Raises `DatabaseUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Readers of one database, the live feed, and the policy in force."""

    feed: Broadcaster
    search: Search
    listing: Listing
    stats: Stats
    head: Head
    sinks: SinkStates
    verifications: Verifications
    policy: Callable[[], Policy]
    """Gives the one that is in force now."""
    sink_names: Sequence[str]
    """Those that the settings name, whether or not they ever ran."""
    matching: Matching
    past: Callable[[EventFilter], Past]
    """The same filter, asked of the database about what is there already."""
    stamp: Stamp
    clock: Clock
