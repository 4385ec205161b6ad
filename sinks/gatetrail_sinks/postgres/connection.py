"""Connections to PostgreSQL: how they are made, and what their failures mean to us."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gatetrail.errors import DatabaseUnavailable

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

CONNECT_TIMEOUT_S = 5
_SESSION = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=5s"


def where(dsn: str) -> str:
    """The server's address for messages; never a password."""
    known = conninfo_to_dict(dsn)
    return f"{known.get('host', 'local socket')}:{known.get('port', 5432)}/{known.get('dbname', '')}"


@contextmanager
def told_as_unavailable(dsn: str) -> Generator[None]:
    """Turn the driver's connection failures into `DatabaseUnavailable`."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError) as problem:
        reason = " ".join(str(problem).split())
        raise DatabaseUnavailable(f"PostgreSQL at {where(dsn)} does not answer: {reason}") from problem


async def connect(dsn: str, *, application_name: str = "gatetrail") -> Connection:
    """One connection in autocommit mode whose peer's death is noticed. Raises `DatabaseUnavailable`."""
    with told_as_unavailable(dsn):
        return await psycopg.AsyncConnection.connect(dsn, autocommit=True, **_options(dsn, application_name))


def _options(dsn: str, application_name: str) -> dict[str, Any]:
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": f"{_SESSION} {conninfo_to_dict(dsn).get('options') or ''}",  # what the DSN says counts more
        "application_name": application_name,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 4) -> AsyncGenerator[Pool]:
    """A pool for reads and rare writes. Opens without waiting for the server."""
    pool: Pool = AsyncConnectionPool(
        dsn,
        min_size=0,
        max_size=size,
        kwargs={"autocommit": True, **_options(dsn, "gatetrail")},
        timeout=CONNECT_TIMEOUT_S,
        open=False,
        check=AsyncConnectionPool.check_connection,
        name="gatetrail",
    )
    async with pool:
        yield pool
