"""Lets readers in; whoever is turned away leaves an event."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gatetrail.identity.caller import Anonymous, Authenticated, Caller, IdentityRefusal, Refused
from gatetrail.identity.lease import Holds
from gatetrail.identity.protected_resource import metadata_url
from gatetrail.identity.tiers import Tier
from gatetrail.redaction import Redactor
from gatetrail.service.api.reader import AUDITOR, READER_KEY, Reader, Reading, reader_of
from gatetrail.service.problems import Problem

CHALLENGE = 'Bearer realm="gatetrail"'
NOBODY = Refused(IdentityRefusal.TOKEN_MISSING, "a bearer token is required")


class Identities(Protocol):
    """What the gate knows of those who ask."""

    @property
    def redactor(self) -> Redactor:
        """Of the policy in force."""
        ...

    async def caller_in(self, scope: Scope) -> Caller:
        """Whom the identity layer has found, as the session allows that the proof names. Raises `Unavailable`."""
        ...

    def holds_in(self, scope: Scope) -> Holds:
        """Whether what was proven for a request holds still, to be asked for as long as its answer goes on."""
        ...

    async def report_refused(self, scope: Scope, refused: Refused) -> bool:
        """Record a refusal; False when the one who was refused counts as a scanner from now on."""
        ...


class Door:
    """Dependencies of routes."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    @property
    def redactor(self) -> Redactor:
        """Of the policy in force."""
        return self._identities.redactor

    def holds_for(self, request: Request) -> Holds:
        """Whether the one who asked would be let in again."""
        return self._identities.holds_in(request.scope)

    async def admit(self, request: Request, response: Response) -> None:
        """Proven users only; the others get 401. What they are told is kept by no cache."""
        response.headers["Cache-Control"] = "no-store"
        caller = await self._identities.caller_in(request.scope)
        if isinstance(caller, Authenticated):
            request.scope[READER_KEY] = reader_of(caller, self.redactor)
            return
        await self._refuse(request, NOBODY if isinstance(caller, Anonymous) else caller)

    async def require_all(self, request: Request, reader: Reading) -> None:
        """Those who see everything only; the others get 403."""
        if not reader.sees_all:
            await self._refuse_role(request, f"{request.url.path} is for the role {AUDITOR!r} or the tier admin")

    async def require_admin(self, request: Request, reader: Reading) -> None:
        """The tier admin only; the others get 403, auditors too: they see everything and change nothing."""
        if reader.tier is not Tier.ADMIN:
            await self._refuse_role(request, f"{request.method} {request.url.path} is for the tier admin")

    async def require_own(self, request: Request, reader: Reader, user: str | None) -> None:
        """Who sees only what is their own may name themselves, and get 403 for anybody else."""
        if user is not None and not reader.sees_all and user not in reader.own:
            await self._refuse_role(request, f"other users' events are for the role {AUDITOR!r} or the tier admin")

    async def _refuse_role(self, request: Request, reason: str) -> None:
        await self._identities.report_refused(request.scope, Refused(IdentityRefusal.ROLE_MISSING, reason))
        challenge = {"WWW-Authenticate": f'{_challenge(request)}, error="insufficient_scope"'}
        raise Problem(HTTPStatus.FORBIDDEN, IdentityRefusal.ROLE_MISSING.value, reason, challenge)

    async def _refuse(self, request: Request, refused: Refused) -> None:
        if not await self._identities.report_refused(request.scope, refused):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "burst", "too many refused requests")
        error = "" if refused.reason_code is IdentityRefusal.TOKEN_MISSING else ', error="invalid_token"'
        challenge = {"WWW-Authenticate": _challenge(request) + error}
        raise Problem(HTTPStatus.UNAUTHORIZED, refused.reason_code.value, refused.reason, challenge)


def _challenge(request: Request) -> str:
    """RFC 9728, section 5.1: with where to learn who issues tokens."""
    url = metadata_url(request.scope)
    return CHALLENGE if url is None else f'{CHALLENGE}, resource_metadata="{url}"'
