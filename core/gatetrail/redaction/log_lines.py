"""Log lines without secrets, whoever wrote them: drivers and SDKs tell what went wrong in their own words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, cast

from pythonjsonlogger.json import JsonFormatter

from gatetrail.policy.redaction import RedactionPolicy
from gatetrail.redaction.finder import Finder
from gatetrail.redaction.marks import Marks

NAMES = {"levelname": "level", "name": "logger"}
LEFT_OUT = ("color_message",)
"""What a library says a second time, for terminals."""


def plain_redaction() -> Callable[[str], str]:
    """Masks in a text what looks like a secret by the built-in shapes."""
    # Nothing is hashed by default: the key is never used.
    finder = Finder(RedactionPolicy(), Marks(b""))

    def redacted(text: str) -> str:
        return finder.redacted(text, len(text))

    return redacted


class RedactedLines(logging.Formatter):
    """Formats as its base does, tracebacks included, and masks what looks like a secret."""

    def __init__(self, layout: str) -> None:
        super().__init__(layout)
        self._redacted = plain_redaction()

    def format(self, record: logging.LogRecord) -> str:
        return self._redacted(super().format(record))


class RedactedObjects(JsonFormatter):
    """One JSON object a line, with whatever was told beside the message; every text in it is masked by itself."""

    _redacted = cached_property(lambda _self: plain_redaction())

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value if key == "timestamp" else self._masked(value)
            for key, value in log_data.items()
            if value is not None and key not in LEFT_OUT
        }

    def _masked(self, value: object) -> object:
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, Mapping):
            inside = cast("Mapping[object, object]", value)
            return {self._redacted(str(key)): self._masked(inner) for key, inner in inside.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(inner) for inner in cast("Iterable[object]", value)]
        return self._redacted(str(value))


def redacted_objects() -> logging.Formatter:
    """Formats records that have a `timestamp` as `RedactedObjects`."""
    make = cast("Callable[..., RedactedObjects]", RedactedObjects)  # the base has types for some parameters only
    return make(["timestamp", "levelname", "name", "message"], rename_fields=NAMES)
