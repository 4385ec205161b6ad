"""What of a span leaves the machine, whoever has put it there."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext
from opentelemetry.util.types import AnyValue

from gatetrail.redaction.log_lines import plain_redaction
from gatetrail.runtime.tidy_spans import TidySpans

pytestmark = pytest.mark.requirement("G5")

DSN = "postgresql://gatetrail:hunter2Zq9xLm@db.example/audit"


def test_secrets_are_masked_in_lists_and_links_as_well() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(TidySpans(kept, plain_redaction())))
    link = Link(SpanContext(1, 2, is_remote=True), {"url.query": "user=ann", "seen": DSN})
    attributes: dict[str, AnyValue] = {
        "deep": {"url.query": "user=ann", "at": DSN},
        "http.request.header.x": [DSN, "plain"],
        "counts": [1, 2],
    }
    provider.get_tracer("any").start_span("one", attributes=attributes, links=[link]).end()
    (span,) = kept.get_finished_spans()
    provider.shutdown()
    assert "hunter2" not in span.to_json()
    assert "ann" not in span.to_json()
    told = dict(span.attributes or {})
    assert told["counts"] == (1, 2)
    assert told["http.request.header.x"] == (
        "postgresql://gatetrail:[redacted:connection_string]@db.example/audit",
        "plain",
    )
