"""One log line for each HTTP request that was answered."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.traces import NOTE_KEY, REQUEST, TRACE, TraceNote, parsed_trace

log = logging.getLogger("gatetrail.http")

REQUEST_HEADER = "x-request-id"
QUIET_PATHS = frozenset(("/healthz", "/readyz", "/metrics"))
"""Asked for every few seconds by machines: told at `debug` only."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def log_requests(app: FastAPI, new_id: Callable[[], str]) -> None:
    """Log each request of an application, with those that it fails to answer: further out than all else that it has.

    To be called once, when everything has been put into the application.
    """
    app.middleware_stack = RequestLog(app.build_middleware_stack(), new_id)


class RequestLog:
    """Pure ASGI, outermost: method, path without its query, status, duration, trace and request id.

    A request id that comes in `X-Request-ID` is kept, else one is made; it goes back in the same header. Every log
    line that is written on the way carries both ids.
    """

    def __init__(self, app: ASGIApp, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = self._request_id(headers)
        traced = parsed_trace(headers.get("traceparent"))
        note = scope[NOTE_KEY] = TraceNote(traced[0] if traced else self._new_id().replace("-", ""))
        answer = _Answer(send, request_id)
        tokens = REQUEST.set(request_id), TRACE.set(note.trace_id)
        began_s = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            REQUEST.reset(tokens[0])
            TRACE.reset(tokens[1])
            ids = {"trace_id": note.trace_id, "request_id": request_id}
            _tell(scope, answer.status, time.perf_counter() - began_s, ids)

    def _request_id(self, headers: Headers) -> str:
        given = headers.get(REQUEST_HEADER, "")
        return given if _REQUEST_ID.fullmatch(given) else self._new_id()


class _Answer:
    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._header = (REQUEST_HEADER.encode(), request_id.encode())
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), self._header]}
        await self._send(message)


def _tell(scope: Scope, status: int | None, duration_s: float, ids: dict[str, str]) -> None:
    method, path, duration_ms = scope["method"], scope["path"], round(duration_s * 1000, 3)
    level = logging.DEBUG if path in QUIET_PATHS else logging.INFO
    told = {"method": method, "path": path, "status": status, "duration_ms": duration_ms, **ids}
    log.log(level, "%s %s %s %s ms", method, path, status or "unanswered", duration_ms, extra=told)
