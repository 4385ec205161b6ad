"""The other side of one kind of sink, as the contract suite sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry


class Place(Protocol):
    """A real receiver on this machine. `come_back` ends only when it can be reached again."""

    acknowledges: bool
    """False: the protocol cannot tell what has arrived, so only what is said of every sink is demanded."""

    @property
    def options(self) -> Mapping[str, object]:
        """What service.yaml says of a sink that delivers to here."""
        ...

    def sink(self, name: str) -> Sink:
        """A new sink that delivers to here, in the native format."""
        ...

    async def received(self, at_least: int = 0) -> list[bytes]:
        """The native lines that are here for good, in order of arrival.

        Waits, with a bound, until there are `at_least` so many different ones; then gives what there is.
        """
        ...

    async def die(self) -> None:
        """Take nothing any more, at once and without a farewell."""
        ...

    async def come_back(self) -> None:
        """Take again."""
        ...

    def poison(self, entry: Entry) -> Entry | None:
        """The entry, changed so that this sink can never take it; None when it takes everything."""
        ...

    async def close(self) -> None:
        """End all that was started for this place."""
        ...
