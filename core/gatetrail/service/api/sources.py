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
from gatetrail.policy.standing import Reloaded, Standing


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


class PolicyInForce(Protocol):
    """The policy that decisions are made under."""

    @property
    def standing(self) -> Standing:
        """What is in force now, and since when."""
        ...

    async def reload(self, user_id: str | None = None) -> Reloaded:
        """Read the file now, here and in the other processes on the database; `user_id` is who asked for it."""
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
    policy: PolicyInForce
    sink_names: Sequence[str]
    """Those that the settings name, whether or not they ever ran."""
    matching: Matching
    past: Callable[[EventFilter], Past]
    """The same filter, asked of the database about what is there already."""
    stamp: Stamp
    clock: Clock
