"""What a subscriber of the live feed wants of what is in the journal already."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.search import parameters


class PostgresPast:
    """`gatetrail.feed.Past` on PostgreSQL, for one filter."""

    def __init__(self, dsn: str, pool: Pool, wanted: EventFilter) -> None:
        self._dsn = dsn
        self._pool = pool
        self._wanted = wanted

    async def between(self, after_seq: int, last_seq: int, limit: int) -> Sequence[Entry] | None:
        text = query("past").replace(b"{search}", query("search"))
        asked = parameters(self._wanted, limit, after_seq=after_seq, before_seq=last_seq + 1)
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                rows = await (await connection.execute(text, asked, prepare=False)).fetchall()
        if not rows[0][0]:
            return None
        return [Entry(seq, event_name, body.encode()) for _, seq, event_name, body in rows if seq is not None]
