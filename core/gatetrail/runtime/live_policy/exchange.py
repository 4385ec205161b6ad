"""Gates are exchanged one at a time, each time with an event that stands before the first decision under them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gatetrail.dispatcher import Dispatcher
from gatetrail.events.fields import Record
from gatetrail.gates.pipeline import Gates

TOLD_FIRST_S = 0.1
"""The event stands in the journal before the first decision under the new gates, unless that takes longer than this."""


class Exchange:
    """Of one process. Nobody else calls `Dispatcher.adopt` while it runs."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.turn = asyncio.Lock()
        """To be held from the look at what is in force to the end of `put`."""

    async def put(self, gates: Gates, event: Record, then: Callable[[], None]) -> None:
        """Put gates in force, and call `then` in the same instant.

        Once the event is on its way to the record it comes true, whoever is cancelled meanwhile.
        """
        telling = asyncio.ensure_future(self._dispatcher.report(event))
        try:
            await asyncio.wait([telling], timeout=TOLD_FIRST_S)
        finally:
            self._dispatcher.adopt(gates)
            then()
            await telling

    async def report(self, event: Record) -> None:
        """Record an event after which everything is as before. Never raises."""
        await self._dispatcher.report(event)

    def recorded(self, user_id: str | None) -> str | None:
        """A user as the record may have him."""
        return self._dispatcher.redactor.texts({"user_id": user_id})["user_id"] if user_id else None
