"""From an `Authorization` header to a caller, once per request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatetrail.dispatcher import Dispatcher
from gatetrail.identity.bearer import TokenVerifier, bearer_token
from gatetrail.identity.caller import Anonymous, Authenticated, Caller, IdentityRefusal, Refused

CALLER_KEY = "gatetrail.caller"
"""Where the identity layer leaves the caller in the ASGI scope."""

ANONYMOUS = Anonymous()
TOKEN_MISSING = Refused(IdentityRefusal.TOKEN_MISSING, "a bearer token is required")
"""Whoever presents nothing where the policy lets nobody in without an identity."""


class Bearer:
    """Verifies headers under the policy in force."""

    def __init__(self, verifier: TokenVerifier, dispatcher: Dispatcher) -> None:
        self._verifier = verifier
        self._dispatcher = dispatcher

    def caller_of(self, authorization: str | None) -> Caller:
        """Who an `Authorization` header proves; None stands for no header."""
        token = bearer_token(authorization)
        if isinstance(token, str):
            return self._verifier.verify(token)
        if token is not None:
            return token
        return ANONYMOUS if self._dispatcher.gates.policy.document.identity.anonymous else TOKEN_MISSING

    @staticmethod
    def caller_in(scope: Mapping[str, Any]) -> Caller | None:
        """What the identity layer has found already; None when it is not in front of this request."""
        found: object = scope.get(CALLER_KEY)
        return found if isinstance(found, Authenticated | Anonymous | Refused) else None
