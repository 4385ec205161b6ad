"""One database and one set of engines for all tests here; they put in and take out what is different."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from siem.proof.engine import Engine
from siem.proof.registry import engines


@pytest.fixture(scope="session")
def proof_dsn(server_dsn: str) -> Iterator[str]:
    """An empty database for the session."""
    name = f"test_{secrets.token_hex(6)}"
    database = sql.Identifier(name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture(scope="session")
def asked(proof_dsn: str) -> Iterator[Mapping[str, Engine]]:
    """The engines by name."""
    with engines(proof_dsn) as opened:
        yield {engine.name: engine for engine in opened}
