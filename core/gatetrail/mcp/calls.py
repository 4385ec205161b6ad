"""From an MCP request to a `Call`: ids, origin, what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.context import ServerRequestContext

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.clock import IdMaker
from gatetrail.mcp.headers import Seen, seen_in
from gatetrail.mcp.spans import current_trace
from gatetrail.traces import NOTE_KEY, TRACE, TraceNote, parsed_trace

CONTEXT_ID_KEY = "gatetrail.dev/contextId"
"""The `_meta` key by which a client names the conversation that a call belongs to."""

RELATED_TASK_KEY = "io.modelcontextprotocol/related-task"
SESSION_KEY = "gatetrail.session"
"""Where the identity layer leaves the session of the older SSE transport, which has it in its query."""

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
    own = ids_of(context, seen, scope, ids)
    TRACE.set(own.trace_id)  # the SDK answers each message in a task of its own
    return Call(
        server_name=server_name,
        tool_name=asked.name,
        ids=own,
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
    """Trace and span of the open span, else from `_meta`, else from HTTP; the session from the transport.

    The others come from `_meta`. Where somebody traces, the SDK has begun a span under what `_meta` or HTTP name.
    """
    meta: Mapping[str, Any] = context.meta or {}
    header = seen.traceparent if seen else None
    traced = current_trace() or parsed_trace(meta.get("traceparent")) or parsed_trace(header)
    note: object = scope.get(NOTE_KEY)
    if isinstance(note, TraceNote):
        trace_id, span_id = traced or (note.trace_id, None)
        note.trace_id = trace_id
    else:
        trace_id, span_id = traced or (new_trace(ids), None)
    return Ids(
        trace_id=trace_id,
        span_id=span_id,
        session_id=transport_session(context) or scope.get(SESSION_KEY),
        context_id=_text(meta.get(CONTEXT_ID_KEY)),
        client_id=_client_name(context),
        task_id=_task_id(meta, context.params),
    )


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
