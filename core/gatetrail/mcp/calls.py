"""From an MCP request to a `Call`: ids, origin, what is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.context import ServerRequestContext

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.clock import IdMaker
from gatetrail.mcp.headers import Seen, seen_in

CONTEXT_ID_KEY = "gatetrail.dev/contextId"
"""The `_meta` key by which a client names the conversation that a call belongs to."""

RELATED_TASK_KEY = "io.modelcontextprotocol/related-task"
SESSION_KEY = "gatetrail.session"
"""Where the identity layer leaves the session of the older SSE transport, which has it in its query."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")

Context = ServerRequestContext[Any, Any]

NOWHERE = Origin()
"""Where a message comes from that came over no HTTP."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks for, before anybody knows who asks."""

    kind: Kind
    name: str
    arguments: Mapping[str, Any]
    known: bool = True


def call_of(context: Context, server_name: str, asked: Asked, ids: IdMaker) -> Call:
    """The call as the handler will get it. A new trace begins when the request names none."""
    scope = scope_of(context)
    seen = seen_in(scope) if scope else None
    return Call(
        server_name=server_name,
        tool_name=asked.name,
        ids=ids_of(context, seen, scope, ids),
        kind=asked.kind,
        method=context.method,
        arguments=asked.arguments,
        call_id=None if context.request_id is None else str(context.request_id),
        known=asked.known,
        origin=NOWHERE if seen is None else origin_of(seen, scope),
    )


def scope_of(context: Context) -> Mapping[str, Any]:
    """The ASGI scope of this very message; empty when it came over no HTTP."""
    scope: Any = getattr(context.request, "scope", None)
    return cast("dict[str, Any]", scope) if isinstance(scope, dict) else {}


def ids_of(context: Context, seen: Seen | None, scope: Mapping[str, Any], ids: IdMaker) -> Ids:
    """Trace and span from `_meta`, else from HTTP; session from the transport; the others from `_meta`."""
    meta: Mapping[str, Any] = context.meta or {}
    traced = parsed_trace(meta.get("traceparent")) or (parsed_trace(seen.traceparent) if seen else None)
    trace_id, span_id = traced or (new_trace(ids), None)
    return Ids(
        trace_id=trace_id,
        span_id=span_id,
        session_id=transport_session(context) or scope.get(SESSION_KEY),
        context_id=_text(meta.get(CONTEXT_ID_KEY)),
        client_id=_client_name(context),
        task_id=_task_id(meta, context.params),
    )


def parsed_trace(traceparent: object) -> tuple[str, str] | None:
    """Trace and span of a `traceparent` (W3C Trace Context); None for anything that is not a valid one."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if match is None or match[0].startswith("ff") or not match[1].strip("0") or not match[2].strip("0"):
        return None
    return match[1], match[2]


def new_trace(ids: IdMaker) -> str:
    """32 hex digits that no other call of this process has."""
    return ids.new_id().replace("-", "")


def transport_session(context: Context) -> str | None:
    """The session that the SDK itself keeps; never what a stateless client merely writes in a header."""
    # `ServerSession` has no public way to its connection in 2.3; `servers.py` pins that version.
    return cast("str | None", getattr(getattr(context.session, "_connection", None), "session_id", None))


def origin_of(seen: Seen, scope: Mapping[str, Any]) -> Origin:
    """Peer address, user agent and path of the request."""
    client = scope.get("client")
    return Origin(client[0] if client else None, seen.user_agent, scope.get("path"))


def _client_name(context: Context) -> str | None:
    """What the client calls itself. Never an identity."""
    params = context.session.client_params
    return params.client_info.name if params is not None else None


def _task_id(meta: Mapping[str, Any], params: Mapping[str, Any] | None) -> str | None:
    related: object = meta.get(RELATED_TASK_KEY)
    if isinstance(related, Mapping):
        return _text(cast("Mapping[str, object]", related).get("taskId"))
    return _text(params.get("taskId")) if params else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
