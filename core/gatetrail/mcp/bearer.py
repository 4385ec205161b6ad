"""From a request to its caller, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from gatetrail.dispatcher import Dispatcher
from gatetrail.identity.bearer import TokenVerifier, bearer_token
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.lease import Holds
from gatetrail.identity.proxies.verifier import ProxyVerifier, Vouching
from gatetrail.identity.standing import Standing
from gatetrail.mcp.headers import Seen, seen_in

CALLER_KEY = "gatetrail.caller"
"""Where the identity layer leaves the caller in the ASGI scope."""

ANONYMOUS = Anonymous()
MAX_USERS = 10_000
Words = tuple[str, str | None, str | None, frozenset[str], float | None]
TOKEN_MISSING = Refused(IdentityRefusal.TOKEN_MISSING, "a bearer token is required")
"""Whoever presents nothing where the policy lets nobody in without an identity."""


class Bearer:
    """Finds out who asks, under the policy in force."""

    def __init__(
        self,
        verifier: TokenVerifier,
        dispatcher: Dispatcher,
        standing: Standing | None = None,
        proxies: ProxyVerifier | None = None,
    ) -> None:
        self._verifier = verifier
        self._dispatcher = dispatcher
        self._standing = standing
        self._proxies = proxies
        self._users: dict[str, tuple[Words, AuthenticatedUser]] = {}

    async def caller_of(self, scope: Mapping[str, Any]) -> Caller:
        """Who a request's headers prove: a token, or the word of a trusted proxy, which is good for one look.

        Waits only for the keys of an issuer, and only for a key that is new; and for the nonces that proxies have used.
        A good proof is not enough: whoever is no longer in good standing is refused, on every use.
        """
        return self.in_standing(await self._proven(scope))

    def in_standing(self, caller: Caller) -> Caller:
        """The caller as he may come in now, however long ago he was proven."""
        if self._standing is None or not isinstance(caller, Authenticated):
            return caller
        return self._standing.admitted(caller)

    def holds_in(self, scope: Mapping[str, Any]) -> Holds:
        """Whether what was proven for a request holds still. Keeps nothing else of the scope."""
        return partial(self._holds, self.caller_in(scope), seen_in(scope).authorization)

    def _holds(self, caller: Caller | None, authorization: str | None) -> bool:
        identity = self._dispatcher.gates.policy.document.identity
        if not isinstance(caller, Authenticated):
            return isinstance(caller, Anonymous) and identity.anonymous
        if caller.auth_method is AuthMethod.PROXY and not self._proxy_holds(caller):
            return False
        token = bearer_token(authorization) if caller.auth_method is AuthMethod.BEARER else None
        proven = self._verifier.under(identity).verify(token) if isinstance(token, str) else caller
        return self.in_standing(proven) == caller

    def _proxy_holds(self, caller: Authenticated) -> bool:
        rules = self._dispatcher.gates.policy.document.identity.proxies
        return self._proxies is not None and self._proxies.holds(caller, rules)

    def is_by_proxy(self, scope: Mapping[str, Any]) -> bool:
        """Whether there are identity headers that may be those of a trusted proxy: then they count, and not a token."""
        if self._proxies is None or not seen_in(scope).vouching:
            return False
        return self._proxies.trusts(_peer(scope), self._dispatcher.gates.policy.document.identity.proxies)

    async def _proven(self, scope: Mapping[str, Any]) -> Caller:
        identity, seen = self._dispatcher.gates.policy.document.identity, seen_in(scope)
        if self._proxies is not None and self.is_by_proxy(scope):
            return await self._proxies.prove(_vouching(scope, seen), identity.proxies)
        token = bearer_token(seen.authorization)
        if isinstance(token, str):
            return await self._verifier.under(identity).prove(token)
        if token is not None:
            return token
        return ANONYMOUS if identity.anonymous else TOKEN_MISSING

    def user_of(self, caller: Authenticated, authorization: str | None) -> AuthenticatedUser:
        """The caller in the SDK's words: it lets a session be used by exactly who opened it, by this."""
        if caller.auth_method is not AuthMethod.BEARER or authorization is None:
            return _sdk_user(caller, None)
        # Of whoever is limited each look gives another object, so the header is the key, and the same words count.
        words = (caller.user_id, caller.client_id, caller.issuer, caller.scopes, caller.expires_at_s)
        known = self._users.get(authorization)
        if known is not None and known[0] == words:
            return known[1]
        if len(self._users) >= MAX_USERS:
            self._users.clear()
        user = _sdk_user(caller, authorization)
        self._users[authorization] = (words, user)
        return user

    @staticmethod
    def caller_in(scope: Mapping[str, Any]) -> Caller | None:
        """What the identity layer has found already; None when it is not in front of this request."""
        found: object = scope.get(CALLER_KEY)
        return found if isinstance(found, Authenticated | Anonymous | Refused) else None


def _vouching(scope: Mapping[str, Any], seen: Seen) -> Vouching:
    query: bytes = scope.get("query_string", b"")
    # Without the path as it came nothing fits that has a percent sign in it: better so than a guess.
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    target = path + b"?" + query if query else path
    return Vouching(scope["method"], target, _peer(scope), seen.vouching, seen.authorization is not None)


def _peer(scope: Mapping[str, Any]) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _sdk_user(caller: Authenticated, authorization: str | None) -> AuthenticatedUser:
    token = AccessToken(
        token=(authorization or "").partition(" ")[2].strip(),
        client_id=caller.client_id or caller.user_id,
        scopes=list(caller.scopes),
        expires_at=None if caller.expires_at_s is None else int(caller.expires_at_s),
        subject=caller.user_id,
        claims={"iss": caller.issuer},
    )
    return AuthenticatedUser(token)
