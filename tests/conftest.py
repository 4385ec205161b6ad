"""Servers and databases that every suite may ask for."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres

EXTERNAL_DSN_VARIABLE = "GATETRAIL_TEST_DSN"


# A machine that is busy with other things must not fail a property for its time.
settings.register_profile("gatetrail", deadline=None)
settings.load_profile("gatetrail")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def _open_folder() -> Path:
    # Not pytest's tmp_path: as root, the server's own user must be able to get in.
    folder = Path(tempfile.mkdtemp(prefix="gatetrail-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that every user may enter, with a short path."""
    folder = _open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running embedded server, one for the whole session."""
    folder = _open_folder()
    server = EmbeddedPostgres(folder / "data")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_dsn(request: pytest.FixtureRequest) -> str:
    """The server that GATETRAIL_TEST_DSN names (its user must be allowed CREATEDB), else ours."""
    if external := os.environ.get(EXTERNAL_DSN_VARIABLE):
        return external
    server = request.getfixturevalue("postgres_server")
    assert isinstance(server, EmbeddedPostgres)
    return server.dsn


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """A fresh, empty database, dropped after the test with everybody still connected to it."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server_dsn, dbname=name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
