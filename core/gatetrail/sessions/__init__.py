"""Sessions: who opened them, what they are bound to, where they are kept, how they end."""

from gatetrail.sessions.session import Handshake, Session, SessionRow
from gatetrail.sessions.sessions import Sessions
from gatetrail.sessions.store import SessionListing, SessionStore, SessionUpkeep, WholeSessionStore

__all__ = [
    "Handshake",
    "Session",
    "SessionListing",
    "SessionRow",
    "SessionStore",
    "SessionUpkeep",
    "Sessions",
    "WholeSessionStore",
]
