"""Spans as they may leave the machine: libraries put upon them what handlers raise, and that may hold anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import AnyValue, Attributes

from gatetrail.service.request_log import QUIET_PATHS

UNTOLD = frozenset(("exception.message", "exception.stacktrace", "url.query"))
"""They may repeat a call's arguments, or whom somebody asked for; the class of an exception is told."""


class WithoutProbes(Sampler):
    """Decides on traces that begin here: none for probes and scrapes, which FastAPI has spans for as well."""

    def __init__(self, others: Sampler) -> None:
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if (attributes or {}).get("url.path") in QUIET_PATHS:
            return SamplingResult(Decision.DROP)
        return self._others.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"WithoutProbes({self._others.get_description()})"


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
            links=[Link(link.context, self._values(link.attributes)) for link in span.links],
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

    def _values(self, attributes: Mapping[str, AnyValue] | None) -> dict[str, AnyValue]:
        return {name: self._value(value) for name, value in (attributes or {}).items() if name not in UNTOLD}

    def _value(self, value: AnyValue) -> AnyValue:
        match value:
            case str():
                return self._redacted(value)
            case Mapping():
                return self._values(value)
            case Sequence() if not isinstance(value, bytes):
                return tuple(self._value(one) for one in value)
            case _:
                return value
