"""Changed lists, told to the clients of all servers: a few times a second at most, however often they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from weakref import WeakSet

from gatetrail.call import Kind
from gatetrail.mcp.installation import Installation

log = logging.getLogger("gatetrail.mcp")

PAUSE_S = 0.2
AGAIN_S = 1.5
"""When other processes have the new policy as well."""


class Announcements:
    """What is to be told, by the name of the server, and to whom."""

    def __init__(self) -> None:
        self._installations: WeakSet[Installation] = WeakSet()
        self._untold: dict[str, set[Kind]] = {}
        self._more = asyncio.Event()

    def enter(self, installation: Installation) -> None:
        """A server that has the gate now."""
        self._installations.add(installation)

    def add(self, changed: Mapping[str, Collection[Kind]]) -> None:
        """Lists that may look different from now on, by server."""
        for name, kinds in changed.items():
            self._untold.setdefault(name, set()).update(kinds)
            self._more.set()

    async def run(self, *, again: bool) -> None:
        """Tell what there is to tell, until cancelled.

        `again`: once more a little later. A client may be told by this process and ask another one for the list, which
        has the new policy an instant later.
        """
        while True:
            await self._more.wait()
            self._more.clear()
            changed, self._untold = self._untold, {}
            await self._tell(changed)
            if again:
                await asyncio.sleep(AGAIN_S)
                await self._tell(changed)
            await asyncio.sleep(PAUSE_S)

    async def _tell(self, changed: Mapping[str, Collection[Kind]]) -> None:
        told = [one for one in self._installations if one.name in changed]
        outcomes = await asyncio.gather(
            *(one.announcer.announce(changed[one.name]) for one in told), return_exceptions=True
        )
        for problem in outcomes:
            if isinstance(problem, Exception):
                log.error("clients could not be told of a changed list", exc_info=problem)
