"""Durable sessions."""

from __future__ import annotations

from gatetrail.identity.tiers import Tier
from gatetrail.sessions import Session
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresSessions:
    """`SessionStore` on PostgreSQL."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def open(self, session: Session) -> tuple[Session, bool]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                inserted = await connection.execute(
                    query("session_open"),
                    {
                        "session_id": session.session_id,
                        "user_id": session.user_id,
                        "issuer": session.issuer,
                        "client_id": session.client_id,
                        "department": session.department,
                        "tier": session.tier.value,
                    },
                )
                if inserted.rowcount:
                    return session, True
                found = await connection.execute(query("session_get"), {"session_id": session.session_id})
                row = await found.fetchone()
        if row is None:
            return session, False
        user_id, tier, department, client_id, issuer = row
        return Session(session.session_id, user_id, Tier(tier), department, client_id, issuer), False
