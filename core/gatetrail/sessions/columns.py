"""Sessions as the columns of a table, whichever database it is in."""

from __future__ import annotations

from typing import Any

from gatetrail.identity.tiers import Tier
from gatetrail.sessions.session import Handshake, Session


def columns_of(session: Session) -> dict[str, str | None]:
    """What is stored of a session that is opened."""
    return {
        "session_id": session.session_id,
        "user_id": session.user_id,
        "issuer": session.issuer,
        "client_id": session.client_id,
        "department": session.department,
        "tier": session.tier.value,
    }


def session_of(row: tuple[Any, ...]) -> Session:
    """A session from a row that begins with all of its columns, in the order in which every query has them."""
    session_id, user_id, tier, department, client_id, issuer, server, version, initialize, client, because, *_ = row
    handshake = None if server is None else Handshake(server, version, initialize, client)
    return Session(session_id, user_id, Tier(tier), department, client_id, issuer, handshake, because)
