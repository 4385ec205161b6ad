"""The gate that one writes in an afternoon: PyJWT in front, an awaited INSERT before the tool, an UPDATE after it.

Two durable commits a call, as ours. It knows no scanner, blocklist or rate, records no denials, hides no
tools, and leaves rows pending when the process dies.
"""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from typing import Any

import jwt
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from psycopg_pool import AsyncConnectionPool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TABLE = """
CREATE TABLE IF NOT EXISTS tool_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, started_at timestamptz NOT NULL DEFAULT now(),
    user_id text NOT NULL, server_name text NOT NULL, tool_name text NOT NULL, arguments jsonb NOT NULL,
    status text NOT NULL, latency_ms double precision, error text);
CREATE INDEX IF NOT EXISTS tool_audit_user ON tool_audit (user_id, started_at)
"""
INSERT = """
INSERT INTO tool_audit (user_id, server_name, tool_name, arguments, status)
VALUES (%s, %s, %s, %s, 'pending') RETURNING id
"""
UPDATE = "UPDATE tool_audit SET status = %s, latency_ms = %s, error = %s WHERE id = %s"
POOL_SIZE = 10

USER: ContextVar[str] = ContextVar("user")


class JwtLayer:
    """ASGI: a valid token or 401."""

    def __init__(self, app: ASGIApp, *, secret: bytes) -> None:
        self._app = app
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        try:
            token = header.decode("latin-1").removeprefix("Bearer ")
            claims = jwt.decode(token, self._secret, ["HS256"], audience="gatetrail", issuer="gatetrail")
        except jwt.PyJWTError as problem:
            await JSONResponse({"error": str(problem)}, status_code=401)(scope, receive, send)
            return
        user = USER.set(claims["sub"])
        try:
            await self._app(scope, receive, send)
        finally:
            USER.reset(user)


class AuditTable:
    """Middleware of the SDK: a row for each tool call."""

    def __init__(self, pool: AsyncConnectionPool[Any], server_name: str) -> None:
        self._pool = pool
        self._server_name = server_name

    async def __call__(self, context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if context.method != "tools/call":
            return await call_next(context)
        params = context.params or {}
        row = (USER.get(), self._server_name, params["name"], json.dumps(params.get("arguments")))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(INSERT, row)
            (number,) = await cursor.fetchone() or (0,)
        began_s = time.monotonic()
        status, error = "success", None
        try:
            return await call_next(context)
        except BaseException as problem:
            status, error = "failed", repr(problem)
            raise
        finally:
            latency_ms = (time.monotonic() - began_s) * 1000
            async with self._pool.connection() as connection:
                await connection.execute(UPDATE, (status, latency_ms, error, number))


def hand_written_app(server: MCPServer[Any], pool: AsyncConnectionPool[Any], secret: bytes) -> ASGIApp:
    """The server's application with this gate; `TABLE` must be there already."""
    low: Any = vars(server)["_lowlevel_server"]
    low.middleware.append(AuditTable(pool, "bench"))
    return JwtLayer(server.streamable_http_app(json_response=True), secret=secret)
