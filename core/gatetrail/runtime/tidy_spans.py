"""Spans as they may leave the machine: the SDK puts what handlers raise upon them, and that may hold anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

UNTOLD = frozenset(("exception.message", "exception.stacktrace"))
"""Both may repeat a call's arguments; the class of an exception is told."""


class TidySpans(SpanExporter):
    """Hands spans on without exceptions' words, and without what looks like a secret."""

    def __init__(self, exporter: SpanExporter, redacted: Callable[[str], str]) -> None:
        self._exporter = exporter
        self._redacted = redacted

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._tidy(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def _tidy(self, span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=self._redacted(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._values(span.attributes),
            events=[Event(event.name, self._values(event.attributes), event.timestamp) for event in span.events],
            links=span.links,
            kind=span.kind,
            status=self._status(span),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _status(self, span: ReadableSpan) -> Status:
        status = span.status
        if status.description is None:
            return status
        # An error of MCP has a number, and words that its sender means to be read; an exception has a class.
        is_answer = str((span.attributes or {}).get("error.type", "")).lstrip("-").isdecimal()
        return Status(status.status_code, self._redacted(status.description) if is_answer else None)

    def _values(self, attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
        return {name: self._value(value) for name, value in (attributes or {}).items() if name not in UNTOLD}

    def _value(self, value: AttributeValue) -> AttributeValue:
        return self._redacted(value) if isinstance(value, str) else value
