"""Applies the numbered SQL files, each once, in order, whoever else tries at the same time."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from gatetrail.errors import MigrationRefused
from gatetrail.resources import migrations
from gatetrail_sinks.postgres.connection import Connection, connect, told_as_unavailable

LOCK_KEY = 0x6761_7465_7472_6169
"""Any constant of our own for `pg_advisory_lock`."""
TRANSACTIONLESS = b"-- outside a transaction"
"""A file whose first line is this is run without one, for statements such as CREATE INDEX CONCURRENTLY."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name orders it, its digest proves that it was not edited after it had been applied."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def shipped() -> Sequence[Migration]:
    """The migrations that come with this version, in order."""
    found = [Migration(file.name, file.read_bytes()) for file in migrations().iterdir() if file.name.endswith(".sql")]
    return sorted(found, key=lambda migration: migration.name)


async def migrate(dsn: str, wanted: Sequence[Migration] | None = None) -> Sequence[str]:
    """Bring a database up to date and give the names of the files applied now.

    Safe to call from several processes at once, and by one who may only read a database that is up to date.
    Raises `DatabaseUnavailable`; `MigrationRefused` when an applied file was edited, is missing here, or fails.
    """
    files = shipped() if wanted is None else wanted
    with told_as_unavailable(dsn), _told_as_refused():
        async with await connect(dsn, application_name="gatetrail migrate") as connection:
            return await _bring_up_to_date(connection, files)


@contextmanager
def _told_as_refused() -> Generator[None]:
    try:
        yield
    except (InsufficientPrivilege, ReadOnlySqlTransaction) as problem:
        raise MigrationRefused(
            "the database is not up to date and this connection may not change it:"
            " run gatetrail migrate with the role that owns the tables"
        ) from problem


async def _bring_up_to_date(connection: Connection, files: Sequence[Migration]) -> Sequence[str]:
    if not await _missing(connection, files):
        return []
    await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    await _prepare(connection)
    missing = await _missing(connection, files)
    for migration in missing:
        await _apply(connection, migration)
    return [migration.name for migration in missing]


async def _missing(connection: Connection, files: Sequence[Migration]) -> list[Migration]:
    applied = await _applied(connection)
    _check(applied, files)
    return [migration for migration in files if migration.name not in applied]


async def _prepare(connection: Connection) -> None:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )


async def _applied(connection: Connection) -> dict[str, str]:
    cursor = await connection.execute("SELECT to_regclass('schema_migrations') IS NULL")
    if await cursor.fetchone() == (True,):
        return {}
    cursor = await connection.execute("SELECT name, sha256 FROM schema_migrations")
    return {str(name): str(digest) for name, digest in await cursor.fetchall()}


def _check(applied: dict[str, str], files: Sequence[Migration]) -> None:
    known = {migration.name: migration.digest for migration in files}
    for name, digest in sorted(applied.items()):
        if name not in known:
            raise MigrationRefused(
                f"the database has migration {name}, which this version does not know: it is newer; upgrade gatetrail"
            )
        if known[name] != digest:
            raise MigrationRefused(
                f"migration {name} was edited after it had been applied"
                f" (sha-256 then {digest[:12]}…, now {known[name][:12]}…): restore the file and add a new one instead"
            )


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        if migration.content.startswith(TRANSACTIONLESS):
            await connection.execute(migration.content)
            await _note(connection, migration)
        else:
            async with connection.transaction():
                await connection.execute(migration.content)
                await _note(connection, migration)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as problem:
        raise MigrationRefused(f"migration {migration.name} failed: {problem}") from problem


async def _note(connection: Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", (migration.name, migration.digest)
    )
