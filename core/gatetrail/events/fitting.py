"""Shortens what an event says until its line has room. Only events beside calls can be so long, and few of them are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import orjson

from gatetrail.call import CUT_MARK, MAX_ID_BYTES, clean, json_bytes
from gatetrail.events.fields import ID_KEYS

SHORTEST_BYTES = 96
"""Nothing is cut to less. What we make ourselves is shorter anyway: ids of executions, digests, signatures."""

Value = str | tuple[str, ...]


def fitted(keys: Mapping[str, Any], over_bytes: int) -> dict[str, Any]:
    """The same keys with at least so many bytes less in JSON, the longest texts and lists cut first.

    What is cut ends with the cut mark, a list with an entry of its own for it. The ids are cut last, and then
    to what they are cut to in every other event, so that they still find each other. Valid events stay valid.
    """
    told = dict(keys)
    for key, size in _by_length(keys):
        shortest = MAX_ID_BYTES if key in ID_KEYS else SHORTEST_BYTES
        if over_bytes <= 0 or size <= shortest:
            continue
        goal = shortest if key in ID_KEYS else max(shortest, size - over_bytes)
        told[key] = _cut(told[key], goal)
        over_bytes -= size - _bytes(told[key])
    return told


def _by_length(keys: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Texts and lists with what they take: the longest first, but ids behind all others."""
    sizes = {key: _bytes(cast("Value", value)) for key, value in keys.items() if type(value) in {str, tuple}}
    return sorted(sizes.items(), key=lambda item: (item[0] in ID_KEYS, -item[1]))


def _bytes(value: Value) -> int:
    return json_bytes(value) if isinstance(value, str) else len(orjson.dumps(value))


def _cut(value: Value, max_bytes: int) -> Value:
    if isinstance(value, str):
        return clean(value, max_bytes)
    room = max_bytes - len(orjson.dumps((CUT_MARK,)))
    return *_first(value, room), CUT_MARK


def _first(texts: tuple[str, ...], room_bytes: int) -> Iterator[str]:
    """The first texts of a list that have room, with quotes and commas; a part of the first where not even that has."""
    around = len('"",')
    if json_bytes(texts[0]) + around > room_bytes:
        yield clean(texts[0], room_bytes - around)
        return
    for text in texts:
        room_bytes -= json_bytes(text) + around
        if room_bytes < 0:
            return
        yield text
