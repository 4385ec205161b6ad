"""`RuleUsage` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

from gatetrail.events.rule_usage import Matches
from gatetrail.words import GateName
from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresRuleUsage:
    """Denials are found by the index that auditors use; the entry stands in the event itself."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def denied(self, gate: GateName, since: str) -> Mapping[str, Matches]:
        return await self._counted("rule_usage", gate, since)

    async def shadowed(self, gate: GateName, since: str) -> Mapping[str, Matches]:
        return await self._counted("rule_usage_shadow", gate, since)

    async def _counted(self, name: str, gate: GateName, since: str) -> Mapping[str, Matches]:
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query(name), {"gate": gate.value, "since": since})
                return {rule_id: Matches(count, last_at) for rule_id, count, last_at in await cursor.fetchall()}
