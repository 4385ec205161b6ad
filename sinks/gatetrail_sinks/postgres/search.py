"""The record, searched by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gatetrail.clock import id_moment_us, rfc3339
from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter, Forms, like_pattern
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresSearch:
    """`Search` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def newest(self, wanted: EventFilter, limit: int, before_seq: int | None = None) -> Sequence[Entry]:
        text = b"SELECT * FROM (%b ORDER BY seq DESC LIMIT %%(limit)s) AS newest ORDER BY seq" % query("search")
        return await self._entries(text, parameters(wanted, limit, before_seq=before_seq))

    async def after(
        self, wanted: EventFilter, after_seq: int, limit: int, before_seq: int | None = None
    ) -> Sequence[Entry]:
        text = query("search") + b"ORDER BY seq LIMIT %(limit)s"
        return await self._entries(text, parameters(wanted, limit, after_seq=after_seq, before_seq=before_seq))

    async def of_decision(self, identifier: str) -> Sequence[Entry]:
        moment = rfc3339(id_moment_us(identifier))
        return await self._entries(query("of_decision"), {"identifier": identifier, "moment": moment})

    async def _entries(self, text: bytes, parameters: Mapping[str, Any]) -> Sequence[Entry]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(text, parameters, prepare=False)
                return [Entry(seq, name, body.encode()) for seq, name, body, *_ in await cursor.fetchall()]


def parameters(wanted: EventFilter, limit: int, *, after_seq: int = 0, before_seq: int | None = None) -> dict[str, Any]:
    """What `search.sql` and what is built upon it want to know."""
    keys = asdict(wanted)
    for name in ("owner", "user", "session", "client"):
        forms: Forms | None = keys[name]
        keys[name] = only = forms[0] if forms is not None and len(forms) == 1 else None
        keys[f"{name}_forms"] = None if forms is None or only is not None else list(forms)
    globs = {"tool": like_pattern(wanted.tool), "event": like_pattern(wanted.event)}
    return {**keys, **globs, "after_seq": after_seq, "before_seq": before_seq, "limit": limit}
