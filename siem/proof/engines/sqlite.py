"""The Sigma text itself: pySigma turns it into SQLite's SQL, SQLite runs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import orjson
from sigma.collection import SigmaCollection

from siem.golden import Event
from siem.proof.asking import for_trace, microseconds
from siem.proof.engine import Scope
from siem.proof.engines.cased import told_apart
from siem.proof.engines.loaded import Loaded
from siem.rule import Kind, Rule
from siem.schema import keys

sigma_sqlite: Any = import_module("sigma.backends.sqlite")  # has no types

TABLE = "logs"
TIME = "time_us"
"""Whole microseconds, so that the ends of a window are exact."""


class Sqlite:
    """Rules of Sigma. A correlation gives windows with their evidence; found is the evidence at a window's end."""

    name = "sqlite"

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._loaded = Loaded()
        self._queries: dict[int, tuple[Rule, str]] = {}
        columns = ", ".join(f'"{key}"' for key in keys())
        self._connection.execute(f"CREATE TABLE {TABLE} ({TIME} INTEGER, {columns})")
        places = ", ".join("?" for _ in (TIME, *keys()))
        self._insert = f"INSERT INTO {TABLE} VALUES ({places})"  # noqa: S608 -- both are ours

    def covers(self, rule: Rule) -> bool:
        return rule.is_sigma

    def scope(self, rule: Rule) -> Scope:  # noqa: ARG002 -- the same for all
        return Scope.EVENTS

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        self._load(events)
        cursor = self._connection.execute(self._query(rule))
        names = [column[0] for column in cursor.description]
        rows = (dict(zip(names, row, strict=True)) for row in cursor)
        if rule.kind is Kind.MATCH:
            return frozenset(str(row["event_id"]) for row in rows)
        times_s = {
            str(event["event_id"]): us / 1_000_000 for event in events if (us := microseconds(event)) is not None
        }
        return frozenset(one for row in rows for one in _completing(row, times_s))

    def _query(self, rule: Rule) -> str:
        if id(rule) not in self._queries:
            self._queries[id(rule)] = (rule, converted([_with_trace(document) for document in rule.documents]))
        return self._queries[id(rule)][1]

    def _load(self, events: Sequence[Event]) -> None:
        difference = self._loaded.turn_to(events)
        gone = [(event["event_id"],) for event in difference.gone]
        self._connection.executemany(f"DELETE FROM {TABLE} WHERE event_id = ?", gone)  # noqa: S608
        self._connection.executemany(self._insert, [_row(event) for event in difference.come])


def converted(documents: Sequence[Mapping[str, Any]]) -> str:
    """The query for a rule's documents, of which the last is the rule. Raises pySigma's errors."""
    backend = sigma_sqlite.sqliteBackend(
        table=TABLE, timestamp_field=TIME, timestamp_format="unix_us", event_id_field="event_id"
    )
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    *_, query = backend.convert(collection)
    return str(query)


def _with_trace(document: Any) -> Any:
    """With the trace of the golden file, before it is turned into a pattern."""
    match document:
        case dict():
            return {key: _with_trace(value) for key, value in cast("dict[str, Any]", document).items()}
        case list():
            return [_with_trace(value) for value in cast("list[object]", document)]
        case str():
            return for_trace(document)
        case _:
            return document


def _row(event: Event) -> tuple[Any, ...]:
    return (microseconds(event), *(_plain(event.get(key)) for key in keys()))


def _plain(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else told_apart(value)


def _completing(window: Mapping[str, Any], times_s: Mapping[str, float]) -> Sequence[str]:
    """The events with which the window ends."""
    evidence = [str(one).rpartition(":")[2] for one in orjson.loads(window["event_ids"])]
    return [one for one in evidence if times_s[one] == window["window_end"]]
