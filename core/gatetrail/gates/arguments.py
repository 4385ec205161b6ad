"""What stands in a call's arguments, place by place, as texts that can be compared. Looked at once for each place."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from gatetrail.policy.argument_path import Steps, onward
from gatetrail.policy.tricks import without_tricks

MAX_PLACES = 50_000
"""Keys and values of one call that are looked at, for all entries together; each costs about a microsecond."""

MAX_INTEGER_BITS = 14_000
"""Of a number that is looked at, some 4,200 digits: Python refuses to write much more (`sys.int_info`)."""

_ENDED: tuple[Steps, ...] = ((),)


def plain(text: str) -> str:
    """The text in lower case, without full-width forms, combining marks and unseen characters."""
    return (text if text.isascii() else without_tricks(text)).casefold()


@dataclass(frozen=True)
class Found:
    """The texts at one place. `whole` is False when there is more, which was not looked at."""

    texts: tuple[str, ...]
    whole: bool

    @cached_property
    def plain_texts(self) -> frozenset[str]:
        """Without what makes no difference."""
        return frozenset(map(plain, self.texts))

    @cached_property
    def written(self) -> tuple[bytes, ...]:
        """In UTF-8, as they came; then those that look the same to people and are not."""
        return tuple(text.encode("utf-8", "replace") for text in self._forms)

    @cached_property
    def joined(self) -> bytes:
        """All of `written`, a line for each."""
        return b"\n".join(self.written)

    @cached_property
    def exact(self) -> tuple[bytes, ...]:
        """In UTF-8, as they came."""
        return tuple(text.encode("utf-8", "replace") for text in self.texts)

    @property
    def _forms(self) -> Iterable[str]:
        yield from self.texts
        yield from (without_tricks(text) for text in self.texts if not text.isascii())


class Looking:
    """The arguments of one call, while they are looked at. Never raises on account of what was sent."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._places_left = MAX_PLACES
        self._found: dict[tuple[Steps | None, int], Found] = {}

    def at(self, path: Steps | None, max_bytes: int) -> Found:
        """What stands at a path and below it, or anywhere; at most so many bytes of it."""
        key = (path, max_bytes)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._look(path, max_bytes)
        return found

    def _look(self, path: Steps | None, max_bytes: int) -> Found:
        texts: list[str] = []
        room = max_bytes
        waiting: list[tuple[Any, tuple[Steps, ...]]] = [(self._arguments, _ENDED if path is None else (path,))]
        while waiting and room >= 0:
            value, ways = waiting.pop()
            parts = _parts_of(value)
            self._places_left -= 1 + (len(parts) if parts else 0)
            if self._places_left < 0:
                return Found(tuple(texts), whole=False)
            if ways is not _ENDED:
                waiting += [(item, further) for key, item in parts or () if (further := _further(ways, key))]
            elif parts is None:
                room = _take(value, texts, room)
            else:
                keyed = isinstance(value, Mapping)
                waiting += [(item, _ENDED) for _, item in parts]
                for key, _ in parts:
                    room = _take(key, texts, room) if keyed else room
        return Found(tuple(texts), whole=room >= 0)


def _parts_of(value: object) -> Collection[tuple[str | int, Any]] | None:
    """Keys and items of what has parts; None for what has none."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).items()
    if isinstance(value, list | tuple | set | frozenset):
        return list(enumerate(cast("Iterable[Any]", value)))
    return None


def _further(ways: tuple[Steps, ...], key: str | int) -> tuple[Steps, ...]:
    found = dict.fromkeys(steps for way in ways for steps in onward(way, key))
    return _ENDED if () in found else tuple(found)


def _take(value: object, texts: list[str], room: int) -> int:
    """Adds the texts of a value, the last one cut where there is no more room; what room is left."""
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        return -1
    for text in texts_of(value):
        if room < 0:
            break
        texts.append(text[:room])
        room -= _bytes_of(text)
    return room


def texts_of(value: object) -> tuple[str, ...]:
    """A value that has no parts as text; of a whole number with a point or an exponent last also all its digits."""
    match value:
        case str():
            return (value,)
        case None:
            return ("null",)
        case bool():
            return ("true" if value else "false",)
        case float():
            written = json.dumps(value)
            return (written, str(int(value))) if value.is_integer() else (written,)
        case int():
            return (str(value),)
        case bytes() | bytearray():
            return (bytes(value).decode("utf-8", "replace"),)
        case _:
            return (_told(value),)


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 -- of a class of somebody else's
        return object.__repr__(value)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
