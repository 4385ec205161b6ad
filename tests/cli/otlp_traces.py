"""A receiver of OTLP traces on this machine."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.sinks.otlp_receiver import values_of


@dataclass(frozen=True)
class Arrived:
    """One span with all that stands around it."""

    span: Span
    resource: dict[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        return values_of(self.span.attributes)

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()

    @property
    def span_id(self) -> str:
        return self.span.span_id.hex()


@dataclass
class TraceReceiver:
    """What has come so far."""

    url: str = ""
    spans: list[Arrived] = field(default_factory=list[Arrived])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def named(self, name: str) -> list[Arrived]:
        return [arrived for arrived in self.spans if arrived.span.name == name]

    def take(self, headers: dict[str, str], body: bytes) -> None:
        self.headers.append(headers)
        request = ExportTraceServiceRequest.FromString(body)
        for outer in request.resource_spans:
            resource = values_of(outer.resource.attributes)
            self.spans += [Arrived(span, resource) for inner in outer.scope_spans for span in inner.spans]


@contextmanager
def receiving() -> Generator[TraceReceiver]:
    """A receiver on a free port, in threads of its own."""
    receiver = TraceReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
