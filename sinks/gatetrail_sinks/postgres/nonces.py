"""Nonces of proxies in PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from hashlib import blake2b

import psycopg

from gatetrail.errors import DatabaseUnavailable
from gatetrail.identity.proxies.nonces import KEPT_S, Used
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query

log = logging.getLogger("gatetrail.identity")

LIMIT_S = 2.0
"""Whoever has no answer after this long is told that the store is away."""

MAX_WAITING = 1_000
"""So many may wait for an answer at once; a store that hangs must not take all memory."""

SWEEP_S = 30.0
SWEPT_AT_ONCE = 10_000
DIGEST_BYTES = 16


class PostgresNonces:
    """`Nonces` for all processes on one database."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._asking: set[asyncio.Task[Used]] = set()

    async def use(self, proxy: str, nonce: str, since_s: float) -> Used:
        if len(self._asking) >= MAX_WAITING:
            raise DatabaseUnavailable("too many wait for PostgreSQL already")
        # Not cancelled when it is late: the driver would ask a server that hangs to cancel it.
        asking = asyncio.create_task(self._use(digest(proxy, nonce), since_s), name="gatetrail proxy nonce")
        self._asking.add(asking)
        asking.add_done_callback(self._done)
        await asyncio.wait([asking], timeout=LIMIT_S)
        if not asking.done():
            raise DatabaseUnavailable(f"PostgreSQL has not answered within {LIMIT_S:g} s")
        return asking.result()

    async def sweep(self) -> None:
        """Forget nonces that nothing can be signed with any more, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep_now()
            except DatabaseUnavailable as problem:
                log.info("nonces of proxies were not swept: %s", problem)

    async def _use(self, key: bytes, since_s: float) -> Used:
        values = {"digest": key, "since_s": since_s}
        try:
            with told_as_unavailable(self._dsn):
                async with self._pool.connection() as connection:
                    row = await (await connection.execute(query("nonce_use"), values)).fetchone()
        except psycopg.Error as problem:  # whatever it is: nothing is known of the nonce
            raise DatabaseUnavailable(f"PostgreSQL keeps no nonces: {type(problem).__name__}") from problem
        is_first, is_known = row or (False, False)
        if not is_first:
            return Used.AGAIN
        return Used.FIRST if is_known else Used.UNKNOWN

    async def sweep_now(self) -> None:
        """Once. Raises `DatabaseUnavailable`."""
        swept = SWEPT_AT_ONCE
        while swept == SWEPT_AT_ONCE:
            with told_as_unavailable(self._dsn):
                async with self._pool.connection() as connection:
                    swept = (await connection.execute(query("nonce_sweep"), {"kept_s": KEPT_S})).rowcount

    def _done(self, asking: asyncio.Task[Used]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # whoever asked may have left


def digest(proxy: str, nonce: str) -> bytes:
    """What stands for a nonce in the table."""
    return blake2b(f"{proxy}\0{nonce}".encode(), digest_size=DIGEST_BYTES).digest()
