"""The keys that events may have, with their types and closed lists, read from `schemas/v1/event.schema.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import orjson

from siem.places import SCHEMA


class Kind(StrEnum):
    """What a value is, as a product types its column."""

    TEXT = "text"
    TEXTS = "texts"
    """An array of texts."""
    ADDRESS = "address"
    MOMENT = "moment"
    WHOLE = "whole"
    NUMBER = "number"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Key:
    """One key, over all kinds of events that have it."""

    name: str
    kind: Kind
    words: frozenset[str]
    """What it may say, in all the events that have a closed list for it; empty where none has."""
    events: frozenset[str]
    """The names of the events that may have it."""


@cache
def keys() -> Mapping[str, Key]:
    """All keys by name, sorted. Raises AssertionError for a schema that gives one key two types."""
    schema = orjson.loads(SCHEMA.read_bytes())
    definitions: Mapping[str, Any] = schema["$defs"]
    events: Mapping[str, str] = schema["discriminator"]["mapping"]
    found: dict[str, Key] = {}
    for event, reference in events.items():
        for name, described in definitions[reference.rpartition("/")[2]]["properties"].items():
            key = _key(name, event, {**_referred(described, definitions), **described})
            found[name] = _merged(found[name], key) if name in found else key
    return dict(sorted(found.items()))


def _referred(described: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = described.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else {}


def _key(name: str, event: str, described: Mapping[str, Any]) -> Key:
    return Key(name, _kind(name, described), frozenset(_words(described)), frozenset({event}))


def _words(described: Mapping[str, Any]) -> Iterator[str]:
    if described.get("type") == "string":
        yield from described.get("enum", ())
        if "const" in described:
            yield described["const"]


def _kind(name: str, described: Mapping[str, Any]) -> Kind:
    if name == "src_ip":
        return Kind.ADDRESS
    if described.get("format") == "date-time":
        return Kind.MOMENT
    if "anyOf" in described:
        return Kind.NUMBER
    kinds = {"string": Kind.TEXT, "integer": Kind.WHOLE, "number": Kind.NUMBER, "boolean": Kind.TRUTH}
    if described["type"] == "array":
        assert described["items"]["type"] == "string", name
        return Kind.TEXTS
    return kinds[described["type"]]


def _merged(one: Key, other: Key) -> Key:
    assert one.kind is other.kind, f"{one.name} is {one.kind} in one event and {other.kind} in another"
    return Key(one.name, one.kind, one.words | other.words, one.events | other.events)
