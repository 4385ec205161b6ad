"""Restrictions on tokens and users, kept in PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import psycopg

from gatetrail.errors import DatabaseUnavailable
from gatetrail.identity.restrictions import Restriction, RestrictionKind
from gatetrail.identity.tiers import Tier
from gatetrail.tasks import side_by_side
from gatetrail_sinks.postgres.connection import Connection, Pool, connect, told_as_unavailable
from gatetrail_sinks.postgres.notices import Notices
from gatetrail_sinks.postgres.queries import query

log = logging.getLogger("gatetrail.identity")

CHANNEL = "gatetrail_restrictions"
LISTENER = "gatetrail restrictions"
RETRY_S = 0.5
ROWS_AT_ONCE = 200
"""After so many others get their turn on the event loop."""
LOOK_S = 30.0
"""So often all is read although nobody has told of a change: a notice can be lost, or never sent (SQL by hand)."""

Row = tuple[str, str | None, str | None, str | None, str | None, str, str, datetime]


class PostgresRestrictions:
    """`RestrictionStore` on PostgreSQL, and what tells a process of changes."""

    def __init__(self, dsn: str, pool: Pool, *, look_s: float = LOOK_S) -> None:
        self._dsn = dsn
        self._pool = pool
        self._look_s = look_s

    async def all(self) -> Sequence[Restriction]:
        # Not from the pool: readers who wait for its connections must not delay what may be meant for them.
        async with await connect(self._dsn, application_name=LISTENER) as connection:
            return await self._asked(connection, "restrictions", {})

    async def put(self, wanted: Restriction, life_s: float | None) -> Restriction:
        limits = wanted.kind is RestrictionKind.TIER_LIMITED
        values = {
            "token_id": wanted.token_id,
            "user_id": wanted.user_id,
            "issuer": wanted.issuer,
            "tier": wanted.tier.value if wanted.tier else None,
            "reason": wanted.reason,
            "changed_by": wanted.changed_by,
            "life_s": life_s,
            "channel": CHANNEL,
        }
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                name = "restriction_limit" if limits else "restriction_revoke"
                row = await (await connection.execute(query(name), values)).fetchone()
        return wanted if row is None else replace(wanted, since_s=row[0].timestamp())

    async def take_back(self, token_id: str | None, user_id: str | None, issuer: str | None) -> Sequence[Restriction]:
        values = {"token_id": token_id, "user_id": user_id, "issuer": issuer, "channel": CHANNEL}
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                return await self._asked(connection, "restriction_take_back", values)

    async def watch(self, changed: Callable[[Sequence[Restriction]], None]) -> None:
        """Call `changed` with all that is in force after each change, and every `look_s`, until cancelled.

        While it cannot be read nothing is called: what was known last stays.
        """
        again = asyncio.Event()

        async def missed(_seconds: float) -> None:
            again.set()

        hearing = Notices(self._dsn, CHANNEL).hear(lambda _: again.set(), missed)
        await side_by_side(hearing, self._read(again, changed))

    async def _read(self, again: asyncio.Event, changed: Callable[[Sequence[Restriction]], None]) -> None:
        away = False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S if away else self._look_s):
                    await again.wait()
            again.clear()
            try:
                found = await self.all()
            except (DatabaseUnavailable, psycopg.Error) as problem:
                if not away:
                    log.warning("restrictions of tokens and users stay as they were known last: %s", problem)
                away = True
                continue
            if away:
                log.warning("restrictions of tokens and users can be read again")
            away = False
            changed(found)

    async def _asked(self, connection: Connection, name: str, values: dict[str, str | None]) -> Sequence[Restriction]:
        with told_as_unavailable(self._dsn):
            cursor = await connection.execute(query(name), values)
            found: list[Restriction] = []
            while rows := await cursor.fetchmany(ROWS_AT_ONCE):
                found += [_restriction(row[:8]) for row in rows]
                await asyncio.sleep(0)
        return found


def _restriction(row: Row) -> Restriction:
    kind, token_id, user_id, issuer, tier, reason, changed_by, since = row
    return Restriction(
        kind=RestrictionKind(kind),
        token_id=token_id,
        user_id=user_id,
        issuer=issuer,
        tier=None if tier is None else Tier(tier),
        reason=reason,
        changed_by=changed_by,
        since_s=since.timestamp(),
    )
