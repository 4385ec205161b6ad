"""Sessions bind who opened them: their owner and department, and the tier that they can never rise above."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True)
class _Known:
    session: Session
    """In the words of its owner."""
    stored_id: str
    """Another than the session's own where that holds a secret, by the redaction that was in force then."""


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
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._own_ids: dict[str, str] = {}
        """By the stored id, of those in `_known` where it is another."""
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._used: set[str] = set()
        """Both of stored ids."""

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
            known = self._known.get(session_id) or await self._open(session_id, caller)
            session = known.session
            refused = session.refusal_of(caller)
            if refused is not None:
                return refused
            self._used.add(known.stored_id)
            if isinstance(bound, Authenticated) and not session.tier.satisfies(bound.tier):
                bound = replace(bound, tier=lowest(bound.tier, session.tier))
        return bound

    def known(self, session_id: str) -> Session | None:
        """A session that this process has bound already; binds nothing itself."""
        known = self._known.get(session_id)
        return None if known is None else known.session

    def has_ended(self, session_id: str) -> bool:
        """Whether this process has heard of its end; of one long ago it may know no more."""
        return session_id in self._ended or self.redaction.current.key_of(session_id) in self._ended

    async def find(self, session_id: str, caller: Authenticated | Anonymous) -> Session | None:
        """The session of that id, open or ended, whoever's it is; binds nothing. Raises `Unavailable`."""
        known = self._known.get(session_id)
        if known is not None:
            return known.session
        own = _session_of(session_id, caller)
        safe = _safe(own, self.redaction.current)
        stored = await self._store.find(safe.session_id) or await self._from_before(own, safe)
        if stored is None:
            return None
        known = self._as_known(stored, own, safe)
        # What another client would have remembered is not in the words of the session's own.
        return (self._remembered(known, caller) if known.session.client_id == own.client_id else known).session

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        """Make durable what another process needs to go on with a session. Raises `Unavailable`."""
        await self._store.shake_hands(self._stored_id(session_id), handshake)
        known = self._known.get(session_id)
        if known is not None:
            self._known[session_id] = replace(known, session=replace(known.session, handshake=handshake))

    async def tell_resumed(self, session: Session) -> None:
        """Record that this process goes on with it. Never raises."""
        await self._record(telling.resumed(session, self._stamp, self.redaction.current))

    async def end(self, session_id: str, because: str) -> bool:
        """End a session for good, in every process; False when it was over. Raises `Unavailable`."""
        stored_id = self._stored_id(session_id)
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
        self._ended[stored_id] = None
        if len(self._ended) > ENDED_IN_MEMORY:
            self._ended.popitem(last=False)
        self.let_go(session_id)

    def let_go(self, session_id: str) -> None:
        """Have whoever holds something of a session in this process let go of it."""
        for left in self.when_ended:
            left(session_id)

    def take_used(self) -> Collection[str]:
        """Those that were used since the last time, as the store has them."""
        used, self._used = self._used, set()
        return used

    def not_noted(self, stored_ids: Collection[str]) -> None:
        """What was taken could not be told to the store: it is taken again the next time."""
        self._used.update(stored_ids)

    def _stored_id(self, session_id: str) -> str:
        known = self._known.get(session_id)
        return self.redaction.current.key_of(session_id) if known is None else known.stored_id

    async def _open(self, session_id: str, caller: Authenticated | Anonymous) -> _Known:
        own = _session_of(session_id, caller)
        safe = _safe(own, self.redaction.current)
        before = await self._from_before(own, safe)
        stored, created = (before, False) if before is not None else await self._store.open(safe)
        if created:
            # As ever, what is told of a new session is told in the caller's own words and redacted then.
            await self._record(telling.started(own, self._stamp, self.redaction.current))
        return self._remembered(self._as_known(stored, own, safe), caller)

    async def _from_before(self, own: Session, safe: Session) -> Session | None:
        """One that was opened before a policy called something in its id a secret."""
        return None if own.session_id == safe.session_id else await self._store.find(own.session_id)

    def _as_known(self, stored: Session, own: Session, safe: Session) -> _Known:
        session = _as_own(stored, own, safe)
        if session.ended_because is None and stored.session_id in self._ended:
            session = replace(session, ended_because="it was ended just now")
        return _Known(session, stored.session_id)

    def _remembered(self, known: _Known, caller: Authenticated | Anonymous) -> _Known:
        """Others than its owner cannot tell what the store has hashed: nothing of theirs is remembered."""
        if known.session.refusal_of(caller) is None:
            self._keep(known)
        return known

    def _keep(self, known: _Known) -> None:
        session_id = known.session.session_id
        self._known[session_id] = known
        if known.stored_id != session_id:
            self._own_ids[known.stored_id] = session_id
        if len(self._known) > KEPT_IN_MEMORY:
            _, oldest = self._known.popitem(last=False)
            self._own_ids.pop(oldest.stored_id, None)


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
