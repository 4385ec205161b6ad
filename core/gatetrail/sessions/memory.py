"""Sessions in the memory of one process, and gone with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from gatetrail.clock import Clock, rfc3339
from gatetrail.sessions.session import Handshake, Session, SessionRow


@dataclass(slots=True)
class _Kept:
    session: Session
    opened_us: int
    last_used_us: int
    ended_us: int | None = None


class SessionsInMemory:
    """`WholeSessionStore` for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def open(self, session: Session) -> tuple[Session, bool]:
        found = self._kept.get(session.session_id)
        if found is None:
            now_us = self._clock.now_us()
            self._kept[session.session_id] = _Kept(session, now_us, now_us)
            return session, True
        return found.session, False

    async def find(self, session_id: str) -> Session | None:
        found = self._kept.get(session_id)
        return None if found is None else found.session

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        found = self._kept.get(session_id)
        if found is not None and found.ended_us is None:
            found.session = replace(found.session, handshake=handshake)

    async def end(self, session_id: str, because: str) -> Session | None:
        found = self._kept.get(session_id)
        if found is None or found.ended_us is not None:
            return None
        found.ended_us = self._clock.now_us()
        found.session = replace(found.session, ended_because=because)
        return found.session

    async def used(self, session_ids: Collection[str]) -> None:
        for session_id in session_ids:
            if (found := self._kept.get(session_id)) is not None:
                found.last_used_us = self._clock.now_us()

    async def expire(self, unused_s: float, kept_s: float, because: str) -> Sequence[Session]:
        now_us = self._clock.now_us()
        since_us, kept_us = now_us - round(unused_s * 1_000_000), now_us - round(kept_s * 1_000_000)
        gone = [name for name, kept in self._kept.items() if kept.ended_us is not None and kept.ended_us < kept_us]
        for name in gone:
            del self._kept[name]
        old = [name for name, kept in self._kept.items() if kept.ended_us is None and kept.last_used_us < since_us]
        return [ended for name in old if (ended := await self.end(name, because)) is not None]

    async def watch(self, ended: Callable[[str, str], None]) -> None:  # noqa: ARG002 -- there is nobody else
        await asyncio.Event().wait()

    async def newest(self, user_id: str | None, limit: int) -> Sequence[SessionRow]:
        wanted = [kept for kept in self._kept.values() if user_id is None or kept.session.user_id == user_id]
        wanted.sort(key=lambda kept: kept.last_used_us, reverse=True)
        return [_row(kept) for kept in wanted[:limit]]


def _row(kept: _Kept) -> SessionRow:
    ended_at = None if kept.ended_us is None else rfc3339(kept.ended_us)
    return SessionRow(kept.session, rfc3339(kept.opened_us), rfc3339(kept.last_used_us), ended_at)
