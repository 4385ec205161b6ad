"""A program of somebody else's that traces by itself, with the gate in its server; prints spans and events as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.mcp.conftest import make_gate, serve
from tests.mcp.servers import NAME, build

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def main(kind: str, era: str) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with tempfile.TemporaryDirectory() as folder:
        gate = make_gate(Path(folder) / "spool")
        sample = build(kind)
        gate.adapter.install(sample.server, name=NAME)
        async with serve(sample.app()) as site:
            wire = await site.opened(era, gate.token())
            await wire.call("get_invoice", {"number": "1"}, traceparent=TRACEPARENT)
            await wire.call("get_invoice", {"number": "2"})
    spans = [
        {
            "name": span.name,
            "trace_id": trace.format_trace_id(span.context.trace_id),
            "span_id": trace.format_span_id(span.context.span_id),
            "parent_id": trace.format_span_id(span.parent.span_id) if span.parent else None,
        }
        for span in exporter.get_finished_spans()
        if span.context is not None
    ]
    decisions = [{"trace_id": event.trace_id, "span_id": event.span_id} for event in gate.decisions()]
    print(json.dumps({"spans": spans, "decisions": decisions}))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
