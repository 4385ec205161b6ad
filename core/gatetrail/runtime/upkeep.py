"""What is done to a database on purpose, apart from running on it."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.runtime.database import open_database
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.migrate import migrate


async def bring_up_to_date(settings: ServiceSettings) -> Sequence[str]:
    """Apply what is missing and give the names of it.

    Raises `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
    """
    async with open_database(settings) as dsn:
        return await migrate(dsn)
