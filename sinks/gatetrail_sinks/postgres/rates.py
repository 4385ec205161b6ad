"""Token buckets in PostgreSQL: one statement takes for many calls, by the server's clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import psycopg

from gatetrail.errors import DatabaseUnavailable, RateStoreUnavailable
from gatetrail.limits import Limit, Taking
from gatetrail.rates import Grouped, GroupSettings
from gatetrail.tasks import ended
from gatetrail_sinks.postgres.connection import Connection, Pool, connect
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.rate_question import question

log = logging.getLogger("gatetrail.rates")

SWEEP_S = 30.0
PROBE_LIMIT = Limit(1.0, 1.0)
LIVELY_S = 2.0
"""A new connection that has not taken its first token by then belongs to a server that hangs."""


class RateConnection:
    """`Ask` over one connection of its own.

    Nothing here is cancelled while a statement is under way: the driver would ask the server, which may hang, to
    cancel it. The socket is shut instead, and the statement fails at once.
    """

    def __init__(self, dsn: str, limit_ms: int) -> None:
        self._dsn = dsn
        self._limit_ms = limit_ms
        self._connection: Connection | None = None
        self._asked = False

    async def ask(self, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
        connection = self._connection
        if connection is None:
            raise RateStoreUnavailable("there is no connection")
        self._asked = True
        try:
            return await _take(connection, calls)
        except BaseException as problem:
            self._connection = None if self._connection is connection else self._connection
            await connection.close()
            if not isinstance(problem, psycopg.Error | OSError):
                raise
            raise RateStoreUnavailable(_words(problem)) from problem
        finally:
            self._asked = False

    async def connect(self, probe: Taking) -> None:
        """A new connection, once it has taken a token. Raises `RateStoreUnavailable`."""
        self.drop()
        try:
            connection = await connect(self._dsn, application_name="gatetrail rates")
        except DatabaseUnavailable as problem:
            raise RateStoreUnavailable(_words(problem)) from problem
        timer = asyncio.get_running_loop().call_later(LIVELY_S, _shut, connection)
        try:
            await connection.execute(query("rate_session"), {"limit_ms": self._limit_ms})
            await _take(connection, [[probe]])
        except BaseException as problem:
            await connection.close()
            if not isinstance(problem, psycopg.Error | OSError):
                raise
            raise RateStoreUnavailable(_words(problem)) from problem
        finally:
            timer.cancel()
        self._connection = connection

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._asked:
            _shut(connection)
        elif connection is not None:
            connection.pgconn.finish()

    async def close(self) -> None:
        """When nothing is under way any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _take(connection: Connection, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
    cursor = await connection.execute(query("rate_take"), question(calls), prepare=True)
    row = await cursor.fetchone()
    return row[0] if row is not None else ()


def _shut(connection: Connection) -> None:
    """Whoever waits on it learns that at once; who does, closes it."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


class PostgresRates:
    """`RateStore` on PostgreSQL. Made by `open_rates`."""

    name = "postgres"

    def __init__(self, connection: RateConnection, grouped: Grouped, instance_id: str) -> None:
        self._connection = connection
        self._grouped = grouped
        self._probe = Taking(f"probe\0{instance_id}", PROBE_LIMIT)

    async def take(self, wanted: Sequence[Taking]) -> int:
        return await self._grouped.take(wanted)

    async def recover(self) -> None:
        await self._connection.connect(self._probe)


@asynccontextmanager
async def open_rates(dsn: str, pool: Pool, instance_id: str, settings: GroupSettings) -> AsyncGenerator[PostgresRates]:
    """The store of a migrated database; not yet connected. Full buckets are swept for as long as the block lasts."""
    connection = RateConnection(dsn, settings.limit_ms)
    grouped = Grouped(connection, settings)
    grouped.start()
    sweeping = asyncio.create_task(_sweep(pool), name="gatetrail rates sweep")
    try:
        yield PostgresRates(connection, grouped, instance_id)
    finally:
        await grouped.stop()
        await ended(sweeping)
        await connection.close()


async def _sweep(pool: Pool) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            async with pool.connection() as connection:
                await connection.execute(query("rate_sweep"))
        except (psycopg.Error, OSError) as problem:
            log.info("full buckets were not swept: %s", _words(problem))


def _words(problem: BaseException) -> str:
    """A class, and no text of the driver's: that may name hosts and users."""
    return type(problem.__cause__ or problem).__name__
