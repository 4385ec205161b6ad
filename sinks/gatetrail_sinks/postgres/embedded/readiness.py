"""Waiting for the server to answer, and refusing one that could lose what it confirmed."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded.account import ServerAccount
from gatetrail_sinks.postgres.embedded.cluster import SUPERUSER
from gatetrail_sinks.postgres.embedded.folder import DataFolder

DATABASE = "gatetrail"
MAINTENANCE_DATABASE = "postgres"
CONNECT_TIMEOUT_S = 5
FAULTS_SQL = Path(__file__).with_name("faults.sql").read_text("utf-8")


def conninfo(folder: DataFolder, account: ServerAccount, password: str) -> str:
    """Gives the libpq connection string; it is the same for every process and every start."""
    return make_conninfo(
        host=str(folder.socket_folder(account)),
        port=5432,
        user=SUPERUSER,
        password=password,
        dbname=DATABASE,
    )


def create_database(dsn: str) -> None:
    """Makes the database unless it is there."""
    with _connect(make_conninfo(dsn, dbname=MAINTENANCE_DATABASE)) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def require_safe(dsn: str) -> None:
    """Refuses a server whose commits may not survive, or that lets people in unasked.

    Raises:
        DatabaseUnavailable: names each fault.
        psycopg.OperationalError: the server does not answer (yet).
    """
    with _connect(dsn) as connection:
        faults = [str(row[0]) for row in connection.execute(FAULTS_SQL.encode())]
    if faults:
        raise DatabaseUnavailable(
            "The embedded PostgreSQL is set up so that it can lose or leak audit rows: "
            f"{'; '.join(faults)}. Take this out of its files, or out of ALTER ROLE and ALTER "
            "DATABASE; fsync, full_page_writes and synchronous_commit must be on."
        )


def is_hopeless(error: psycopg.OperationalError) -> bool:
    """Tells a login that never will succeed from a server that is not there yet."""
    return "authentication failed" in str(error)


def _connect(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
