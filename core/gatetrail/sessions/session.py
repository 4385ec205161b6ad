"""What a session is bound to for its whole life."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.identity.caller import Anonymous, Authenticated, IdentityRefusal, Refused
from gatetrail.identity.tiers import Tier


@dataclass(frozen=True, slots=True)
class Handshake:
    """What another process needs to go on with an MCP session of the handshake era."""

    server_name: str
    """As the policy knows the server; a session is of one server and no other."""
    protocol_version: str
    """What both sides agreed on."""
    initialize: str
    """The parameters of `initialize`, as JSON. What a client says there of itself proves nothing."""
    client_name: str | None = None
    """What the client calls itself."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the first caller of a session bound it to. Never changes afterwards."""

    session_id: str
    user_id: str | None
    """None: it was opened without an identity."""
    tier: Tier
    department: str | None = None
    client_id: str | None = None
    issuer: str | None = None
    handshake: Handshake | None = None
    """None: it is not of a transport, but of a token's claim, or its handshake is not over."""
    ended_because: str | None = None
    """None: it is open."""

    def refusal_of(self, caller: Authenticated | Anonymous) -> Refused | None:
        """Why this caller may not use it; None when he may.

        It belongs to one user of one issuer, in the department of then; opened without an identity, to those without.
        """
        if isinstance(caller, Anonymous):
            return None if self.user_id is None and self.ended_because is None else self._refusal(caller)
        if self.user_id == caller.user_id and self.issuer == caller.issuer and self.ended_because is None:
            return None if self.department == caller.department else _of_another_department(caller)
        return self._refusal(caller)

    def _refusal(self, caller: Authenticated | Anonymous) -> Refused:
        user_id, issuer = _owner(caller)
        if self.user_id != user_id or self.issuer != issuer:
            return of_another_user(caller)
        reason = f"the session has ended: {self.ended_because}"
        return Refused(IdentityRefusal.SESSION_ENDED, reason, claimed_user_id=user_id)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session with its times, RFC 3339 in UTC, by the clock of the store."""

    session: Session
    opened_at: str
    last_used_at: str
    """Up to half a minute late."""
    ended_at: str | None


def of_another_user(caller: Authenticated | Anonymous) -> Refused:
    """Somebody else has opened it."""
    reason = "the session belongs to another user"
    return Refused(IdentityRefusal.SESSION_OF_ANOTHER_USER, reason, claimed_user_id=_owner(caller)[0])


def _of_another_department(caller: Authenticated) -> Refused:
    reason = "the session was opened in another department; open a new one"
    return Refused(IdentityRefusal.SESSION_OF_ANOTHER_DEPARTMENT, reason, claimed_user_id=caller.user_id)


def _owner(caller: Authenticated | Anonymous) -> tuple[str | None, str | None]:
    return (None, None) if isinstance(caller, Anonymous) else (caller.user_id, caller.issuer)
