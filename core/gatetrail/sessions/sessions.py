"""Sessions bind who opened them: their owner and department, and the tier that they can never rise above."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from gatetrail.events.fields import Record
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.stamp import Stamp
from gatetrail.identity.caller import Anonymous, Authenticated, Caller, Refused
from gatetrail.identity.tiers import Tier, lowest
from gatetrail.redaction import Redaction, Redactor
from gatetrail.redaction.marks import MIN_KEY_BYTES
from gatetrail.sessions import telling
from gatetrail.sessions.session import Handshake, Session
from gatetrail.sessions.store import SessionStore

KEPT_IN_MEMORY = 100_000
ENDED_IN_MEMORY = 10_000
"""So that what was read just before a session's end is not taken for an open one."""

Left = Callable[[str], None]
"""Is told the id of a session that has ended."""


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
        self.when_ended: list[Left] = []
        """Who holds something of sessions in memory, and lets go of it at their end."""
        self._store = store
        self._stamp = stamp
        self._record = record
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._own_ids: dict[str, str] = {}
        """Of those in `_known` that the store knows by another id, because theirs holds a secret."""
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._used: set[str] = set()

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
            refused = session.refusal_of(caller)
            if refused is not None:
                return refused
            self._used.add(session_id)
            if isinstance(bound, Authenticated) and not session.tier.satisfies(bound.tier):
                bound = replace(bound, tier=lowest(bound.tier, session.tier))
        return bound

    def known(self, session_id: str) -> Session | None:
        """A session that this process has bound already; binds nothing itself."""
        return self._known.get(session_id)

    async def find(self, session_id: str, caller: Authenticated | Anonymous) -> Session | None:
        """The session of that id, open or ended, whoever's it is; binds nothing. Raises `Unavailable`."""
        known = self._known.get(session_id)
        if known is not None:
            return known
        own = _session_of(session_id, caller)
        safe = _safe(own, self.redaction.current)
        stored = await self._store.find(safe.session_id)
        if stored is None:
            return None
        session = _as_own(stored, own, safe)
        return self._remembered(session, safe.session_id) if session.refusal_of(caller) is None else session

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        """Make durable what another process needs to go on with a session. Raises `Unavailable`."""
        await self._store.shake_hands(self.redaction.current.key_of(session_id), handshake)
        known = self._known.get(session_id)
        if known is not None:
            self._known[session_id] = replace(known, handshake=handshake)

    async def tell_resumed(self, session: Session) -> None:
        """Record that this process goes on with it. Never raises."""
        await self._record(telling.resumed(session, self._stamp, self.redaction.current))

    async def end(self, session_id: str, because: str) -> bool:
        """End a session for good, in every process; False when it was over. Raises `Unavailable`."""
        stored_id = self.redaction.current.key_of(session_id)
        ended = await self._store.end(stored_id, because)
        self.forget(stored_id)
        if ended is not None:
            await self.tell_ended(replace(ended, session_id=session_id), because)
        return ended is not None

    async def tell_ended(self, session: Session, because: str) -> None:
        """Record it; who ended it does so. Never raises."""
        await self._record(telling.ended(session, because, self._stamp, self.redaction.current))

    def forget(self, stored_id: str) -> None:
        """A session was ended, here or elsewhere; `stored_id` is how the store has it."""
        session_id = self._own_ids.pop(stored_id, stored_id)
        self._known.pop(session_id, None)
        self._ended[session_id] = None
        if len(self._ended) > ENDED_IN_MEMORY:
            self._ended.popitem(last=False)
        for left in self.when_ended:
            left(session_id)

    def take_used(self) -> Collection[str]:
        """Those that were used since the last time, as the store has them."""
        used, self._used = self._used, set()
        key_of = self.redaction.current.key_of
        return {key_of(session_id) for session_id in used}

    async def _open(self, session_id: str, caller: Authenticated | Anonymous) -> Session:
        own = _session_of(session_id, caller)
        safe = _safe(own, self.redaction.current)
        stored, created = await self._store.open(safe)
        # As ever, what is told of a new session is told in the caller's own words and redacted then.
        session = own if created else _as_own(stored, own, safe)
        if created:
            await self._record(telling.started(session, self._stamp, self.redaction.current))
        return self._remembered(session, safe.session_id)

    def _remembered(self, session: Session, stored_id: str) -> Session:
        if session.session_id in self._ended:
            return session if session.ended_because else replace(session, ended_because="it was ended just now")
        if session.ended_because is not None:
            return session
        self._known[session.session_id] = session
        if stored_id != session.session_id:
            self._own_ids[stored_id] = session.session_id
        if len(self._known) > KEPT_IN_MEMORY:
            self._let_go()
        return session

    def _let_go(self) -> None:
        oldest, _ = self._known.popitem(last=False)
        self._used.discard(oldest)
        self._own_ids = {stored: own for stored, own in self._own_ids.items() if own != oldest}


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
    """Where an id holds a secret, the store gets the id with that hashed."""

    def safe(text: str | None) -> str | None:
        return None if text is None else redactor.key_of(text)

    return replace(
        session,
        session_id=redactor.key_of(session.session_id),
        user_id=safe(session.user_id),
        department=safe(session.department),
        client_id=safe(session.client_id),
    )


def _as_own(stored: Session, own: Session, safe: Session) -> Session:
    """What the store has, in the caller's own words where these are what it has hashed."""
    return replace(
        stored,
        session_id=own.session_id,
        user_id=own.user_id if stored.user_id == safe.user_id else stored.user_id,
        department=own.department if stored.department == safe.department else stored.department,
        client_id=own.client_id if stored.client_id == safe.client_id else stored.client_id,
    )
