"""Where times lie in the journal, found by a few looks at it instead of an index over all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from gatetrail.clock import from_rfc3339, rfc3339
from gatetrail.delivery.replay import Extent
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query

SKEW_S = 300
"""So far may clocks of different machines be apart; events of this time before the wanted one are looked at singly."""
WINDOW = 1_000
"""Events in one look of the search."""
LOOK_BACK = 100_000
"""Events before the place found that must all be early, too. Imports from a spool go one by one, some thousand in
a second, and every process records a heartbeat each minute: a longer run of old times has a new one in it."""
PAGE = 10_000

Look = Callable[[int, str, int], Awaitable[tuple[int | None, int | None]]]
"""Among the events behind a position, so many at most: the first one from a moment on, and the last one of all."""


async def position_before(look: Look, head_seq: int, moment: str) -> int:
    """The position before the first event recorded at or after a moment; the end when there is none.

    `recorded_at` nearly grows with `seq`. It falls behind for a run of events that had to wait in a spool, so
    a place counts as early only when everything for a long way before it does; and it runs ahead as far as
    clocks differ, so what follows is read event by event.
    """
    early = rfc3339(max(from_rfc3339(moment) - SKEW_S * 1_000_000, 0))
    position = await _early_place(look, early, head_seq)
    while True:
        late_seq, _ = await look(max(position - LOOK_BACK, 0), early, LOOK_BACK)
        if late_seq is None or late_seq > position:
            break
        position = await _early_place(look, early, late_seq - 1)
    while True:
        first_seq, last_seq = await look(position, moment, PAGE)
        if first_seq is not None:
            return first_seq - 1
        if last_seq is None:
            return position
        position = last_seq


async def _early_place(look: Look, early: str, high: int) -> int:
    low = 0
    while high - low > WINDOW:
        middle = (low + high) // 2
        first_seq, last_seq = await look(middle, early, WINDOW)
        if first_seq is None and last_seq is not None:
            low = min(last_seq, high)
        else:
            high = middle
    return low


class PostgresMoments:
    """`Moments` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def before(self, moment: str) -> int:
        return await position_before(self._look, await self._head_seq(), moment)

    async def last_until(self, moment: str) -> int:
        after_seq = await self.before(moment)
        last_seq = await self.before(rfc3339(from_rfc3339(moment) + SKEW_S * 1_000_000))
        rows = await self._ask("moment_last", after_seq=after_seq, last_seq=last_seq, moment=moment)
        return int(rows[0][0]) if rows else after_seq

    async def extent(self, first_seq: int, last_seq: int) -> Extent:
        ((count, first_at, last_at),) = await self._ask("extent", first_seq=first_seq, last_seq=last_seq)
        return Extent(count, as_text(first_at), as_text(last_at))

    async def _look(self, after_seq: int, moment: str, limit: int) -> tuple[int | None, int | None]:
        ((first_seq, last_seq),) = await self._ask("moment_window", after_seq=after_seq, moment=moment, limit=limit)
        return first_seq, last_seq

    async def _head_seq(self) -> int:
        return int((await self._ask("head"))[0][1])

    async def _ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                return await (await connection.execute(query(statement), values)).fetchall()


def as_text(moment: datetime | None) -> str | None:
    """A time of the server as RFC 3339 in UTC."""
    return None if moment is None else rfc3339(from_rfc3339(moment.isoformat()))
