"""What the identity layer does with requests that it does not let through."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

import orjson
from starlette.types import Receive, Scope

from gatetrail.call import Call, Ids, Kind
from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Dispatcher
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Deny
from gatetrail.gates.scanner import Scanner
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.protected_resource import metadata_url
from gatetrail.mcp import refusals, reports
from gatetrail.mcp.bearer import Bearer
from gatetrail.mcp.headers import Seen, seen_in
from gatetrail.mcp.refusals import Refusal
from gatetrail.mcp.reports import Knock
from gatetrail.sessions import Sessions
from gatetrail.words import ReasonCode

MAX_FOREIGN_BODY_BYTES = 1 << 20
"""Of a request on another user's session, this much is read to learn which tool it was for."""

TOLD_OF_PROXIES = frozenset({IdentityRefusal.TOKEN_REVOKED})
"""What is wrong with a proxy's headers is for the record alone, but this is about the user."""


class Door:
    """Turns requests away, with an event for each."""

    def __init__(self, dispatcher: Dispatcher, bearer: Bearer, stamp: Stamp, ids: IdMaker) -> None:
        self.bearer = bearer
        self._dispatcher = dispatcher
        self._stamp = stamp
        self._ids = ids

    @property
    def scanner(self) -> Scanner:
        """Of the policy in force."""
        return self._dispatcher.gates.scanner

    @property
    def sessions(self) -> Sessions:
        return self._dispatcher.sessions

    async def refusal_in(
        self, session_id: str, caller: Authenticated | Anonymous, *, of_transport: bool = True
    ) -> Refused | None:
        """Why a session, of whichever process, is not to be used by this caller; None also where there is no such.

        A transport's session is of one client program as well. Raises `Unavailable`.
        """
        sessions = self._dispatcher.sessions
        session = sessions.known(session_id) or await sessions.find(session_id, caller)
        if session is None:
            return None
        refused = session.refusal_of(caller)
        if refused is None and of_transport and isinstance(caller, Authenticated):
            return None if session.client_id == caller.client_id else _of_another_client(caller)
        return refused

    async def turn_away(self, scope: Scope, seen: Seen, found: Deny) -> Refusal:
        """A probe or a scanner, and from then on whoever sends too many of them."""
        caller = await self.bearer.caller_of(scope) if seen.authorization or self.bearer.is_by_proxy(scope) else None
        kept_out = await self.keep_out(scope, seen, caller)
        if kept_out is not None:
            return kept_out
        self._dispatcher.probed(caller, _address(scope))
        return await self._report_scanner(scope, seen, found)

    async def keep_out(self, scope: Scope, seen: Seen, caller: Caller | None) -> Refusal | None:
        """The answer for who is locked out, with an event for the first and then one a minute; None for the others."""
        kept_out = self._dispatcher.kept_out(caller, _address(scope))
        if kept_out is None:
            return None
        found, count = kept_out
        if count is not None:
            told = replace(found, reason=f"{found.reason}; turned away unread since the last report: {count}")
            await self._report_scanner(scope, seen, told)
        return refusals.locked_out(found.retry_after_ms or 0)

    async def _report_scanner(self, scope: Scope, seen: Seen, found: Deny) -> Refusal:
        knock = reports.knock_of(scope, seen, self._ids)
        await self._dispatcher.report(reports.scanner_detected(self._stamp, knock, found, self._dispatcher.redactor))
        return refusals.not_found() if found.reason_code is ReasonCode.PROBE_PATH else refusals.forbidden()

    async def refuse(self, scope: Scope, seen: Seen, refused: Refused, server_name: str | None = None) -> Refusal:
        """A token that proves nothing, or none where one is required; the answer says how to get a better one.

        At an address that is locked out too: else nobody behind it could sign in while somebody else there probes.
        """
        if await self.keep_out(scope, seen, refused) is None:
            burst = self._dispatcher.arrival(_address(scope))
            if isinstance(burst, Deny):
                await self._report_scanner(scope, seen, burst)
                return refusals.too_many()
            await self.report_refused(scope, seen, refused)
        if refused.reason_code is IdentityRefusal.PROXY_NONCES_AWAY:
            return refusals.proxy_not_checked()
        if self.bearer.is_by_proxy(scope) and refused.reason_code not in TOLD_OF_PROXIES:
            return refusals.proxy_refused()
        return refusals.unauthorized(refused, metadata_url(scope), self._scopes_of(server_name))

    def _scopes_of(self, server_name: str | None) -> Collection[str]:
        """What everybody needs for anything on a server. What single tools need is nobody's to learn here."""
        server = self._dispatcher.gates.policy.document.servers.get(server_name or "")
        return (server.scopes or ()) if server is not None else ()

    async def report_beyond(self, scope: Scope, refused: Refused) -> bool:
        """The event of a refusal behind the identity layer; False when it was one too many and became a scanner's."""
        seen, caller = seen_in(scope), self.bearer.caller_in(scope)
        if isinstance(caller, Authenticated):
            await self.report_refused(scope, seen, refused, caller.user_id)
            return True
        burst = self._dispatcher.arrival(_address(scope))
        if isinstance(burst, Deny):
            await self._report_scanner(scope, seen, burst)
            return False
        await self.report_refused(scope, seen, refused)
        return True

    async def report_refused(self, scope: Scope, seen: Seen, refused: Refused, user_id: str | None = None) -> None:
        """Only the event. `user_id` is a proven one."""
        knock = reports.knock_of(scope, seen, self._ids)
        await self._tell_refused(knock, refused, self._method_of(scope, seen), user_id)

    def _method_of(self, scope: Scope, seen: Seen) -> AuthMethod:
        if self.bearer.is_by_proxy(scope):
            return AuthMethod.PROXY
        return AuthMethod.NONE if seen.authorization is None else AuthMethod.BEARER

    async def report_forged(self, scope: Scope, seen: Seen) -> None:
        """Identity headers that nobody may send; the request goes on without them."""
        names = ", ".join(seen.vouching_names)
        refused = Refused(IdentityRefusal.IDENTITY_HEADERS_FORGED, f"identity headers were stripped: {names}")
        knock = reports.knock_of(scope, seen, self._ids)
        await self._tell_refused(knock, refused, AuthMethod.PROXY)

    async def _tell_refused(
        self, knock: Knock, refused: Refused, method: AuthMethod, user_id: str | None = None
    ) -> None:
        event = reports.identity_refused(self._stamp, knock, refused, method, self._dispatcher.redactor, user_id)
        await self._dispatcher.report(event)

    async def refuse_session(
        self,
        scope: Scope,
        receive: Receive,
        seen: Seen,
        refused: Refused,
        session_id: str,
        server_name: str | None,
    ) -> Refusal:
        """A session that is not to be used: an event, a denied row if it was for a tool, and the answer of none.

        Only who has opened it is told why.
        """
        await self.report_refused(scope, seen, refused)
        if server_name is not None and scope["method"] == "POST":
            knock = reports.knock_of(scope, seen, self._ids)
            call = tool_call_in(await body_of(receive), server_name, session_id, knock)
            if call is not None:
                await self._dispatcher.check(call, refused)
        if refused.reason_code is IdentityRefusal.SESSION_OF_ANOTHER_USER:
            return refusals.session_not_found()
        return refusals.session_of_own(refused)


async def body_of(receive: Receive) -> bytes:
    """The request's body; nothing when it is too long or the client has gone."""
    body = b""
    while len(body) <= MAX_FOREIGN_BODY_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
    return b""


def tool_call_in(body: bytes, server_name: str, session_id: str, knock: Knock) -> Call | None:
    """The tool call in a JSON-RPC body that nobody has validated; None for everything else."""
    try:
        request: Any = orjson.loads(body)
        if request["method"] != "tools/call" or not isinstance(name := request["params"]["name"], str):
            return None
        arguments: object = request["params"].get("arguments")
        call_id: object = request.get("id")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    return Call(
        server_name=server_name,
        tool_name=name,
        ids=Ids(trace_id=knock.trace_id, session_id=session_id),
        kind=Kind.TOOL,
        arguments=cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {},
        call_id=None if call_id is None else str(call_id),
        origin=knock.origin,
    )


def _of_another_client(caller: Authenticated) -> Refused:
    reason = "the session was opened by another client; open a new one"
    return Refused(IdentityRefusal.SESSION_OF_ANOTHER_CLIENT, reason, claimed_user_id=caller.user_id)


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None
