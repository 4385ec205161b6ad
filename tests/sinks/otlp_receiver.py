"""A receiver of OTLP logs on this machine, and the way back from a log record to the event."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from gatetrail.clock import rfc3339
from gatetrail.events.wire import canonical

OURS = "mcp_governance."
DERIVED = {"error.type", "gen_ai.agent.id", "gen_ai.operation.name"}
ORIGINS = {
    "client.address": "src_ip",
    "gen_ai.conversation.id": "context_id",
    "gen_ai.prompt.name": "tool_name",
    "gen_ai.tool.name": "tool_name",
    "http.request.method": "method",
    "http.request.method_original": "method",
    "jsonrpc.request.id": "call_id",
    "log.record.uid": "event_id",
    "mcp.method.name": "method",
    "mcp.resource.uri": "tool_name",
    "session.id": "session_id",
    "url.path": "endpoint",
    "user.id": "user_id",
    "user.roles": "roles",
    "user_agent.original": "http_user_agent",
}
LEVELS = {9: "info", 10: "notice", 13: "warning", 17: "error", 21: "critical"}


@dataclass(frozen=True, slots=True)
class Arrived:
    """One log record with all that stands around it."""

    resource: dict[str, Any]
    resource_schema_url: str
    scope_name: str
    schema_url: str
    record: LogRecord

    @property
    def attributes(self) -> dict[str, Any]:
        return values_of(self.record.attributes)

    @property
    def event_id(self) -> str:
        return str(self.attributes["log.record.uid"])

    def native_line(self) -> bytes:
        """The event's line, made anew from what the record says: so nothing of it may be missing."""
        record, attributes = self.record, self.attributes
        keys: dict[str, Any] = {
            "@timestamp": rfc3339(record.time_unix_nano // 1000),
            "event_name": record.event_name.removeprefix(OURS),
            "level": LEVELS[record.severity_number],
            "message": record.body.string_value,
            "product_version": self.resource["service.version"],
            "instance_id": self.resource["service.instance.id"],
        }
        if record.trace_id:
            keys["trace_id"] = record.trace_id.hex()
        if record.span_id:
            keys["span_id"] = record.span_id.hex()
        for name, value in attributes.items():
            if name in DERIVED or name.startswith("security_rule.") or (name, value) == OTHER_METHOD:
                continue
            keys[ORIGINS[name] if name in ORIGINS else name.removeprefix(OURS)] = value
        return canonical(keys)


OTHER_METHOD = ("http.request.method", "_OTHER")


def values_of(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    values = {attribute.key: _value(attribute.value) for attribute in attributes}
    assert len(values) == len(attributes)
    return values


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind is not None
    return [_value(part) for part in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def arrivals(request: ExportLogsServiceRequest) -> list[Arrived]:
    return [
        Arrived(values_of(outer.resource.attributes), outer.schema_url, inner.scope.name, inner.schema_url, record)
        for outer in request.resource_logs
        for inner in outer.scope_logs
        for record in inner.log_records
    ]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/x-protobuf"
    headers: tuple[tuple[str, str], ...] = ()
    byte_pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    headers: dict[str, str]
    body_bytes: int
    record_count: int


class OtlpReceiver:
    """Takes everything, unless `answer` is set to something else. Runs in threads of its own."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.port = 0
        self.taken: list[Arrived] = []
        self.seen: list[Seen] = []
        self.answer: Callable[[list[Arrived]], Reply] = self.take
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/v1/logs"

    def take(self, arrived: list[Arrived]) -> Reply:
        self.taken.extend(arrived)
        return Reply()

    def refusing(self, poisoned: Callable[[Arrived], bool], status: int = 400) -> Callable[[list[Arrived]], Reply]:
        """Refuse a request as a whole, as soon as one record is not liked."""

        def answer(arrived: list[Arrived]) -> Reply:
            bad = any(poisoned(one) for one in arrived)
            return Reply(status, b"one of them is bad", "text/plain") if bad else self.take(arrived)

        return answer

    def rejecting(self, poisoned: Callable[[Arrived], bool]) -> Callable[[list[Arrived]], Reply]:
        """Take what is good and say how much was not."""

        def answer(arrived: list[Arrived]) -> Reply:
            good = [one for one in arrived if not poisoned(one)]
            self.take(good)
            bad_count = len(arrived) - len(good)
            told = ExportLogsPartialSuccess(
                rejected_log_records=bad_count, error_message="too old" if bad_count else ""
            )
            return Reply(200, ExportLogsServiceResponse(partial_success=told).SerializeToString())

        return answer

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    async def stop(self) -> None:
        """Cut every connection and listen no more."""
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.stop)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], receiver: OtlpReceiver) -> None:
        self.receiver = receiver
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the other side was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def finish_request(self, request: Any, client_address: Any) -> None:
        context = self.receiver.context
        if context is not None:
            request = context.wrap_socket(request, server_side=True)
        with self._lock:
            self._connections.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._connections.discard(request)
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = cast("_Server", self.server).receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        message = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
        arrived = arrivals(ExportLogsServiceRequest.FromString(message))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.seen.append(Seen(headers, len(body), len(arrived)))
        reply = receiver.answer(arrived)
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        self.send_header("content-length", str(len(reply.body)))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        if not reply.byte_pause_s:
            self.wfile.write(reply.body)
            return
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            time.sleep(reply.byte_pause_s)  # ends when the other side, or the test, cuts the connection

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name
        pass
