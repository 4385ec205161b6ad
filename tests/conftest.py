"""Servers and databases that every suite may ask for."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail.events.journal import Entry
from gatetrail.testing import MemoryJournal
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from tests.schema_watch import complaints, recorded_lines

# hypothesis loads these when it first needs them, deep within a test, where Python 3.11 may fail to parse them.
for late in ("optimiser", "shrinker"):
    importlib.import_module(f"hypothesis.internal.conjecture.{late}")

EXTERNAL_DSN_VARIABLE = "GATETRAIL_TEST_DSN"
MAX_SHOWN = 5


# What a shell starts in the background ignores Ctrl-C, and so do its children: tests that send it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
    """A fresh, empty database, dropped after the test with everybody still connected to it.

    Before that, the events that were recorded in it are held against the shipped schemas.
    """
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(server_dsn, dbname=name)
    yield dsn
    wrong = [*islice(complaints(recorded_lines(dsn)), MAX_SHOWN)]
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    keeps_to_the_schemas(wrong)


def keeps_to_the_schemas(wrong: Sequence[str]) -> None:
    """Fail with what is wrong with the recorded events, if anything is."""
    if wrong:
        pytest.fail(
            "events were recorded that do not keep to schemas/v1/events:\n  " + "\n  ".join(wrong), pytrace=False
        )


@pytest.fixture(autouse=True)
def journals_in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MemoryJournal]]:
    """Every journal that the test makes; its events, too, are held against the schemas."""
    made: list[MemoryJournal] = []
    init = MemoryJournal.__init__

    def noted(journal: MemoryJournal, chain_id: str = "memory") -> None:
        init(journal, chain_id)
        made.append(journal)

    monkeypatch.setattr(MemoryJournal, "__init__", noted)
    yield made
    lines = (entry.line for journal in made for entry in cast("list[Entry]", vars(journal)["_entries"]))
    keeps_to_the_schemas([*islice(complaints(lines), MAX_SHOWN)])
