"""Holds every event that the tests record against the shipped schemas, by a validator that is not ours."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol, cast

import jsonschema
import orjson
import psycopg

from gatetrail.events.wire import MAX_LINE_BYTES, hash_of_line
from gatetrail.resources import schemas

CHECKED_IN_FULL = 200
CHECKED_OF_EACH_SHAPE = 5
"""Of one journal the first 200 lines are validated. Of the lines behind them only the first five with the same
name, the same keys and values of the same types are: the validator takes half a millisecond for a line."""


class Validator(Protocol):
    """What jsonschema's validators do, in types that say it."""

    def is_valid(self, instance: object) -> bool: ...

    def iter_errors(self, instance: object) -> Iterator[jsonschema.ValidationError]: ...


def validator_of(schema: Mapping[str, Any]) -> Validator:
    """A validator of another make. Raises jsonschema's SchemaError for what is no JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(schema)
    return cast("Validator", jsonschema.Draft202012Validator(schema))


def complaints(lines: Iterable[bytes]) -> Iterator[str]:
    """What is wrong with the lines of one journal, with the name and the id of the event; nothing when all is well."""
    seen: Counter[tuple[str, frozenset[tuple[str, str]]]] = Counter()
    for index, line in enumerate(lines):
        event: dict[str, Any] = orjson.loads(line)
        name = str(event.get("event_name"))
        shape = (name, frozenset((key, type(value).__name__) for key, value in event.items()))
        seen[shape] += 1
        if index < CHECKED_IN_FULL or seen[shape] <= CHECKED_OF_EACH_SHAPE:
            yield from (f"{name} {event.get('event_id')}: {problem}" for problem in _problems(name, event))
        if len(line) >= MAX_LINE_BYTES:
            yield f"{name} {event.get('event_id')}: its line has {len(line)} bytes, at most {MAX_LINE_BYTES - 1} fit"


def recorded_lines(dsn: str) -> Iterator[bytes]:
    """The lines of a database in the bytes that were recorded; none when it holds no journal.

    A row that a test has tampered with is left out: its hash is no longer that of its line.
    """
    with psycopg.connect(dsn) as connection:
        if connection.execute("SELECT to_regclass('audit_events')").fetchone() == (None,):
            return
        with connection.cursor("lines") as rows:
            rows.execute("SELECT body::text, event_hash FROM audit_events ORDER BY seq")
            for body, event_hash in rows:
                line = body.encode()
                if hash_of_line(line) == event_hash:
                    yield line


def _problems(name: str, event: dict[str, Any]) -> Iterator[str]:
    validator = _validators().get(name)
    if validator is None:
        yield "there is no schema for such an event"
        return
    for error in validator.iter_errors(event):
        yield f"{error.json_path}: {error.message}"


@cache
def _validators() -> dict[str, Validator]:
    folder = schemas() / "v1" / "events"
    found: list[dict[str, Any]] = [json.loads(file.read_text("utf-8")) for file in folder.iterdir()]
    # What is shipped lets later versions add keys. What is recorded now must have no others than those named.
    return {schema["title"]: validator_of({**schema, "additionalProperties": False}) for schema in found}
