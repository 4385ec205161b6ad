"""What only a look can tell: the database's side of things, the spool, the parts that have to be there."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import anyio

from gatetrail.delivery.sink import CursorState
from gatetrail.errors import Unavailable
from gatetrail.runtime.checks import Checks
from gatetrail.runtime.look import Look, Seen
from gatetrail.runtime.recording import Recording
from gatetrail_sinks.postgres.cursors import sink_states
from gatetrail_sinks.postgres.head import PostgresHead


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. What could not be seen in time is None, and is left out of the answer."""

    ready: bool
    up: Mapping[str, bool]
    """By part."""
    head_seq: int | None
    sinks: Sequence[CursorState] | None
    spool_count: int | None


class Looker:
    """Looks at everything at once, within the time that one look has."""

    def __init__(self, recording: Recording, checks: Checks) -> None:
        dsn, pool = recording.dsn, recording.pool
        self._checks = checks
        self._head = Look(PostgresHead(dsn, pool).seq)
        self._sinks = Look(lambda: sink_states(dsn, pool))
        self._spool = Look(lambda: anyio.to_thread.run_sync(recording.spool.waiting_count))

    async def look(self) -> Snapshot:
        """Never raises."""
        head, sinks, spool = _seen(self._head), _seen(self._sinks), _seen(self._spool)
        health, head_seq, states, spool_count = await asyncio.gather(self._checks(), head, sinks, spool)
        troubled: Collection[str] = health.away.keys() | health.failing.keys()
        up = {part: part not in troubled for part in self._checks.parts}
        return Snapshot(health.ready, up, head_seq, states, spool_count)

    async def close(self) -> None:
        """End looks that still go on."""
        for look in (self._head, self._sinks, self._spool):
            await look.close()


async def _seen(look: Look[Seen]) -> Seen | None:
    try:
        return await look()
    except (TimeoutError, Unavailable):
        return None
