"""The session store's twin."""

from __future__ import annotations

from gatetrail.clock import SystemClock
from gatetrail.errors import DatabaseUnavailable
from gatetrail.sessions import Handshake, Session
from gatetrail.sessions.memory import SessionsInMemory


class MemorySessions(SessionsInMemory):
    """A session store that is gone with its process. Set `away` to have it fail."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.away = False

    async def open(self, session: Session) -> tuple[Session, bool]:
        self._reach()
        return await super().open(session)

    async def find(self, session_id: str) -> Session | None:
        self._reach()
        return await super().find(session_id)

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        self._reach()
        await super().shake_hands(session_id, handshake)

    async def end(self, session_id: str, because: str) -> Session | None:
        self._reach()
        return await super().end(session_id, because)

    def _reach(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the session store in memory is away")
