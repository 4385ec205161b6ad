"""A sink that fails when the script says so, driven by a real follower."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Start
from gatetrail.errors import SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail_sinks.postgres.cursors import open_cursors

IN_HASTE = FollowerSettings(gather_ms=1, retry_initial_ms=5, retry_max_ms=20, idle_poll_ms=20)
STOP_LIMIT_S = 10.0


class ScriptedSink:
    """Takes everything, unless there is a problem."""

    def __init__(self, name: str, problem: str | None) -> None:
        self.name = name
        self.problem = problem

    async def write(self, entries: Sequence[Entry]) -> None:  # noqa: ARG002 -- they go nowhere
        if self.problem is not None:
            raise SinkUnavailable(self.problem)

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def following(gate: Gatetrail, sink: ScriptedSink) -> AsyncGenerator[None]:
    """For as long as the block lasts; from the beginning of the journal, or from where it was."""
    async with open_cursors(gate.dsn) as cursors:
        record = gate.recording.ledger.commit_or_spool
        follower = Follower(
            sink, gate.journal, cursors, gate.stamp, record, start=Start.BEGINNING, clock=gate.clock, settings=IN_HASTE
        )
        driving = asyncio.create_task(follower.run())
        try:
            yield
        finally:
            await follower.stop(STOP_LIMIT_S)
            await asyncio.wait([driving])


async def ahead(gate: Gatetrail, name: str, count: int) -> None:
    """Put the position of a sink so many events beyond the journal's end."""
    async with open_cursors(gate.dsn) as cursors:
        await cursors.acquire(name, Start.BEGINNING)
        await cursors.advance(name, await gate.journal.head_seq() + count, count)
