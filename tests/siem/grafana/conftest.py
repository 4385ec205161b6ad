"""The shipped events in a database, asked by an auditor."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from siem.golden import corpus
from siem.places import TOWNS
from siem.proof.asking import asked_at, asked_since
from siem.proof.engines.postgres import Postgres
from siem.sources import rules
from tests.deploy.grafana_sql import View

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]

PLACES = "CREATE TABLE places (src_ip text, latitude double precision, longitude double precision, city text)"


@pytest.fixture(scope="package")
def auditor(server_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Connected, with no rights but an auditor's."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = make_conninfo(server_dsn, dbname=name)
        _load(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET ROLE gatetrail_auditor")
            yield connection
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _load(dsn: str) -> None:
    engine = Postgres(dsn)
    engine.found(rules()[0], corpus())
    engine.close()
    with psycopg.connect(dsn) as connection:
        connection.execute(PLACES)
        with connection.cursor().copy("COPY places FROM STDIN WITH (FORMAT csv, HEADER)") as copy:
            copy.write(TOWNS.read_bytes())
        connection.execute("GRANT SELECT ON places TO gatetrail_auditor")


@pytest.fixture
def ask(auditor: psycopg.Connection[Any]) -> Ask:
    """Rows of a query that has Grafana's macros expanded."""

    def asked(query: str) -> Rows:
        with auditor.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode()).fetchall()

    return asked


@pytest.fixture
def whole() -> View:
    """All of the events."""
    return View(asked_since(corpus()), asked_at(corpus()), "1h", ())
