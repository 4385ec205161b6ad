"""Where sessions are kept: what their door, their upkeep and their administrator need of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from gatetrail.sessions.session import Handshake, Session, SessionRow


class SessionStore(Protocol):
    """Sessions as far as callers need them. Every method raises `Unavailable` when nothing durable can be said."""

    async def open(self, session: Session) -> tuple[Session, bool]:
        """Store a session unless there is one of that id; give the stored one, and True when it is new."""
        ...

    async def find(self, session_id: str) -> Session | None:
        """The session of that id, open or ended."""
        ...

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        """Add the handshake to an open session; another process can go on with it from then on."""
        ...

    async def end(self, session_id: str, because: str) -> Session | None:
        """End an open session for good and tell every process; None when there was none. `because` is a sentence."""
        ...


class SessionUpkeep(Protocol):
    """What goes on beside the calls. As `SessionStore`, but for `watch`, which waits until the store is back."""

    async def used(self, session_ids: Collection[str]) -> None:
        """These were used just now."""
        ...

    async def expire(self, unused_s: float, kept_s: float, because: str) -> Sequence[Session]:
        """End what was not used for `unused_s`, each session in one process only; forget what ended `kept_s` ago."""
        ...

    async def watch(self, ended: Callable[[str, str], None]) -> None:
        """Tell of each session that any process ends, by id and reason, until cancelled. May tell of one twice."""
        ...


class SessionListing(Protocol):
    """What an administrator sees. As `SessionStore`."""

    async def newest(self, user_id: str | None, limit: int) -> Sequence[SessionRow]:
        """Sessions, or those of one user, the last used first."""
        ...


class WholeSessionStore(SessionStore, SessionUpkeep, SessionListing, Protocol):
    """All of it, as every kind of store has it."""
