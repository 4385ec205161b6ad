"""The session store's twin."""

from __future__ import annotations

from gatetrail.errors import DatabaseUnavailable
from gatetrail.sessions import Session


class MemorySessions:
    """A session store that is gone with its process. Set `away` to have it fail."""

    def __init__(self) -> None:
        self.away = False
        self._sessions: dict[str, Session] = {}

    async def open(self, session: Session) -> tuple[Session, bool]:
        if self.away:
            raise DatabaseUnavailable("the session store in memory is away")
        created = session.session_id not in self._sessions
        return self._sessions.setdefault(session.session_id, session), created
