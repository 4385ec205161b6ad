"""Sessions bind who opened them: their owner, and the tier that they can never rise above."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gatetrail.events.fields import Record
from gatetrail.events.model import SENSITIVE_KEYS, SessionStarted
from gatetrail.events.stamp import Stamp
from gatetrail.identity.caller import Anonymous, Authenticated, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import Tier, lowest
from gatetrail.redaction import Redaction, Redactor
from gatetrail.redaction.marks import MIN_KEY_BYTES
from gatetrail.words import Level

KEPT_IN_MEMORY = 100_000


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

    def belongs_to(self, caller: Authenticated | Anonymous) -> bool:
        """True for the same user of the same issuer; an anonymous session belongs to anonymous callers."""
        if isinstance(caller, Anonymous):
            return self.user_id is None
        return self.user_id == caller.user_id and self.issuer == caller.issuer


class SessionStore(Protocol):
    """Durable sessions, shared by all processes on one database."""

    async def open(self, session: Session) -> tuple[Session, bool]:
        """Store a session unless there is one of that id; give the stored one, and True when it is new.

        Raises `Unavailable` when that cannot be done durably.
        """
        ...


class Sessions:
    """Binds callers to sessions. What was bound once is remembered, up to a bound, for the next call."""

    def __init__(
        self,
        store: SessionStore,
        stamp: Stamp,
        record: Callable[[Record], Awaitable[object]],
        redaction: Redaction | None = None,
    ) -> None:
        """Without a `redaction` one is made whose hashes no other process can repeat."""
        self.redaction = redaction or Redaction(secrets.token_bytes(MIN_KEY_BYTES), SENSITIVE_KEYS)
        """What applies to all that is recorded of these sessions and their calls."""
        self._store = store
        self._stamp = stamp
        self._record = record
        self._known: OrderedDict[str, Session] = OrderedDict()

    async def bind(self, caller: Caller, transport_session_id: str | None) -> Caller:
        """The caller as its sessions allow it: the same, with a lower tier, or refused.

        Both sessions count, the one that the proof names and the transport's. A session that nobody has
        used before becomes this caller's. Raises `Unavailable` when the store is away.
        """
        if isinstance(caller, Refused):
            return caller
        bound = caller
        for session_id in {caller.session_id, transport_session_id}:
            if session_id is None:
                continue
            session = self._known.get(session_id) or await self._open(session_id, caller)
            if not session.belongs_to(caller):
                return _refusal(caller)
            if isinstance(bound, Authenticated) and not session.tier.satisfies(bound.tier):
                bound = replace(bound, tier=lowest(bound.tier, session.tier))
        return bound

    def known(self, session_id: str) -> Session | None:
        """A session that this process has bound already; binds nothing itself."""
        return self._known.get(session_id)

    async def _open(self, session_id: str, caller: Authenticated | Anonymous) -> Session:
        own = _session_of(session_id, caller)
        session, created = await self._stored(own)
        if created:
            await self._record(_started(session, self._stamp, self.redaction.current))
        self._known[session_id] = session
        if len(self._known) > KEPT_IN_MEMORY:
            self._known.popitem(last=False)
        return session

    async def _stored(self, own: Session) -> tuple[Session, bool]:
        """What the store has. Where an id holds a secret, the store gets the id with that hashed."""
        safe = _safe(own, self.redaction.current)
        stored, created = await self._store.open(safe)
        if safe == own or stored.user_id != safe.user_id:
            return stored, created
        return replace(stored, session_id=own.session_id, user_id=own.user_id), created


def _session_of(session_id: str, caller: Authenticated | Anonymous) -> Session:
    if isinstance(caller, Anonymous):
        return Session(session_id, None, Tier.ANONYMOUS)
    return Session(
        session_id,
        caller.user_id,
        caller.token_tier,
        department=caller.department,
        client_id=caller.client_id,
        issuer=caller.issuer,
    )


def _safe(session: Session, redactor: Redactor) -> Session:
    def safe(text: str | None) -> str | None:
        return None if text is None else redactor.key_of(text)

    return replace(
        session,
        session_id=redactor.key_of(session.session_id),
        user_id=safe(session.user_id),
        department=safe(session.department),
        client_id=safe(session.client_id),
    )


def _refusal(caller: Authenticated | Anonymous) -> Refused:
    return Refused(
        IdentityRefusal.SESSION_OF_ANOTHER_USER,
        "the session belongs to another user",
        claimed_user_id=caller.user_id if isinstance(caller, Authenticated) else None,
    )


def _started(session: Session, stamp: Stamp, redactor: Redactor) -> SessionStarted:
    texts = redactor.texts(
        {
            "session_id": session.session_id,
            "user_id": session.user_id,
            "client_id": session.client_id,
            "department": session.department,
        }
    )
    owner = texts["user_id"] or "an anonymous caller"
    told = stamp(Level.INFO, f"session opened by {owner} with tier {session.tier}")
    return SessionStarted.model_validate({**told, **texts, "session_tier": session.tier.value})
