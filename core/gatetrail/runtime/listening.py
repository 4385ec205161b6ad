"""Word of new events, for those who only read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from gatetrail.runtime.background import in_background
from gatetrail_sinks.postgres.wakeups import Wakeups


@asynccontextmanager
async def open_wakeups(dsn: str) -> AsyncGenerator[Wakeups]:
    """Hints that there is more in the journal, on a connection of their own, for as long as the block lasts.

    Where a server does not let anybody listen, as a replica that only reads, no hint ever comes.
    """
    wakeups = Wakeups(dsn)
    async with AsyncExitStack() as stack:
        in_background(stack, wakeups.listen(), "gatetrail wake-ups")
        yield wakeups
