"""The hand-written SQL, over the product's own tables."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

import psycopg

from gatetrail_sinks.postgres.migrate import migrate
from siem.golden import Event, traced
from siem.places import SQL, TOWNS
from siem.proof.asking import asked_at, asked_since
from siem.proof.engine import Scope
from siem.proof.engines.journal import Connection, Journal
from siem.rule import Rule

_VARIABLE = re.compile(r":'(\w+)'")


class Postgres:
    """All rules. `dsn` names an empty database, which is brought up to date with the first question."""

    name = "postgres"

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opened: tuple[Connection, Journal] | None = None

    def covers(self, rule: Rule) -> bool:
        return (SQL / f"{rule.name}.sql").is_file()

    def scope(self, rule: Rule) -> Scope:  # noqa: ARG002 -- the same for all
        return Scope.EVENTS

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        return self.asked(text_of(rule.name), events)

    def asked(
        self, text: str, events: Sequence[Event], since: datetime | None = None, until: datetime | None = None
    ) -> frozenset[str]:
        """What this SQL, with variables of psql, finds in the record or a part of it. Raises psycopg's errors."""
        connection, journal = self._open()
        journal.turn_to(events)
        variables: dict[str, datetime | str] = {
            "since": since or asked_since(events),
            "until": until or asked_at(events),
        }
        if ":'trace_id'" in text:
            variables["trace_id"] = traced()
        with connection.cursor() as cursor:
            cursor.execute(for_psycopg(text), variables)
            assert cursor.description is not None
            assert cursor.description[0].name == "event_id", text
            return frozenset(str(row[0]) for row in cursor.fetchall())

    def close(self) -> None:
        """Let go of the database; asked again, it connects again and expects an empty one."""
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _open(self) -> tuple[Connection, Journal]:
        if self._opened is None:
            asyncio.run(migrate(self._dsn))
            connection: Connection = psycopg.connect(self._dsn, autocommit=True)
            connection.execute("SET synchronous_commit = off")
            _load_places(connection)
            self._opened = connection, Journal(connection)
        return self._opened


def _load_places(connection: Connection) -> None:
    """The table that `impossible_travel` asks for."""
    connection.execute(
        "CREATE TEMP TABLE places"
        " (src_ip text PRIMARY KEY, latitude double precision, longitude double precision, city text)"
    )
    if TOWNS.is_file():
        with connection.cursor().copy("COPY places FROM STDIN WITH (FORMAT csv, HEADER)") as copy:
            copy.write(TOWNS.read_bytes())


@cache
def text_of(name: str) -> str:
    """A rule's SQL, as it stands in `siem-samples/sql`."""
    return (SQL / f"{name}.sql").read_text("utf-8")


def for_psycopg(text: str) -> bytes:
    """With psycopg's placeholders instead of psql's variables."""
    return _VARIABLE.sub(r"%(\1)s", text.replace("%", "%%")).encode()
