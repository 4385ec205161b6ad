"""Where the journal ends, for those who do not write."""

from __future__ import annotations

from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresHead:
    """Reads the head of the chain."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def seq(self) -> int:
        """The `seq` of the newest committed event, 0 for an empty journal. Raises `DatabaseUnavailable`."""
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                row = await (await connection.execute(query("head"))).fetchone()
                return int(row[1]) if row else 0
