"""The one JSON form of an event: what file, syslog, Fluentd, SSE, CLI and the table's `body` all carry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from gatetrail.events.fields import Record
from gatetrail.events.fitting import fitted
from gatetrail.events.model import EVENT_ADAPTER, Event

MAX_LINE_BYTES = 4_500
"""Every sealed line has less. Longer ones lose fields in Splunk, whose extraction stops at 5,000 characters."""

GENESIS_HASH = "0" * 64
"""`prev_hash` of the first event of a chain."""

_AFTER_HASH = b'"event_id":'
_HASH_KEY = b'"event_hash":"'
_HASH_BYTES = len(_HASH_KEY) + 64 + len(b'",')
_MOST_UNHASHED_BYTES = MAX_LINE_BYTES - 1 - _HASH_BYTES


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event in its place in the chain. `line` has no line break at its end."""

    line: bytes
    seq: int
    event_hash: str


def keys_of(event: Record) -> dict[str, Any]:
    """The event's keys as they stand in JSON; absent ones are left out."""
    keys = {key: value for key, value in event.__dict__.items() if value is not None}
    keys["@timestamp"] = keys.pop("timestamp")
    return keys


def canonical(keys: dict[str, Any]) -> bytes:
    """JSON with sorted keys and no white space: for our value types exactly what RFC 8785 prescribes."""
    return orjson.dumps(keys, option=orjson.OPT_SORT_KEYS)


def seal(event: Record, seq: int, chain_id: str, prev_hash: str) -> Sealed:
    """Put an event into its place: `event_hash` is the SHA-256 of the canonical line without that key.

    Where the line would reach `MAX_LINE_BYTES`, the longest texts of the event are cut.
    """
    keys = keys_of(event)
    keys["seq"] = seq
    keys["chain_id"] = chain_id
    keys["prev_hash"] = prev_hash
    unhashed = canonical(keys)
    if len(unhashed) > _MOST_UNHASHED_BYTES:
        unhashed = canonical(fitted(keys, len(unhashed) - _MOST_UNHASHED_BYTES))
    event_hash = hashlib.sha256(unhashed).hexdigest()
    # A raw `"event_id":` cannot be inside a string (its quotes would be escaped), so the first is the key.
    head, key, tail = unhashed.partition(_AFTER_HASH)
    return Sealed(head + _HASH_KEY + event_hash.encode() + b'",' + key + tail, seq, event_hash)


def hash_of_line(line: bytes) -> str | None:
    """Recompute `event_hash` from the bytes of a sealed line; None when the line has no such key in place."""
    start = line.find(_HASH_KEY)
    if start < 0 or line[start + _HASH_BYTES : start + _HASH_BYTES + len(_AFTER_HASH)] != _AFTER_HASH:
        return None
    return hashlib.sha256(line[:start] + line[start + _HASH_BYTES :]).hexdigest()


def parse(line: bytes | str) -> Event:
    """The typed event of a line. Raises pydantic's ValidationError when it is none."""
    return EVENT_ADAPTER.validate_json(line)
