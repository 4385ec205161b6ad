"""The hand-written SQL, over the product's own tables."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import cache

import psycopg

from gatetrail_sinks.postgres.migrate import migrate
from siem.golden import Event, traced
from siem.places import SQL
from siem.proof.asking import asked_at, asked_since
from siem.proof.engine import Scope
from siem.proof.engines.journal import Connection, Journal
from siem.rule import Rule

_VARIABLE = re.compile(r":'(\w+)'")


class Postgres:
    """All rules. `dsn` names an empty database, which is brought up to date; it is asked over one connection."""

    name = "postgres"

    def __init__(self, dsn: str) -> None:
        asyncio.run(migrate(dsn))
        self._connection: Connection = psycopg.connect(dsn, autocommit=True)
        self._connection.execute("SET synchronous_commit = off")
        self._journal = Journal(self._connection)

    def covers(self, rule: Rule) -> bool:
        return (SQL / f"{rule.name}.sql").is_file()

    def scope(self, rule: Rule) -> Scope:  # noqa: ARG002 -- the same for all
        return Scope.EVENTS

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        return self.asked(text_of(rule.name), events)

    def asked(self, text: str, events: Sequence[Event]) -> frozenset[str]:
        """What this SQL, with variables of psql, finds. Raises psycopg's errors."""
        self._journal.turn_to(events)
        variables = {"since": asked_since(events), "until": asked_at(events), "trace_id": traced()}
        with self._connection.cursor() as cursor:
            cursor.execute(for_psycopg(text), variables)
            assert cursor.description is not None
            assert cursor.description[0].name == "event_id", text
            return frozenset(str(row[0]) for row in cursor.fetchall())

    def close(self) -> None:
        self._connection.close()


@cache
def text_of(name: str) -> str:
    """A rule's SQL, as it stands in `siem-samples/sql`."""
    return (SQL / f"{name}.sql").read_text("utf-8")


def for_psycopg(text: str) -> bytes:
    """With psycopg's placeholders instead of psql's variables."""
    return _VARIABLE.sub(r"%(\1)s", text.replace("%", "%%")).encode()
