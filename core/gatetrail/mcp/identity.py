"""The identity layer: what stands in front of an MCP server's HTTP application."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.errors import Unavailable
from gatetrail.gates.decision import Deny
from gatetrail.identity.caller import Anonymous, Authenticated, Refused
from gatetrail.mcp import headers, refusals, spans
from gatetrail.mcp.bearer import CALLER_KEY
from gatetrail.mcp.calls import SESSION_KEY
from gatetrail.mcp.door import Door
from gatetrail.mcp.headers import SEEN_KEY, Seen
from gatetrail.mcp.lasting import Lasting, is_listening
from gatetrail.mcp.opening import OPENING_KEY, Opening
from gatetrail.mcp.permit import CALLER
from gatetrail.mcp.refusals import Refusal

_SESSION_HEADER = b"mcp-session-id"


class IdentityLayer:
    """Pure ASGI: scanner, token or proxy, session; then the application, with the caller in its scope.

    With `problems` those who are turned away get RFC 9457 instead of what MCP clients read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        server_name: str | None = None,
        sse: bool = False,
        problems: bool = False,
    ) -> None:
        self._app = app
        self._door = door
        self._server_name = server_name
        self._sse = sse
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A layer further out has done the work already when the caller is there.
        if scope["type"] != "http" or CALLER_KEY in scope:
            await self._app(scope, receive, send)
            return
        door = self._door
        seen = scope[SEEN_KEY] = headers.read(scope["headers"])
        # What may be a tool call goes on under a scanner's name: its denial is a decision with a row.
        agent = None if _may_be_call(scope, seen) else seen.user_agent
        found = door.scanner.inspect(scope["path"], agent, scope.get("raw_path", b"").decode("latin-1"))
        if isinstance(found, Deny):
            await self._answer(await door.turn_away(scope, seen, found), send)
            return
        if seen.vouching:
            scope["headers"] = headers.without_vouching(scope["headers"])
            if not door.bearer.is_by_proxy(scope):
                await door.report_forged(scope, seen)
        caller = await door.bearer.caller_of(scope)
        if isinstance(caller, Refused):
            await self._answer(await door.refuse(scope, seen, caller, self._server_name), send)
            return
        session_id = self._session_of(scope, seen)
        refusal = await self._refusal(scope, receive, seen, caller, session_id)
        if refusal is not None:
            await self._answer(refusal, send)
            return
        if session_id is None and _may_open_session(scope, seen):
            send = self._binding(send, scope, seen, caller)
        await self._pass_on(scope, receive, send, caller)

    async def _refusal(
        self, scope: Scope, receive: Receive, seen: Seen, caller: Authenticated | Anonymous, session_id: str | None
    ) -> Refusal | None:
        """Before anything of the SDK: who is locked out; and what is not this caller's session, wherever it is kept."""
        # A call of who is locked out goes on: its denial is a decision.
        kept_out = None if _may_be_call(scope, seen) else await self._door.keep_out(scope, seen, caller)
        if kept_out is not None or session_id is None:
            return kept_out
        if ", " in session_id:
            return refusals.several_sessions()
        try:
            refused = await self._door.refusal_in(session_id, caller, of_transport=not self._sse)
        except Unavailable:
            return refusals.session_not_reached()
        if refused is None:
            return None
        return await self._door.refuse_session(scope, receive, seen, refused, session_id, self._server_name)

    async def _answer(self, refusal: Refusal, send: Send) -> None:
        await (refusal.as_problem() if self._problems else refusal).send(send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, caller: Authenticated | Anonymous) -> None:
        scope[CALLER_KEY] = caller
        asker = CALLER.set(caller)
        user: AuthenticatedUser | None = None
        if isinstance(caller, Authenticated):
            user = scope["user"] = self._door.bearer.user_of(caller, scope[SEEN_KEY].authorization)
        authenticated = auth_context_var.set(user)
        traced = None if scope[SEEN_KEY].traceparent is None else spans.attach(scope)
        try:
            if self._problems or not is_listening(scope):
                await self._app(scope, receive, send)
            else:
                await Lasting(receive, send, self._door.bearer.holds_in(scope)).run(self._app, scope)
        finally:
            spans.detach(traced)
            auth_context_var.reset(authenticated)
            CALLER.reset(asker)

    def _session_of(self, scope: Scope, seen: Seen) -> str | None:
        if not self._sse:
            return seen.session_id
        if scope["method"] != "POST":
            return None
        named = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_id")
        session_id = named[0] if named else None
        if session_id is not None:
            scope[SESSION_KEY] = session_id
        return session_id

    def _binding(self, send: Send, scope: Scope, seen: Seen, caller: Authenticated | Anonymous) -> Send:
        """Make a new session durable before the client hears of it."""
        replaced = False
        opening = scope[OPENING_KEY] = Opening()

        async def bound_first(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and (session_id := _session_in(message)) is not None:
                refusal = await self._bind(scope, seen, caller, session_id, opening)
                if refusal is not None:
                    replaced = True
                    await refusal.send(send)
            if not replaced:
                await send(message)

        return bound_first

    async def _bind(
        self, scope: Scope, seen: Seen, caller: Authenticated | Anonymous, session_id: str, opening: Opening
    ) -> Refusal | None:
        sessions = self._door.sessions
        try:
            bound = await sessions.bind(caller, session_id)
            if opening.handshake is not None and not isinstance(bound, Refused):
                await sessions.shake_hands(session_id, opening.handshake)
        except Unavailable:
            sessions.let_go(session_id)  # no client will ever ask for it
            return refusals.session_not_recorded()
        if isinstance(bound, Refused):
            await self._door.report_refused(scope, seen, bound)
            return refusals.session_of_another_user(bound)
        return None


def _may_be_call(scope: Scope, seen: Seen) -> bool:
    return scope["method"] == "POST" and (seen.content_type or "").lower().startswith("application/json")


def _may_open_session(scope: Scope, seen: Seen) -> bool:
    if scope["method"] != "POST":
        return False
    return seen.protocol_version is None or seen.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS


def _session_in(message: dict[str, Any] | Message) -> str | None:
    for name, value in message.get("headers", ()):
        if name.lower() == _SESSION_HEADER:
            return str(value.decode("latin-1"))
    return None
