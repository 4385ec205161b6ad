"""The keys of one event, read from its line without validating the event anew."""

from __future__ import annotations

from typing import cast

import orjson

from gatetrail.formats.kinds import Kind, kind_of

MAJOR_VERSION = "1."
"""What every `schema_version` that we can read begins with: later ones only add keys."""


class Keys:
    """What an event says, each key to be taken by the one who has a place for it; `rest` is what has none.

    So nothing is lost on the way into another schema, whatever keys a later version adds. The types are those
    that `gatetrail.events.model` promises: a known key of another type raises ValueError, as does the lack of a
    key that is needed.
    """

    __slots__ = ("_left", "event_name", "kind")

    def __init__(self, left: dict[str, object], event_name: str, kind: Kind) -> None:
        self._left = left
        self.event_name = event_name
        self.kind = kind

    def take(self, key: str) -> object:
        """Whatever it is; None when it is absent."""
        return self._left.pop(key, None)

    def text(self, key: str) -> str | None:
        """A text, if it is there."""
        value = self._left.pop(key, None)
        if value is None or isinstance(value, str):
            return value
        raise ValueError(f"its key {key} is no text")

    def needed(self, key: str) -> str:
        """A text that every event of this kind has."""
        value = self._left.pop(key, None)
        if isinstance(value, str):
            return value
        raise ValueError(f"its key {key} is missing or no text")

    def number(self, key: str) -> int | float | None:
        """A number, if it is there."""
        value = self._left.pop(key, None)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise ValueError(f"its key {key} is no number")

    def texts(self, key: str) -> list[str]:
        """A list of texts; empty when it is absent."""
        value = self._left.pop(key, None)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(one, str) for one in cast("list[object]", value)):
            return cast("list[str]", value)
        raise ValueError(f"its key {key} is no list of texts")

    def look(self, key: str) -> str | None:
        """A text, which stays to be taken."""
        value = self._left.get(key)
        return value if isinstance(value, str) else None

    def look_number(self, key: str) -> int | float | None:
        """A number, which stays to be taken."""
        value = self._left.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def rest(self) -> dict[str, object]:
        """What nobody took, in the line's order."""
        return self._left


def read(line: bytes) -> Keys:
    """The keys of a native line. Raises ValueError for what is no event of ours."""
    parsed: object = orjson.loads(line)
    if not isinstance(parsed, dict):
        raise ValueError("it is JSON, but no object")  # noqa: TRY004 a sink knows ValueError
    keys = cast("dict[str, object]", parsed)
    if None in keys.values():
        keys = {key: value for key, value in keys.items() if value is not None}
    version, name = keys.get("schema_version"), keys.get("event_name")
    if not isinstance(version, str) or not version.startswith(MAJOR_VERSION):
        raise ValueError(f"its schema_version is missing or does not begin with {MAJOR_VERSION}")
    if not isinstance(name, str):
        raise ValueError("its event_name is missing or no text")  # noqa: TRY004 a sink knows ValueError
    return Keys(keys, name, kind_of(name))
