"""Whether the database takes a commit now."""

from __future__ import annotations

from gatetrail_sinks.postgres.connection import Pool, told_as_unavailable
from gatetrail_sinks.postgres.queries import query


class PostgresProbe:
    """Writes without leaving anything behind."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    async def takes_commits(self) -> bool:
        """Commit something that nobody sees and wait for the disk; False where the server only reads.

        It costs one flush of the log, locks no row and leaves no dead one. Raises `DatabaseUnavailable`, also for
        a log that cannot be written.
        """
        with told_as_unavailable(self._dsn):
            async with self._pool.connection() as connection:
                row = await (await connection.execute(query("probe"))).fetchone()
                return row is not None and row[0] is not None
