"""The last look at what is recorded beside calls: reasons of sinks and hooks, names of files, whatever is to come."""

from __future__ import annotations

from typing import cast

from gatetrail.events.fields import Record
from gatetrail.events.model import ToolCallCompleted, ToolCallDecided
from gatetrail.redaction import Redaction, Redactor

OWN_KEYS = frozenset(
    {
        *("timestamp", "schema_version", "event_id", "event_name", "vendor_product", "product_version", "instance_id"),
        *(
            "trace_id",
            "span_id",
            "execution_id",
            "arguments_digest",
            "arguments_preview",
            "policy_version",
            "signature",
        ),
    }
)
"""Made by ourselves, or redacted where they were made: random and hashed values must not be mistaken for secrets."""


class Redacted:
    """Gives events without what looks like a secret. Those of calls have been redacted when they were made."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, event: Record) -> Record:
        """The same event when there is nothing to be found in it."""
        if isinstance(event, ToolCallDecided | ToolCallCompleted):
            return event
        texts = {
            key: value for key, value in event.__dict__.items() if type(value) is str and key not in OWN_KEYS and value
        }
        lists = {key: cast("tuple[str, ...]", value) for key, value in event.__dict__.items() if type(value) is tuple}
        found = {**self._redactor.free_texts(texts), **{key: self._list(value) for key, value in lists.items()}}
        return type(event).trusted({**event.__dict__, **found}) if found else event

    @property
    def _redactor(self) -> Redactor:
        return self._redaction.current

    def _list(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._redactor.free_texts({"message": text}).get("message", text) for text in texts)
